// Colours, only where a person sees them: on a terminal, and unless NO_COLOR is set (https://no-color.org).

import { styleText } from "node:util";
import type { Io } from "../io.ts";

type Style = Parameters<typeof styleText>[0];

/** The text must have gone through `visibleText` when other people wrote it. */
export function paint({ tty, env }: Pick<Io, "tty" | "env">, style: Style, text: string): string {
  const isPlain = !tty || (env.NO_COLOR ?? "") !== "" || env.TERM === "dumb";
  return isPlain ? text : styleText(style, text, { validateStream: false });
}

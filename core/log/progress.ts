// How far a step is, as its script says: `::progress::3/10 uploading`. Pure.

import { truncate } from "../truncate.ts";
import { oneLine } from "./annotation.ts";
import type { LogCommand } from "./commands.ts";

/** `done` of `total`; `total` is at least 1 and at least `done`. */
export type StepProgress = { readonly done: number; readonly total: number; readonly text?: string };

export const MAX_PROGRESS_TEXT = 200;

/** `3/10` or `30%`, and what it is about. Undefined for other commands, and for one that is neither. */
export function progressOf({ name, message }: LogCommand): StepProgress | undefined {
  if (name !== "progress") return undefined;
  const [, first = "", second, rest = ""] = /^\s*(\d{1,15})(?:\s*\/\s*(\d{1,15})|%)(?:\s+(.*))?$/s.exec(message) ?? [];
  const total = first === "" ? 0 : Number(second ?? 100);
  if (total < 1) return undefined;
  const text = truncate(oneLine(rest), MAX_PROGRESS_TEXT);
  return { done: Math.min(Number(first), total), total, ...(text === "" ? {} : { text }) };
}

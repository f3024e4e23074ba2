// A mistake in a YAML file, with its place. Shared by everything that reads a file of people as a whole.

import type { Problem } from "../errors.ts";
import { type Path, type PathProblem, placeAround } from "../issues.ts";
import { placeAt, type Source } from "./source.ts";

/** `file`: its name. The text names what is around the place, unless it begins with it already. */
export function placedProblem(
  { root, file }: { readonly root: Source; readonly file: string },
  path: Path,
  detail: string,
  on?: PathProblem["on"],
): Problem {
  const { line, column } = placeAt(root, path, on);
  const where = placeAround(path);
  return {
    detail: where === "" || detail.startsWith(where) ? detail : `${where}: ${detail}`,
    pointer: path.map((step) => `/${step}`).join(""),
    file,
    line,
    column,
  };
}

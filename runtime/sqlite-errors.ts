// Turns SQLite's disk errors into GantryErrors: the request is refused and may be repeated once the disk works again. Any
// other error of SQLite is a bug and is left as it is.

import { GantryError } from "@gantry/core/errors.ts";

/** Primary result codes, https://sqlite.org/rescode.html. */
const PROBLEMS: { readonly [code: number]: string } = {
  5: "Another process has locked its file.",
  8: "Its file cannot be written.",
  10: "Its disk reports an I/O error.",
  13: "Its disk is full.",
  14: "Its file cannot be opened.",
};

/** Also the problems that cannot be solved while the process runs. */
const START_PROBLEMS: { readonly [code: number]: string } = {
  ...PROBLEMS,
  11: "It is damaged; restore a backup.",
  26: "It is not a journal; restore a backup.",
};

export function withDiskErrors<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const problem = problemOf(error, PROBLEMS);
    throw problem === undefined
      ? error
      : new GantryError("unavailable", { what: "The journal", problem }, { cause: error });
  }
}

/** For opening a file: throws `data-unusable` when it cannot be opened, the disk fails or the file is damaged. */
export function withOpenErrors<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { syscall } = error as NodeJS.ErrnoException;
    const problem = syscall === "open" ? START_PROBLEMS[14] : problemOf(error, START_PROBLEMS);
    throw problem === undefined ? error : new GantryError("data-unusable", { file, problem }, { cause: error });
  }
}

function problemOf(error: unknown, problems: { readonly [code: number]: string }): string | undefined {
  const code = (error as { errcode?: unknown }).errcode;
  // The lower byte of an extended code is the primary one.
  return typeof code === "number" ? problems[code & 0xff] : undefined;
}

// What SQLite throws when the disk is at fault, as an error of ours: the request is refused, and may be repeated when the
// disk is well again. Anything else it throws is a mistake of ours and stays as it is.

import { GantryError } from "@gantry/core/errors.ts";

/** Primary result codes, https://sqlite.org/rescode.html. */
const PROBLEMS: { readonly [code: number]: string } = {
  5: "Somebody else has its file locked.",
  8: "Its file cannot be written.",
  10: "Its disk has a fault.",
  13: "Its disk is full.",
  14: "Its file cannot be opened.",
};

/** What cannot be cured while the process runs, either. */
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

/** For opening a file: throws `data-unusable` where its disk, or the file itself, is at fault. */
export function withOpenErrors<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const problem = problemOf(error, START_PROBLEMS);
    throw problem === undefined ? error : new GantryError("data-unusable", { file, problem }, { cause: error });
  }
}

function problemOf(error: unknown, problems: { readonly [code: number]: string }): string | undefined {
  const code = (error as { errcode?: unknown }).errcode;
  // The lower byte of an extended code is the primary one.
  return typeof code === "number" ? problems[code & 0xff] : undefined;
}

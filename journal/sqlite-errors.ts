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

export function withDiskErrors<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const code = (error as { errcode?: unknown }).errcode;
    // The lower byte of an extended code is the primary one.
    const problem = typeof code === "number" ? PROBLEMS[code & 0xff] : undefined;
    throw problem === undefined
      ? error
      : new GantryError("unavailable", { what: "The journal", problem }, { cause: error });
  }
}

// Errors of a disk, for people: they are no bug, and the caller may try again.

import { GantryError } from "@gantry/core/errors.ts";

const DISK_ERRORS: { readonly [code: string]: string } = {
  ENOSPC: "Its disk is full.",
  EDQUOT: "The quota of its disk is used up.",
  EIO: "Its disk has a fault.",
  EROFS: "Its file system can only be read.",
};

/** Turns errors of the disk into `unavailable`: the caller keeps what it has and tries again. `what`: "The log store". */
export async function withDiskErrors<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    const problem = DISK_ERRORS[code];
    if (problem === undefined) throw error;
    throw new GantryError("unavailable", { what, problem }, { cause: error });
  }
}

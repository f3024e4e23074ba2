// The failure of a program that did not end successfully.

import { GantryError } from "../errors.ts";

/** `exit`: its exit code, or the name of the signal that ended it. */
export function scriptFailed(exit: number | string, problem: string): GantryError {
  const end = typeof exit === "number" ? `ended with exit code ${exit}` : `was ended by the signal ${exit}`;
  return new GantryError("script-failed", { exit, end, problem });
}

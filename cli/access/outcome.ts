// What a command about people or tokens prints.

import type { Io } from "../io.ts";

/** `value`: printed with --json instead of the text. */
export type Outcome = { readonly value?: unknown; readonly text: string };

/** `problem`: what is wrong with the arguments; empty when the help was asked for. Returns the exit code. */
export function printHelp(io: Io, problem: string, help: string): number {
  (problem === "" ? io.stdout : io.stderr)(`${problem === "" ? "" : `${problem}\n\n`}${help}`);
  return problem === "" ? 0 : 2;
}

/** Returns the exit code. */
export function printOutcome(io: Io, { value, text }: Outcome, json: boolean): number {
  io.stdout(json && value !== undefined ? `${JSON.stringify(value, null, 2)}\n` : text);
  return 0;
}

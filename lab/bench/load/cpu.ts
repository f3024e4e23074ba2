// CPU time per unit of work. Unlike a rate, it is nearly the same on a busy machine.

import { readFileSync } from "node:fs";

/** Linux counts CPU time in hundredths of a second. */
const TICK_MICROS = 10_000;

/** CPU time of a process so far, in user and kernel mode, microseconds. */
export function cpuMicros(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name of the program comes first, in parentheses, and may contain any character.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MICROS;
}

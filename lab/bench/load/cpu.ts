// What work costs a process in CPU time. Other than a rate it says nearly the same on a busy machine.

import { readFileSync } from "node:fs";

/** Linux counts in hundredths of a second. */
const TICK_MICROS = 10_000;

/** CPU time of a process so far, in user and kernel mode, microseconds. */
export function cpuMicros(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name of the program comes before, in parentheses, and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MICROS;
}

// Files that the program which started this process has left open.

import { closeSync, readdirSync, readFileSync } from "node:fs";

/** Of open(2): the file is closed in the programs that this process starts. Node opens everything so. */
const CLOSE_ON_EXEC = 0o2000000;
const STANDARD = 2;

/**
 * Closes them: every program that this process starts, such as a script of a job, would have them, too. Standard input, output
 * and error stay. Linux only; elsewhere it does nothing.
 */
export function closeInheritedFiles(): void {
  for (const name of filesOf("/proc/self/fd")) {
    const file = Number(name);
    if (file <= STANDARD || closesOnExec(file)) continue;
    closeSync(file);
  }
}

function filesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Also true for one that is closed by now, as that of the folder that was listed. */
function closesOnExec(file: number): boolean {
  try {
    const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${file}`, "utf8"))?.[1];
    return flags === undefined || (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) !== 0;
  } catch {
    return true;
  }
}

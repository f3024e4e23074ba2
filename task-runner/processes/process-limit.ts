// A script that forks without end must not take the machine along. Linux counts the processes of a user, except those of root,
// so there are two ways: a limit of the user namespace for runners that are not root, and a control group for root.

import { mkdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

export type ProcessLimit = {
  /** Program and arguments to put before the script, inside the sandbox. */
  readonly inside: readonly string[];
  /** The file into which the script's first process writes its id, outside of the sandbox. */
  readonly group: string | undefined;
  readonly remove: () => Promise<void>;
};

export const NO_LIMIT: ProcessLimit = { inside: [], group: undefined, remove: async () => undefined };

/** Folders in which groups that limit processes can be made: the controller of its own (version 1), and the unified tree. */
const PARENTS = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"];

/** `name`: unique on the machine. Where neither way works, the script has no limit of its own. */
export async function limitProcesses(name: string, max: number): Promise<ProcessLimit> {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot) return { inside: ["prlimit", `--nproc=${max}`, "--"], group: undefined, remove: async () => undefined };
  for (const parent of PARENTS) {
    const folder = join(parent, `gantry-${name}`);
    try {
      await mkdir(folder);
      await writeFile(join(folder, "pids.max"), String(max));
      return { inside: [], group: join(folder, "cgroup.procs"), remove: () => removeGroup(folder) };
    } catch {
      // Not writable, or without the controller: the other folder may do.
      await removeGroup(folder);
    }
  }
  return NO_LIMIT;
}

/** A group that still has a process cannot be removed; the next start of the machine does it. */
async function removeGroup(folder: string): Promise<void> {
  await rmdir(folder).catch(() => undefined);
}

// Prepares the mount points of a sandbox that are below the temporary folder of the job, where an earlier script may have
// created links. bubblewrap follows links while it still sees the machine: it would create folders and files anywhere, with
// the rights of the runner.

import { lstatSync, rmSync, type Stats } from "node:fs";
import { join } from "node:path";

/** Where the sandbox shows the temporary folder of the job. */
export const SHOWN_TMP = ["/tmp", "/var/tmp", "/dev/shm"] as const;

/**
 * Removes everything on the way to these mounts that is neither a folder nor a file. No script of the job may be running.
 * Synchronous: some ten looks at folders take microseconds here, and ten times as long on another thread.
 */
export function clearMountPoints(tmp: string, mounts: readonly string[]): void {
  for (const mount of mounts) {
    const shown = SHOWN_TMP.find((folder) => mount.startsWith(`${folder}/`));
    if (shown === undefined) continue;
    let at = tmp;
    for (const part of mount.slice(shown.length + 1).split("/")) {
      at = join(at, part);
      const facts = factsOf(at);
      if (facts === undefined) break;
      if (!facts.isDirectory() && !facts.isFile()) rmSync(at);
    }
  }
}

/** Undefined also for what cannot be looked at: bubblewrap says what is wrong with it. */
function factsOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

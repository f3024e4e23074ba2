// Prepares the mount points of a sandbox that are below the temporary folder of the job, where an earlier script may have
// created links. bubblewrap follows links while it still sees the machine: it would create folders and files anywhere, with
// the rights of the runner.

import { lstat, rm } from "node:fs/promises";
import { join } from "node:path";

/** Where the sandbox shows the temporary folder of the job. */
export const SHOWN_TMP = ["/tmp", "/var/tmp", "/dev/shm"] as const;

/**
 * Removes everything on the paths to these mounts that is neither a folder nor a file. No script of the job may be running.
 */
export async function clearMountPoints(tmp: string, mounts: readonly string[]): Promise<void> {
  for (const mount of mounts) {
    const shown = SHOWN_TMP.find((folder) => mount.startsWith(`${folder}/`));
    if (shown === undefined) continue;
    let at = tmp;
    for (const part of mount.slice(shown.length + 1).split("/")) {
      at = join(at, part);
      const facts = await lstat(at).catch(() => undefined);
      if (facts === undefined) break;
      if (!facts.isDirectory() && !facts.isFile()) await rm(at);
    }
  }
}

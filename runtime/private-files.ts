// Folders and files of a process that only its user may read: they hold tokens, parameters and logs.

import { chmodSync, closeSync, lstatSync, mkdirSync, openSync } from "node:fs";

const OTHERS = 0o077;
const STICKY = 0o1000;

/** Makes the folder with its parents, all for their owner only. One that is there loses the rights of others. */
export function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  removeRightsOfOthers(path);
}

/**
 * Makes an empty file for its owner only; one that is there keeps its content and loses the rights of others. A file that
 * is there is not opened: closing it would drop the POSIX locks that this process has on it.
 */
export function makePrivateFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    removeRightsOfOthers(path);
  }
}

/**
 * Only where it is ours: a volume of Kubernetes may belong to root and let us in by its group. A folder with the sticky
 * bit, such as /tmp, is shared on purpose. What is not there needs nothing.
 */
export function removeRightsOfOthers(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found || found.isSymbolicLink() || (found.mode & OTHERS) === 0 || (found.mode & STICKY) !== 0) return;
  if (found.uid === process.getuid?.()) chmodSync(path, found.mode & ~OTHERS & 0o7777);
}

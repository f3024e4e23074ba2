// Watches folders for changes of source files.

import { watch } from "node:fs";
import { join } from "node:path";

/** Changes within this many milliseconds count as one: an editor or git writes several files at once. */
const QUIET_MS = 150;
/** Tests, generated files and files that editors leave behind change nothing that runs. */
const IGNORED = /(^|\/)(node_modules|dist|fixtures|\.[^/]+)(\/|$)|\.(test|suite|fixture|faults)\.tsx?$|\.md$|~$/;

/**
 * Calls `onChange` with the path of the last changed file, relative to `root`. Calls never overlap: changes during a call
 * lead to one more call after it. Ends when `signal` is aborted.
 */
export function watchFolders(
  root: string,
  folders: readonly string[],
  signal: AbortSignal,
  onChange: (path: string) => Promise<void>,
): void {
  let changed: string | undefined;
  let isRunning = false;
  let timer: NodeJS.Timeout | undefined;
  const run = async (): Promise<void> => {
    if (isRunning) return;
    isRunning = true;
    while (changed !== undefined && !signal.aborted) {
      const path = changed;
      changed = undefined;
      await onChange(path);
    }
    isRunning = false;
  };
  for (const folder of folders) {
    watch(join(root, folder), { recursive: true, signal }, (_, name) => {
      const path = join(folder, name ?? "");
      if (IGNORED.test(path)) return;
      changed = path;
      clearTimeout(timer);
      timer = setTimeout(() => void run(), QUIET_MS);
    });
  }
  signal.addEventListener("abort", () => clearTimeout(timer));
}

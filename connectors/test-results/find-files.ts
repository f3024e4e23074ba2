// Finds the result files of tests by their names. Others write the folder: links are not followed, and the search is limited.

import { lstat, opendir } from "node:fs/promises";
import { join, matchesGlob } from "node:path";

export type FoundFile = { readonly path: string; readonly modifiedMs: number };

const MAX_ENTRIES = 200_000;
const MAX_DEPTH = 25;
const MAX_FILES = 5_000;
const SKIPPED = /^(?:\.git|node_modules|\.venv|\.yarn)$/;

export type Found = {
  readonly files: readonly FoundFile[];
  /** No limit ended the search. */
  readonly isComplete: boolean;
  /** What could not be opened: without the right, gone in the meantime, or with a name that is not UTF-8. */
  readonly unreadable: readonly string[];
};

/** Files whose path below `root` matches a pattern, sorted by path. */
export async function findFiles(root: string, patterns: readonly string[]): Promise<Found> {
  const files: FoundFile[] = [];
  const unreadable: string[] = [];
  let entries = 0;
  let isComplete = true;
  const orUnreadable = async <T>(path: string, opened: Promise<T>): Promise<T | undefined> => {
    try {
      return await opened;
    } catch (error) {
      if (!["ENOENT", "ENOTDIR", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
      unreadable.push(path);
      return undefined;
    }
  };
  const visit = async (folder: string, depth: number): Promise<void> => {
    const opened = await (folder === "" ? opendir(root) : orUnreadable(folder, opendir(join(root, folder))));
    for await (const entry of opened ?? []) {
      entries += 1;
      if (entries > MAX_ENTRIES || files.length >= MAX_FILES) {
        isComplete = false;
        return;
      }
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && !SKIPPED.test(entry.name)) {
        if (depth < MAX_DEPTH) await visit(path, depth + 1);
      } else if (entry.isFile() && patterns.some((pattern) => matchesGlob(path, pattern))) {
        const stats = await orUnreadable(path, lstat(join(root, path)));
        if (stats) files.push({ path, modifiedMs: stats.mtimeMs });
      }
    }
  };
  await visit("", 0);
  return { files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)), isComplete, unreadable };
}

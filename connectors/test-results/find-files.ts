// Finds the result files of tests by their names. Others write the folder: links are not followed, and the search is limited.

import { lstat, opendir } from "node:fs/promises";
import { join, matchesGlob } from "node:path";

export type FoundFile = { readonly path: string; readonly modifiedMs: number };

const MAX_ENTRIES = 200_000;
const MAX_DEPTH = 25;
const MAX_FILES = 5_000;
const SKIPPED = /^(?:\.git|node_modules|\.venv|\.yarn)$/;

/** Files whose path below `root` matches a pattern, sorted by path. `isComplete`: no limit ended the search. */
export async function findFiles(
  root: string,
  patterns: readonly string[],
): Promise<{ readonly files: readonly FoundFile[]; readonly isComplete: boolean }> {
  const files: FoundFile[] = [];
  let entries = 0;
  let isComplete = true;
  const visit = async (folder: string, depth: number): Promise<void> => {
    for await (const entry of await opendir(join(root, folder))) {
      entries += 1;
      if (entries > MAX_ENTRIES || files.length >= MAX_FILES) {
        isComplete = false;
        return;
      }
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && !SKIPPED.test(entry.name)) {
        if (depth < MAX_DEPTH) await visit(path, depth + 1);
      } else if (entry.isFile() && patterns.some((pattern) => matchesGlob(path, pattern))) {
        files.push({ path, modifiedMs: (await lstat(join(root, path))).mtimeMs });
      }
    }
  };
  await visit("", 0);
  return { files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)), isComplete };
}

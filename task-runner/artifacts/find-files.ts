// Finds the files of a workspace that an artifact gets. Scripts have written the workspace: links are not followed, and the
// search is limited.

import { opendir } from "node:fs/promises";
import { join, matchesGlob } from "node:path";
import { isArtifactPath, MAX_ARTIFACT_FILES } from "@gantry/core/artifact/artifact.ts";

export type FoundFiles = {
  /** Sorted; relative to the root, with `/`. */
  readonly paths: readonly string[];
  /** Symbolic links; what they point to is not looked at. */
  readonly links: readonly string[];
  /** Pipes, devices and names that an artifact cannot have. */
  readonly leftOut: readonly string[];
  /** There are more files than an artifact may have. */
  readonly tooMany: boolean;
};

const MAX_ENTRIES = 1_000_000;
const MAX_DEPTH = 100;
/** It may hold credentials, and nobody means it. */
const NEVER = ".git";
/** Node puts it in place of bytes that are not UTF-8, and a file is not found by that name. */
const NOT_UTF8 = "\ufffd";

/**
 * A pattern that matches a folder means all that is in it. `*` and `**` do not match names that begin with a dot: they often hold
 * credentials. A pattern with `!` takes files away, wherever it stands.
 */
export async function findFiles(
  root: string,
  patterns: readonly string[],
  most = MAX_ARTIFACT_FILES,
): Promise<FoundFiles> {
  const plain = patterns.map((pattern) => pattern.replace(/\/$/, ""));
  const wanted = plain.filter((pattern) => !pattern.startsWith("!"));
  const whole = wanted.filter((pattern) => !pattern.endsWith("**"));
  const unwanted = plain.filter((pattern) => pattern.startsWith("!")).map((pattern) => pattern.slice(1));
  const paths: string[] = [];
  const links: string[] = [];
  const leftOut: string[] = [];
  let entries = 0;
  let tooMany = false;
  /** `isWanted`: the folder was matched as a whole. */
  const visit = async (folder: string, depth: number, isWanted: boolean): Promise<void> => {
    for await (const entry of await opendir(join(root, folder))) {
      entries += 1;
      tooMany ||= entries > MAX_ENTRIES || paths.length > most;
      if (tooMany) return;
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.name === NEVER || matchesAny(path, unwanted)) continue;
      const isMatched = isWanted || matchesAny(path, wanted);
      if (entry.name.includes(NOT_UTF8)) {
        if (isMatched) leftOut.push(path);
      } else if (entry.isDirectory() && depth < MAX_DEPTH)
        await visit(path, depth + 1, isWanted || matchesAny(path, whole));
      else if (isMatched && entry.isSymbolicLink()) links.push(path);
      else if (isMatched) (entry.isFile() && isArtifactPath(path) ? paths : leftOut).push(path);
    }
  };
  await visit("", 0, false);
  return { paths: paths.toSorted(), links, leftOut, tooMany: tooMany || paths.length > most };
}

function matchesAny(path: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => matchesGlob(path, pattern));
}

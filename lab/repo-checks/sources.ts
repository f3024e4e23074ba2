// The files of the repository, for the checks of this folder.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export type Source = { readonly path: string; readonly text: string };

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Read once per process: most checks look at most files. */
let listed: readonly string[] | undefined;
const texts = new Map<string, string>();

/** Files that git tracks, or would track, whose path matches. */
export function sources(matching: RegExp): readonly Source[] {
  listed ??= execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
    cwd: ROOT,
    encoding: "utf8",
  }).split("\n");
  return listed.filter((path) => matching.test(path)).flatMap(read);
}

function read(path: string): readonly Source[] {
  const before = texts.get(path);
  if (before !== undefined) return [{ path, text: before }];
  try {
    const text = readFileSync(`${ROOT}${path}`, "utf8");
    texts.set(path, text);
    return [{ path, text }];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return []; // deleted but not committed yet
    throw error;
  }
}

/** Files of the lab that `gantry start` loads; the rest of the lab is for tests. */
export const DEMO = /^lab\/(fakes\/|start\.ts$)/;

/** Tests, and what only tests import: fixtures, and suites that several tests run. */
export function isTest(path: string): boolean {
  return /\.(test|suite|system|fixture|faults)\.tsx?$|\/suite\//.test(path);
}

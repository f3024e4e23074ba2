// Folders inside a workspace. A script of an earlier step may have put links there, so a name alone is not proof.

import { mkdir, readdir, realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";

/**
 * The absolute path of a folder below the workspace, made if it is missing. Throws `bad-input` when the name, or a link
 * on the way, leads outside.
 */
export async function folderInside(workspace: string, name: string, step: string): Promise<string> {
  const root = await realpath(workspace);
  const wanted = resolve(root, name);
  if (name.includes("\0") || isAbsolute(name) || !isInside(root, wanted)) throw outside(step, name);
  // The nearest part that exists decides where a new folder would land.
  const parent = await nearestExisting(wanted);
  if (!isInside(root, await realpath(parent))) throw outside(step, name);
  await mkdir(wanted, { recursive: true });
  const real = await realpath(wanted);
  if (!isInside(root, real)) throw outside(step, name);
  return real;
}

/** Whether `path` is the folder `root` or below it. Both are absolute; the caller has resolved links. */
export function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

async function nearestExisting(path: string): Promise<string> {
  for (let at = path; ; at = dirname(at)) {
    try {
      await readdir(join(at));
      return at;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOTDIR") return at;
      if (code !== "ENOENT" || at === dirname(at)) throw error;
    }
  }
}

function outside(step: string, name: string): GantryError {
  return new GantryError("bad-input", { step, problem: `the folder ${JSON.stringify(name)} is outside the workspace` });
}

// Reads what `decide-build.ts` needs to know of a checkout. Its files are written by others: no link is followed out of the
// workspace, and only a limited number of entries is read.

import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { readPlainFile, realInside } from "../plain-file.ts";
import { joined, type Sources, type Wanted } from "./decide-build.ts";
import type { Folder } from "./folder.ts";
import { READ } from "./kinds.ts";

const MAX_TEXT = 1_048_576;
const MAX_NAMES = 10_000;
const MAX_FOLDERS = 2_000;
const MAX_DEPTH = 4;
const SKIPPED = /^(?:\..*|node_modules|vendor|target|build|dist)$/;

/** `folder`: of the app, below the workspace. Throws `file-invalid` for a file that it must read and may not. */
export async function readSources(workspace: string, folder: string, images: readonly Wanted[]): Promise<Sources> {
  const top = joined(folder);
  const paths = [...new Set([top, ...images.map(({ context }) => joined(top, context))])];
  const found = await Promise.all(paths.map((path) => readFolder(workspace, path)));
  const dockerfiles = images.map(({ context, dockerfile }) => joined(top, context, dockerfile));
  const present = await Promise.all(dockerfiles.map((path) => isFile(workspace, path)));
  const files = new Set(dockerfiles.filter((_, index) => present[index]));
  const root = await realInside(workspace, top);
  return {
    folder: top,
    folders: Object.fromEntries(found.flatMap((one) => (one ? [[one.path, one]] : []))),
    hasFile: (path) => files.has(path),
    dockerfiles: present.every(Boolean) || root === undefined ? [] : (await findDockerfiles(root)).files,
  };
}

/** Undefined: there is no such folder below the workspace. */
export async function readFolder(workspace: string, path: string): Promise<Folder | undefined> {
  const real = await realInside(workspace, path);
  if (real === undefined || !(await lstat(real)).isDirectory()) return undefined;
  const names = (await readdir(real)).slice(0, MAX_NAMES);
  const texts: Record<string, string> = {};
  for (const name of READ.filter((one) => names.includes(one))) {
    const text = await readPlainFile(workspace, join(real, name), { name: joined(path, name), maxBytes: MAX_TEXT });
    if (text !== undefined) texts[name] = text;
  }
  return { path, names, texts };
}

/** `file`: below the workspace. Undefined when it is not there, no plain file, or too large. */
export async function readDockerfile(workspace: string, file: string): Promise<string | undefined> {
  const real = await realInside(workspace, file);
  if (real === undefined) return undefined;
  const { size } = await lstat(real);
  return size > MAX_TEXT ? undefined : readPlainFile(workspace, real, { name: file, maxBytes: MAX_TEXT });
}

async function isFile(workspace: string, path: string): Promise<boolean> {
  const real = await realInside(workspace, path);
  return real !== undefined && (await lstat(real)).isFile();
}

/** To propose them. By path below `root`, sorted. `isCut`: there are more folders than are looked at. */
export async function findDockerfiles(
  root: string,
): Promise<{ readonly files: readonly string[]; readonly isCut: boolean }> {
  const found: string[] = [];
  let left: string[] = [""];
  let folders = 0;
  for (let depth = 0; depth <= MAX_DEPTH && left.length > 0; depth += 1) {
    const next: string[] = [];
    for (const path of left) {
      folders += 1;
      if (folders > MAX_FOLDERS) return { files: found.toSorted(), isCut: true };
      const entries = await readdir(join(root, path), { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
        if (["ENOENT", "ENOTDIR", "EACCES"].includes(error.code ?? "")) return [];
        throw error;
      });
      for (const entry of entries) {
        const below = path === "" ? entry.name : `${path}/${entry.name}`;
        if (entry.isFile() && /^(?:Dockerfile(?:\..+)?|.+\.Dockerfile)$/i.test(entry.name)) found.push(below);
        if (entry.isDirectory() && !SKIPPED.test(entry.name)) next.push(below);
      }
    }
    left = next;
  }
  return { files: found.toSorted(), isCut: left.length > 0 };
}

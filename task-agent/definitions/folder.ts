// The folder with the definitions of the platform team: `*.yaml`, or a folder `pipelines` with them and `environments.yaml`
// beside it, and the other folders of a set.

import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { DefinitionFiles } from "@gantry/core/definitions/check-set.ts";
import { isSetFile, SET_FOLDERS } from "@gantry/core/definitions/set-files.ts";

const PARAMS = "params.yaml";

/** `params`: a file in place of params.yaml of the folder. Absent: that of the folder counts. */
export type DefinitionPlace = { readonly folder: string; readonly params?: string | undefined };

/** The text of every YAML file. Rejects when the folder or a file cannot be read. */
export async function readFolder({ folder, params }: DefinitionPlace): Promise<DefinitionFiles> {
  const files = new Map<string, string>();
  for (const path of await pathsIn(folder)) files.set(path, await readFile(join(folder, path), "utf8"));
  if (params !== undefined) files.set(PARAMS, await readFile(params, "utf8"));
  return files;
}

export type FolderWatch = {
  /**
   * Whether the files have changed since they were last read, and have stayed the same since the call before: somebody who
   * saves several files, or a mounted volume that is replaced, is not read in between. Never rejects.
   */
  readonly hasChanged: () => Promise<boolean>;
};

/**
 * Compares names, times and sizes at every call. Notifications of the file system would be quicker, but network disks and
 * mounted volumes do not give them. Call it before the first `readFolder`.
 */
export async function watchFolder(place: DefinitionPlace): Promise<FolderWatch> {
  let read = await signatureOf(place);
  let seen = read;
  return {
    hasChanged: async () => {
      const now = await signatureOf(place);
      const isSettled = now === seen;
      seen = now;
      if (!isSettled || now === read) return false;
      read = now;
      return true;
    },
  };
}

async function pathsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const own = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  const folders = entries.filter((entry) => !entry.isFile() && SET_FOLDERS.some((one) => one === entry.name));
  const inside = folders.map(async ({ name }) => (await readdir(join(folder, name))).map((file) => `${name}/${file}`));
  return [...own, ...(await Promise.all(inside)).flat()].filter(isSetFile).toSorted();
}

async function signatureOf({ folder, params }: DefinitionPlace): Promise<string> {
  try {
    const paths = (await pathsIn(folder)).map((path) => join(folder, path));
    const parts = [...paths, ...(params === undefined ? [] : [params])].map(async (path) => {
      const { ino, size, mtimeMs, ctimeMs } = await stat(path);
      return [path, ino, size, mtimeMs, ctimeMs].join();
    });
    return (await Promise.all(parts)).join("\n");
  } catch (error) {
    // What cannot be read is reported when it is read.
    return `unreadable: ${String((error as NodeJS.ErrnoException).code)}`;
  }
}

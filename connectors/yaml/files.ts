// Files of a workspace, named by a pipeline file: only regular files inside the folder, never through a symbolic link.

import { constants, type Stats } from "node:fs";
import { lstat, open, readdir, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";

const MAX_BYTES = 1024 * 1024;
/** Files of one folder with manifests. */
const MAX_FILES = 5_000;

/** A relative path with nothing in it that leaves the folder. */
export function isInside(path: string): boolean {
  return !path.startsWith("/") && !path.includes("\0") && !path.includes("\\") && !path.split("/").includes("..");
}

/**
 * Reads a text file at `path` below `root`. Throws `file-invalid` when a part of the path leaves the folder, is missing,
 * is a symbolic link, or is no regular file; when the file is larger than 1 MiB; and when it is not UTF-8.
 */
export async function readInside(root: string, path: string): Promise<string> {
  if (!isInside(path)) throw refusal(path, "the path leaves the folder");
  await refuseLinks(root, path);
  const handle = await open(join(root, path), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size } = await handle.stat();
    if (size > MAX_BYTES) throw refusal(path, `it is larger than ${MAX_BYTES} bytes`);
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await handle.readFile());
  } catch (error) {
    throw error instanceof TypeError ? refusal(path, "it is not UTF-8") : error;
  } finally {
    await handle.close();
  }
}

/** Whether a folder is there. Throws `file-invalid` as `readInside` does for what is neither a folder nor a plain file. */
export async function isFolderInside(root: string, path: string): Promise<boolean> {
  if (!isInside(path)) throw refusal(path, "the path leaves the folder");
  const stat = await refuseLinks(root, path, "either");
  return stat.isDirectory();
}

/**
 * The YAML files of a folder and of the folders in it, sorted. Hidden ones and symbolic links are left out. With `usual` it is
 * the one file of the folder that has such a name, or the first name when there is none. Throws `file-invalid` when there are
 * more than 5,000.
 */
export async function yamlFilesInside(
  root: string,
  path: string,
  usual?: readonly [string, ...string[]],
): Promise<readonly string[]> {
  await refuseLinks(root, path, "either");
  if (usual) {
    const names = await readdir(join(root, path));
    const [only = usual[0], second] = usual.filter((name) => names.includes(name));
    if (second !== undefined) throw refusal(path, `it has both ${only} and ${second}; name the file`);
    return [join(path, only)];
  }
  const found: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    const entries = await readdir(join(root, folder), { withFileTypes: true });
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith(".")) continue;
      const name = join(folder, entry.name);
      if (entry.isDirectory()) await walk(name);
      else if (entry.isFile() && /\.ya?ml$/.test(entry.name)) found.push(name);
      if (found.length > MAX_FILES) throw refusal(path, `it has more than ${MAX_FILES} YAML files; name them`);
    }
  };
  await walk(path);
  return found;
}

/** Replaces the file as a whole: after a crash it is the old one or the new one. */
export async function writeInside(root: string, path: string, text: string): Promise<void> {
  await refuseLinks(root, path);
  const [file, fresh] = [join(root, path), join(root, dirname(path), `.gantry-${process.pid}.new`)];
  const { mode } = await lstat(file);
  const handle = await open(fresh, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode & 0o777);
  try {
    await handle.writeFile(text, "utf8");
  } catch (error) {
    await unlink(fresh);
    throw error;
  } finally {
    await handle.close();
  }
  await rename(fresh, file);
}

async function refuseLinks(root: string, path: string, wanted: "file" | "either" = "file"): Promise<Stats> {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  let last = await lstat(root);
  for (let depth = 1; depth <= parts.length; depth++) {
    const stat = await lstat(join(root, ...parts.slice(0, depth))).catch((error: NodeJS.ErrnoException) => {
      throw error.code === "ENOENT" || error.code === "ENOTDIR" ? refusal(path, "it does not exist") : error;
    });
    if (stat.isSymbolicLink()) throw refusal(path, "a part of the path is a symbolic link");
    last = stat;
  }
  if (!last.isFile() && (wanted === "file" || !last.isDirectory())) throw refusal(path, "it is not a file");
  return last;
}

function refusal(path: string, problem: string): GantryError {
  return new GantryError("file-invalid", { file: path, problem }, { problems: [{ detail: problem, file: path }] });
}

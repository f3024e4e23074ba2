// Writes the files of an artifact into a workspace. Scripts of the job may have put links there, and the runner may write where
// they may not: no link is followed, and none is written through.

import { constants } from "node:fs";
import { chmod, copyFile, lstat, mkdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import type { ArtifactFile } from "@gantry/core/artifact/artifact.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { contentPlace } from "./content-folder.ts";
import { inParallel } from "./in-parallel.ts";

/**
 * `to`: folder below the workspace. A file that is there already is replaced. The files are clones of the content if the file
 * system can do that, else copies, never hard links: a script could change the content through them. Throws `artifact-unsafe`.
 */
export async function writeFiles(
  workspace: string,
  to: string,
  files: readonly ArtifactFile[],
  content: string,
): Promise<void> {
  const below = to === "." ? "" : `${to}/`;
  const made = new Set<string>();
  for (const { path } of files) {
    for (const folder of missingFolders(`${below}${path}`, made)) {
      await makeFolder(workspace, folder);
      made.add(folder);
    }
  }
  await inParallel(files, async ({ path, digest, executable }) => {
    const target = await clearedPlace(workspace, `${below}${path}`);
    await copyFile(contentPlace(content, digest), target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await chmod(target, executable ? 0o755 : 0o644);
  });
}

/** The folders above the path that are not made, the outermost first. Asks only as far as needed: folders may be deep. */
function missingFolders(path: string, made: ReadonlySet<string>): readonly string[] {
  const folders: string[] = [];
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
    const folder = path.slice(0, end);
    if (made.has(folder)) break;
    folders.push(folder);
  }
  return folders.toReversed();
}

/** Links are written last, so that nothing is written through them. */
export async function writeLinks(
  root: string,
  links: readonly { readonly path: string; readonly link: string }[],
): Promise<void> {
  for (const { path, link } of links) {
    const parts = path.split("/");
    for (let depth = 1; depth < parts.length; depth += 1) await makeFolder(root, parts.slice(0, depth).join("/"));
    await symlink(link, await clearedPlace(root, path));
  }
}

async function clearedPlace(root: string, path: string): Promise<string> {
  const target = join(root, path);
  if ((await factsOf(target))?.isDirectory()) throw unsafe(path, "A folder has this name.");
  await rm(target, { force: true });
  return target;
}

async function makeFolder(workspace: string, folder: string): Promise<void> {
  const path = join(workspace, folder);
  const facts = await factsOf(path);
  if (facts === undefined) await mkdir(path, { mode: 0o755 });
  else if (!facts.isDirectory())
    throw unsafe(folder, facts.isSymbolicLink() ? `${folder} is a link.` : `${folder} is a file.`);
}

/** Undefined: there is nothing. */
async function factsOf(path: string) {
  return lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
}

function unsafe(path: string, problem: string): GantryError {
  return new GantryError("artifact-unsafe", { path, problem });
}

// The files that a build may see. They are read once, without following links; COPY then finds them as a container would, so
// no path and no link leads out of the folder.

import type { Stats } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join, posix } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import { readPlainFile } from "../plain-file.ts";
import { type Ignore, plainIgnore } from "./dockerfile/dockerignore.ts";
import { isGlob, pathPattern } from "./dockerfile/path-pattern.ts";

export type SourceFile = {
  /** Relative to the root, with slashes; "" is the root itself. */
  readonly path: string;
  readonly kind: "file" | "directory" | "symlink";
  readonly size: number;
  /** The only permission that counts, as in git: all others depend on who checked the files out. */
  readonly executable: boolean;
  /** Target of a symlink, as it is written. */
  readonly link: string | undefined;
  /** Where the bytes are: a file on this machine, or the text itself. */
  readonly content: { readonly file: string } | { readonly text: string } | undefined;
  /** The whole permissions and the owner, where they are known: in an earlier stage. */
  readonly mode?: number;
  readonly owner?: Owner;
};

export type Owner = { readonly uid: number; readonly gid: number };

/** By path. Directories are listed too. */
export type FileTree = ReadonlyMap<string, SourceFile>;

/**
 * Everything below `root` that is not ignored. Sockets, pipes and devices are left out. Throws `dockerfile-invalid` for a name
 * that is not UTF-8.
 */
export async function readContext(root: string, ignore: Ignore): Promise<FileTree> {
  const tree = new Map<string, SourceFile>();
  const walk = async (folder: string): Promise<void> => {
    const names = (await readdir(join(root, folder))).sort().filter((name) => isReadable(below(folder, name)));
    const stats = await Promise.all(names.map((name) => lstat(join(root, folder, name))));
    for (const [index, name] of names.entries()) {
      const one = stats[index];
      if (one) await add(below(folder, name), one);
    }
  };
  /** A name that is not UTF-8 is not found again by what was read of it. */
  const isReadable = (path: string): boolean => {
    if (!path.includes("\uFFFD")) return true;
    if (ignore.ignores(path)) return false;
    const problem = `the name of ${path} in the build context is not UTF-8; rename the file or add it to .dockerignore`;
    throw new GantryError("dockerfile-invalid", { problem });
  };
  const add = async (path: string, stats: Stats): Promise<void> => {
    const file = join(root, path);
    const seen = { path, executable: (stats.mode & 0o100) !== 0, size: 0, link: undefined, content: undefined };
    const ignored = ignore.ignores(path);
    if (ignore.takesBack) refuseUnsure(path, ignore, ignored);
    if (stats.isDirectory()) {
      if (!ignored) tree.set(path, { ...seen, kind: "directory" });
      if (!ignored || ignore.takesBack) await walk(path);
    } else if (ignored) return;
    else if (stats.isSymbolicLink()) tree.set(path, { ...seen, kind: "symlink", link: await readlink(file) });
    else if (stats.isFile()) tree.set(path, { ...seen, kind: "file", size: stats.size, content: { file } });
  };
  await walk("");
  return withParents(tree);
}

/** Throws `no-builder` where builders disagree whether the file is in the build. */
function refuseUnsure(path: string, ignore: Ignore, isIgnored: boolean): void {
  if (ignore.ignoresInBuildKit(path) !== isIgnored) {
    const problem = `.dockerignore takes back ${path} by a pattern that fits a folder which is not left out itself, which builders read differently. The built-in assembler cannot do that.`;
    throw new GantryError("no-builder", { problem });
  }
  if (isIgnored) return;
  const parts = path.split("/");
  const folders = parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
  const skipped = folders.find((folder) => ignore.ignores(folder) && !ignore.isEntered(folder));
  if (skipped === undefined) return;
  const problem = `.dockerignore leaves out ${skipped}, and takes back ${path} by a pattern that does not begin with this folder, which builders read differently. The built-in assembler cannot do that.`;
  throw new GantryError("no-builder", { problem });
}

/** `.git` differs in every checkout of the same commit, and holds the whole history. */
const GIT = "**/.git\n";
const MAX_IGNORE = 1_048_576;

/**
 * The patterns of this Dockerfile: its own ignore file wins over the one of the folder. `.git` is left out, as BuildKit does
 * with git contexts, unless a line such as `!.git` takes it back; `!folder` does not.
 */
export async function readIgnoreText(root: string, dockerfile: string): Promise<string> {
  for (const name of [`${dockerfile}.dockerignore`, ".dockerignore"]) {
    const found = await readPlainFile(root, join(root, name), { name, maxBytes: MAX_IGNORE });
    if (found === undefined) continue;
    const text = plainIgnore(found);
    return /^!(.*\/)?\.git\/?$/m.test(text) ? GIT + text : text + GIT;
  }
  return GIT;
}

export type FoundSource = {
  /** The name it was found by; a link keeps its own. "" for the root. */
  readonly name: string;
  readonly file: SourceFile;
};

/**
 * What a COPY source names: one entry, or all that match a pattern, sorted. Links on the way are followed inside the tree,
 * and at the end too, as COPY copies what a link points to. Empty when there is nothing. Throws `no-builder` for a pattern that
 * fits a link which leads nowhere: some builders refuse that, others leave it out. And for one that fits a name which is a pattern.
 */
export function findSources(tree: FileTree, source: string): readonly FoundSource[] {
  let found: FoundSource[] = [tree.get("")].flatMap((file) => (file ? { name: "", file } : []));
  for (const part of posix.join("/", source).split("/")) {
    if (part === "") continue;
    found = found.flatMap(({ file: { path } }) => {
      // What is no pattern fits nothing.
      const pattern = pathPattern(part, { below: false, crosses: false });
      const names = isGlob(part) ? childrenOf(tree, path).filter((name) => pattern?.(name)) : [part];
      return names.flatMap((name) => {
        const file = resolvePath(tree, below(path, name));
        if (isGlob(part) && isGlob(name)) throw twice(source, name);
        if (!file && isGlob(part) && tree.get(below(path, name))?.kind === "symlink") throw nowhere(source, name);
        return file ? { name, file } : [];
      });
    });
  }
  return found;
}

/** Buildah takes the name that it has found for a pattern once more. */
function twice(source: string, name: string): GantryError {
  const problem = `The source "${source}" fits the name ${name}, which is a pattern itself. The built-in assembler cannot do that.`;
  return new GantryError("no-builder", { problem });
}

function nowhere(source: string, name: string): GantryError {
  const problem = `The source "${source}" fits the link ${name}, which leads nowhere. The built-in assembler cannot do that.`;
  return new GantryError("no-builder", { problem });
}

/** Everything inside a directory, with paths relative to it, sorted; links stay links. */
export function contentsOf(tree: FileTree, directory: string): readonly { relative: string; file: SourceFile }[] {
  const prefix = directory === "" ? "" : `${directory}/`;
  return [...tree.values()]
    .filter(({ path }) => path !== "" && path.startsWith(prefix) && path !== directory)
    .map((file) => ({ relative: file.path.slice(prefix.length), file }))
    .sort((a, b) => compare(a.relative, b.relative));
}

/** The parents of `a/b/c` are `a/b` and `a`; the root is left out. */
export function* parentsOf(path: string): Generator<string> {
  for (let slash = path.lastIndexOf("/"); slash > 0; slash = path.lastIndexOf("/", slash - 1))
    yield path.slice(0, slash);
}

/** By code units, the same on every machine. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const MAX_LINKS = 40;

/** Follows links part by part, with the tree as the root of everything. */
function resolvePath(tree: FileTree, path: string): SourceFile | undefined {
  let todo = path.split("/").filter((part) => part !== "");
  let at = "";
  for (let links = 0; todo.length > 0; ) {
    const [part = "", ...rest] = todo;
    todo = rest;
    if (part === ".") continue;
    if (part === "..") {
      at = at.includes("/") ? at.slice(0, at.lastIndexOf("/")) : "";
      continue;
    }
    const file = tree.get(below(at, part));
    if (!file) return undefined;
    if (file.kind === "symlink") {
      if (++links > MAX_LINKS || file.link === undefined) return undefined;
      if (file.link.startsWith("/")) at = "";
      // As in `resolveInImage`.
      todo = [
        ...posix
          .normalize(file.link)
          .split("/")
          .filter((one) => one !== ""),
        ...todo,
      ];
    } else at = file.path;
  }
  return tree.get(at);
}

function childrenOf(tree: FileTree, directory: string): string[] {
  const prefix = directory === "" ? "" : `${directory}/`;
  return [...tree.keys()]
    .filter((path) => path !== "" && path.startsWith(prefix) && !path.slice(prefix.length).includes("/"))
    .map((path) => path.slice(prefix.length))
    .sort(compare);
}

function below(directory: string, name: string): string {
  return directory === "" ? name : `${directory}/${name}`;
}

/** Completes a tree: every entry's parents are there, up to the root. */
export function withParents(tree: Map<string, SourceFile>): FileTree {
  if (!tree.has("")) tree.set("", directoryAt(""));
  for (const path of [...tree.keys()]) {
    for (const parent of parentsOf(path)) {
      if (!tree.has(parent)) tree.set(parent, directoryAt(parent));
    }
  }
  return tree;
}

function directoryAt(path: string): SourceFile {
  return { path, kind: "directory", size: 0, executable: true, link: undefined, content: undefined };
}

// From a COPY, ADD or WORKDIR to the entries of a layer. A copy onto a base image needs the base image's files: a link on
// the way, such as /lib in Debian, decides where the files go.

import { open } from "node:fs/promises";
import { posix } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import {
  contentsOf,
  type FileTree,
  type FoundSource,
  findSources,
  type Owner,
  parentsOf,
  type SourceFile,
} from "./build-context.ts";
import { isArchive } from "./decide-builder.ts";
import type { FileChange } from "./dockerfile/interpret.ts";
import { isGlob } from "./dockerfile/path-pattern.ts";
import { type Lookup, resolveInImage } from "./image-paths.ts";
import type { LayerEntry } from "./layer.ts";

/** What is known about the files before this change: the earlier changes of the stage, and the base image. */
export type Before = {
  /** There is no base image: everything that is there is in `own`. */
  readonly scratch: boolean;
  /** Entries of the stage so far, by path without a leading slash, with all links followed. */
  readonly own: ReadonlyMap<string, LayerEntry>;
  /** Every directory that the stage has made so far, on the way to a file too. */
  readonly directories: ReadonlySet<string>;
  /** Working directories so far, as the Dockerfile writes them. */
  readonly workdirs: readonly string[];
  /** Paths of the volumes of the stage, as the Dockerfile writes them. */
  readonly volumes: readonly string[];
  /** Reads the layers of the base image. */
  readonly base: () => Promise<Lookup>;
  /** The numbers behind `user` or `user:group`; undefined for an unknown name. */
  readonly ownerOf: (text: string) => Promise<Owner | undefined>;
};

/**
 * `tree` holds what `sources` names. Paths are those behind the links of the image: an entry below a link would put a
 * directory in the place of the link. Throws `dockerfile-invalid` when a source or an owner is not there, and `no-builder`
 * where builders do different things.
 */
export async function entriesOf(change: FileChange, tree: FileTree, before: Before): Promise<readonly LayerEntry[]> {
  const isWorkdir = change.instruction === "WORKDIR";
  // The container runtime creates a missing working directory, as root. It cannot do so where a file is.
  const isLeftToRuntime = isWorkdir && change.owner === undefined && !before.scratch;
  const lookup = lookupOf(before, await before.base());
  const at = placeOf(change, lookup);
  if (isLeftToRuntime || (isWorkdir && (at === "" || lookup(at) !== undefined))) return [];
  const owner = change.owner === undefined ? ROOT : await before.ownerOf(change.owner);
  if (!owner && isWorkdir) throw unsupported(change, `makes a directory of the unknown user ${change.owner}`);
  if (!owner) throw mistake(change, `the image knows no user "${change.owner}"`);
  const job: Job = { change, tree, before, owner, lookup };
  const found = foundSources(job, at);
  refuseUnclear(job, found, at);
  if (change.instruction === "ADD") await refuseArchives(change, found);
  const written = change.written.map(({ name, content }) => ({ name, file: textFile(name, content) }));
  const entries: LayerEntry[] = [];
  for (const one of [...found, ...written]) {
    if (one.file.kind === "directory") entries.push(...directoryEntries(job, one.file, at));
    else entries.push(fileEntry(job, one.file, fileTarget(job, one, found.length + written.length, at)));
  }
  refuseMixed(change, entries);
  if (isWorkdir) entries.push(directoryEntry(job, at));
  const all = withParents(job, entries);
  if (change.isLinked) refuseLinked(job, all, isFolder(found));
  return all;
}

/** The image as it is before the change: the base image with everything that the stage has made over it. */
function lookupOf({ own, directories, workdirs }: Before, base: Lookup): Lookup {
  const made = new Set<string>();
  const lookup: Lookup = (path) => {
    const entry = own.get(path);
    if (entry) return entry.kind === "symlink" ? { kind: "symlink", link: entry.link ?? "" } : { kind: entry.kind };
    return directories.has(path) || made.has(path) ? { kind: "directory" } : base(path);
  };
  for (const workdir of workdirs) {
    const resolved = resolveInImage(lookup, workdir);
    if (!("path" in resolved)) continue;
    for (const path of [resolved.path, ...parentsOf(resolved.path)]) made.add(path);
  }
  return lookup;
}

function placeOf(change: FileChange, lookup: Lookup): string {
  const resolved = resolveInImage(lookup, change.destination.slice(1));
  if ("problem" in resolved) throw mistake(change, resolved.problem);
  if (change.isDirectory && lookup(resolved.path)?.kind === "file") {
    throw mistake(change, `${change.destination} is a file in the image, not a directory`);
  }
  return resolved.path;
}

export function mistake(change: Pick<FileChange, "line" | "instruction">, text: string): GantryError {
  const detail = `${change.instruction}: ${text}`;
  return new GantryError(
    "dockerfile-invalid",
    { problem: `line ${change.line}: ${detail}` },
    { problems: [{ detail, line: change.line }] },
  );
}

type Job = {
  readonly change: FileChange;
  readonly tree: FileTree;
  readonly before: Before;
  readonly owner: Owner;
  readonly lookup: Lookup;
};

const ROOT: Owner = { uid: 0, gid: 0 };
const DIRECTORY_MODE = 0o755;

/** A pattern may fit nothing if its folder is there, and something else to copy. */
function foundSources(job: Job, at: string): readonly FoundSource[] {
  const { change, lookup } = job;
  const all = change.sources.map((source) => ({ source, found: sourcesOf(job, source) }));
  const missing = all.find(({ source, found }) => found.length === 0 && !isFolderThere(job, source));
  const unfitting = all.find(({ found }) => found.length === 0);
  const isNothing = change.written.length === 0 && all.every(({ found }) => found.length === 0);
  const absent = missing ?? (isNothing ? unfitting : undefined);
  if (absent) {
    const where =
      change.from === undefined ? "in the build context, or .dockerignore leaves it out" : `in ${change.from}`;
    throw mistake(change, `there is no "${absent.source}" ${where}`);
  }
  if (unfitting && !change.isDirectory && at !== "" && lookup(at)?.kind !== "directory")
    throw unsupported(change, `copies to ${change.destination}, without a slash at its end, what may be one file`);
  return all.flatMap(({ found }) => found);
}

/** Whether there is the folder in which a pattern begins. */
function isFolderThere({ tree }: Job, source: string): boolean {
  const parts = source.split("/");
  const pattern = parts.findIndex(isGlob);
  return pattern !== -1 && findSources(tree, parts.slice(0, pattern).join("/")).length > 0;
}

function sourcesOf({ change, tree }: Job, source: string): readonly FoundSource[] {
  // Some builders take the character behind it as it is, others do so only in a pattern.
  if (source.includes("\\")) throw unsupported(change, `names the source "${source}", with a backslash`);
  return findSources(tree, source);
}

/** What the destination without a slash at its end becomes, where builders have different answers. */
function refuseUnclear({ change, before, lookup }: Job, found: readonly FoundSource[], at: string): void {
  if (at === "" || lookup(at)?.kind === "directory") return;
  if (change.endsInDot && !isFolder(found)) throw unsupported(change, `copies a file to /${at}/., which is not there`);
  if (change.isDirectory) return;
  const { destination } = change;
  const files = found.length + change.written.length;
  const isByPattern = change.sources.some(isGlob);
  if (isByPattern && (files > 1 ? change.sources.length + change.written.length === 1 : isFolder(found)))
    throw unsupported(change, `copies what fits a pattern to ${destination}, without a slash at its end`);
  if (isFolder(found)) return;
  const parent = resolveInImage(lookup, posix.dirname(destination));
  const link = "path" in parent ? posix.join(parent.path, posix.basename(destination)) : "";
  if (lookup(link)?.kind === "symlink") throw unsupported(change, `puts a file in the place of the link /${link}`);
  const isVolume = before.volumes.some((one) => posix.join("/", one) === `/${at}`);
  if (isVolume && lookup(at) === undefined) throw unsupported(change, `puts a file in the place of the volume /${at}`);
}

/**
 * `--link` follows no links of the image, takes no destination for a directory because the image has one there, and makes all
 * directories on the way anew. It is the usual copy only where the image has none of this, or has just the same.
 */
function refuseLinked({ change, before, lookup }: Job, entries: readonly LayerEntry[], isFolder: boolean): void {
  const literal = change.destination.slice(1);
  const directories = entries.flatMap(({ path, kind }) => [
    ...(kind === "directory" ? [path] : []),
    ...parentsOf(path),
  ]);
  const onTheWay = [...(change.isDirectory || isFolder ? [literal] : []), ...parentsOf(literal), ...directories];
  const isUsual = (path: string): boolean => {
    const { kind, mode, uid, gid } = before.own.get(path) ?? {};
    return kind === "directory" && mode === DIRECTORY_MODE && uid === 0 && gid === 0;
  };
  const isFilled = !change.isDirectory && !isFolder && lookup(literal)?.kind === "directory";
  const there = isFilled ? literal : onTheWay.find((path) => path !== "" && lookup(path) && !isUsual(path));
  if (there !== undefined) throw unsupported(change, `copies with --link to /${there}, which is there already`);
}

function isFolder(found: readonly FoundSource[]): boolean {
  return found.some(({ file }) => file.kind === "directory");
}

/** ADD unpacks archives, which it knows by their first bytes, whatever their names are. */
async function refuseArchives(change: FileChange, found: readonly FoundSource[]): Promise<void> {
  for (const { name, file } of found) {
    if (file.content && "file" in file.content && (isArchive(name) || (await looksPacked(file.content.file)))) {
      throw unsupported(change, `unpacks ${name}`);
    }
  }
}

const MAGIC = ["1f8b", "425a68", "fd377a585a00", "28b52ffd", "04224d18"];
const TAR_MAGIC_AT = 257;

async function looksPacked(file: string): Promise<boolean> {
  await using handle = await open(file, "r");
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(512), 0, 512, 0);
  const head = buffer.subarray(0, bytesRead);
  const isTar = head.subarray(TAR_MAGIC_AT, TAR_MAGIC_AT + 5).toString("latin1") === "ustar";
  return isTar || MAGIC.some((magic) => head.toString("hex", 0, 6).startsWith(magic));
}

function unsupported({ line, instruction }: FileChange, what: string): GantryError {
  const problem = `Line ${line}: ${instruction} ${what}. The built-in assembler cannot do that.`;
  return new GantryError("no-builder", { problem });
}

/** A directory's content goes into the destination; the directory itself does not. */
function directoryEntries(job: Job, source: SourceFile, at: string): LayerEntry[] {
  const contents = contentsOf(job.tree, source.path);
  const filled = new Set(contents.map(({ relative }) => posix.dirname(relative)));
  const entries: LayerEntry[] = [];
  refuseReplacing(job, source, at);
  // Some builders give the mode to this directory, too, and some only to what is inside.
  if (job.change.mode !== undefined && job.change.mode !== DIRECTORY_MODE && at !== "" && job.lookup(at) === undefined)
    throw unsupported(job.change, "makes a directory and gives a --chmod");
  // Of this directory itself, builders keep the mode and not the owner.
  if (needsEntry(job, source, at, contents.length === 0))
    entries.push({ ...directoryEntry(job, at, source), ...job.owner });
  for (const { relative, file } of contents) {
    const path = at === "" ? relative : `${at}/${relative}`;
    refuseReplacing(job, file, path);
    if (file.kind === "directory") refuseOtherOwner(job, file, path);
    if (file.kind !== "directory") entries.push(fileEntry(job, file, path));
    else if (needsEntry(job, file, path, !filled.has(relative))) entries.push(directoryEntry(job, path, file));
  }
  return entries;
}

/** Some builders give a directory that is there the new owner and mode; others let it be. */
function refuseOtherOwner(job: Job, source: SourceFile, path: string): void {
  const { change, before, lookup } = job;
  const { uid = 0, gid = 0 } = source.owner ?? {};
  const isUsual = uid === 0 && gid === 0 && (source.mode ?? DIRECTORY_MODE) === DIRECTORY_MODE;
  if ((change.owner === undefined && change.mode === undefined && isUsual) || lookup(path) === undefined) return;
  const [there, wanted] = [before.own.get(path), directoryEntry(job, path, source)];
  if (there?.uid === wanted.uid && there.gid === wanted.gid && there.mode === wanted.mode) return;
  throw unsupported(change, `gives an owner or a mode to the directory /${path}, which is there already`);
}

/** A layer must not put a file over a directory, or a directory over a file or link: all that was below would be gone. */
function refuseReplacing({ change, lookup }: Job, file: SourceFile, path: string): void {
  if (path === "") return;
  const there = lookup(path)?.kind;
  if (there === undefined || (there === "directory") === (file.kind === "directory")) return;
  const kinds = { directory: "the directory", file: "the file", symlink: "the link" };
  throw unsupported(change, `puts ${kinds[file.kind]} ${file.path || "."} over ${kinds[there]} /${path} of the image`);
}

/** Two sources must not make a file and a directory of the same path. A name that begins with `.wh.` deletes a file. */
function refuseMixed(change: FileChange, entries: readonly LayerEntry[]): void {
  const [files, directories] = [new Set<string>(), new Set<string>()];
  for (const { path, kind } of entries) {
    if (posix.basename(path).startsWith(".wh."))
      throw unsupported(change, `copies /${path}, a name that deletes files`);
    (kind === "directory" ? directories : files).add(path);
    for (const parent of parentsOf(path)) directories.add(parent);
  }
  const both = [...files].find((path) => directories.has(path));
  if (both !== undefined) throw unsupported(change, `makes both a file and a directory of /${both}`);
}

/**
 * Unpackers create missing directories with the usual mode, so a directory gets an entry only when it is empty or has an owner
 * or mode of its own. A directory that the image already has keeps its owner and mode, as with every builder.
 */
function needsEntry({ before, change, lookup }: Job, source: SourceFile, path: string, isEmpty: boolean): boolean {
  if (path === "" || lookup(path) !== undefined) return false;
  if (before.scratch) return true;
  return (
    isEmpty ||
    change.owner !== undefined ||
    change.mode !== undefined ||
    (source.owner?.uid ?? 0) + (source.owner?.gid ?? 0) > 0 ||
    (source.mode ?? DIRECTORY_MODE) !== DIRECTORY_MODE
  );
}

function fileTarget(job: Job, { name, file }: FoundSource, sources: number, at: string): string {
  const inside = at === "" ? name : `${at}/${name}`;
  const isDirectory = job.change.isDirectory || at === "" || job.lookup(at)?.kind === "directory";
  if (!isDirectory && sources > 1) {
    throw mistake(job.change, `with several sources the destination must end with a slash: ${job.change.destination}/`);
  }
  const target = isDirectory ? inside : at;
  refuseReplacing(job, file, target);
  return target;
}

function fileEntry({ change, owner }: Job, file: SourceFile, path: string): LayerEntry {
  const { size, link, content } = file;
  const kind = file.kind === "symlink" ? "symlink" : "file";
  const mode = kind === "symlink" ? 0o777 : (change.mode ?? file.mode ?? (file.executable ? 0o755 : 0o644));
  return { path, kind, mode, ...(change.owner === undefined ? (file.owner ?? owner) : owner), size, link, content };
}

function directoryEntry({ change, owner }: Job, path: string, source?: SourceFile): LayerEntry {
  const mode = change.mode ?? source?.mode ?? DIRECTORY_MODE;
  const kept = change.owner === undefined ? (source?.owner ?? owner) : owner;
  return { path, kind: "directory", mode, ...kept, size: 0, link: undefined, content: undefined };
}

function textFile(name: string, text: string): SourceFile {
  return {
    path: name,
    kind: "file",
    size: Buffer.byteLength(text),
    executable: false,
    link: undefined,
    content: { text },
  };
}

/**
 * Missing parents get the owner of what is put there. Without a base image the layer must contain them; with one, the unpacker
 * makes those of root. What an earlier change or the base image made keeps its owner and mode.
 */
function withParents(job: Job, entries: readonly LayerEntry[]): readonly LayerEntry[] {
  const { before, change, lookup } = job;
  const hasOddMode = change.mode !== undefined && change.mode !== DIRECTORY_MODE;
  if (!before.scratch && change.owner === undefined && !hasOddMode) return entries;
  const known = new Set(entries.map(({ path }) => path));
  const parents: LayerEntry[] = [];
  for (const parent of entries.flatMap(({ path }) => [...parentsOf(path)])) {
    const isThere = before.scratch ? before.directories.has(parent) : lookup(parent) !== undefined;
    if (known.has(parent) || isThere) continue;
    // Some builders give the mode to these directories, too.
    if (hasOddMode) throw unsupported(change, `makes the directory /${parent} and gives a --chmod`);
    known.add(parent);
    parents.push({ ...directoryEntry(job, parent), mode: DIRECTORY_MODE });
  }
  return [...parents, ...entries];
}

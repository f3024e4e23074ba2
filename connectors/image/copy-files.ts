// From a COPY, ADD or WORKDIR to the entries of a layer. Questions about the base image's files are asked only where the
// answer changes the result, because answering means reading its layers.

import { posix } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import {
  contentsOf,
  type FileTree,
  type FoundSource,
  findSources,
  parentsOf,
  type SourceFile,
} from "./build-context.ts";
import { isArchive } from "./decide-builder.ts";
import type { FileChange } from "./interpret.ts";
import type { LayerEntry } from "./layer.ts";

export type Owner = { readonly uid: number; readonly gid: number };

/** What is known about the files before this change: the earlier changes of the stage, and the base image. */
export type Before = {
  /** There is no base image: everything that is there is in `own`. */
  readonly scratch: boolean;
  /** Entries of the stage so far, by path without a leading slash. */
  readonly own: ReadonlyMap<string, LayerEntry>;
  /** Every directory that the stage has made so far, on the way to a file too. */
  readonly directories: ReadonlySet<string>;
  readonly baseHasDirectory: (path: string) => Promise<boolean>;
  /** The numbers behind `user` or `user:group`; undefined for a name that nobody knows. */
  readonly ownerOf: (text: string) => Promise<Owner | undefined>;
};

/** `tree` holds what `sources` names. Throws `dockerfile-invalid` when a source or an owner is not there. */
export async function entriesOf(change: FileChange, tree: FileTree, before: Before): Promise<readonly LayerEntry[]> {
  const at = change.destination.slice(1);
  const owner = change.owner === undefined ? ROOT : await before.ownerOf(change.owner);
  if (!owner) throw mistake(change, `the image knows no user "${change.owner}"`);
  const job: Job = { change, tree, before, owner };
  const found = change.sources.flatMap((source) => sourcesOf(job, source));
  const written = change.written.map(({ name, content }) => ({ name, file: textFile(name, content) }));
  const entries: LayerEntry[] = [];
  for (const one of [...found, ...written]) {
    if (one.file.kind === "directory") entries.push(...(await directoryEntries(job, one.file, at)));
    else entries.push(fileEntry(job, one.file, await fileTarget(job, one, found.length + written.length, at)));
  }
  if (change.instruction === "WORKDIR" && at !== "" && !before.directories.has(at))
    entries.push(directoryEntry(job, at));
  // Without a base image nobody else says how the directories on the way are; with one, it or the unpacker does. A missing
  // working directory is made by whoever starts the container.
  if (before.scratch) return withParents(entries, before.directories);
  return change.instruction === "WORKDIR" ? [] : entries;
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
};

const ROOT: Owner = { uid: 0, gid: 0 };
const DIRECTORY_MODE = 0o755;

function sourcesOf({ change, tree }: Job, source: string): readonly FoundSource[] {
  const found = findSources(tree, source);
  const archive = change.instruction === "ADD" ? found.find(({ name }) => isArchive(name)) : undefined;
  if (archive) {
    const problem = `Line ${change.line}: ADD unpacks ${archive.name}. The built-in assembler cannot do that.`;
    throw new GantryError("no-builder", { problem });
  }
  if (found.length > 0) return found;
  const where =
    change.from === undefined ? "in the build context, or .dockerignore leaves it out" : `in ${change.from}`;
  throw mistake(change, `there is no "${source}" ${where}`);
}

/** A directory's content goes into the destination; the directory itself does not. */
async function directoryEntries(job: Job, source: SourceFile, at: string): Promise<LayerEntry[]> {
  const contents = contentsOf(job.tree, source.path);
  const filled = new Set(contents.map(({ relative }) => posix.dirname(relative)));
  const entries: LayerEntry[] = [];
  if (await mustBeSaid(job, source, at, contents.length === 0)) entries.push(directoryEntry(job, at, source));
  for (const { relative, file } of contents) {
    const path = at === "" ? relative : `${at}/${relative}`;
    if (file.kind !== "directory") entries.push(fileEntry(job, file, path));
    else if (await mustBeSaid(job, file, path, !filled.has(relative))) entries.push(directoryEntry(job, path, file));
  }
  return entries;
}

/**
 * Unpackers make missing directories with the usual mode, so one is written out only when it says more than that: it is
 * empty, or has an owner or mode of its own. A directory that the image has keeps what it is, as with every builder.
 */
async function mustBeSaid(job: Job, source: SourceFile, path: string, isEmpty: boolean): Promise<boolean> {
  if (path === "") return false;
  if (job.before.directories.has(path)) return false;
  if (job.before.scratch) return true;
  const { change } = job;
  const special =
    change.owner !== undefined || change.mode !== undefined || (source.mode ?? DIRECTORY_MODE) !== DIRECTORY_MODE;
  return (isEmpty || special) && !(await job.before.baseHasDirectory(path));
}

async function fileTarget(job: Job, { name }: FoundSource, sources: number, at: string): Promise<string> {
  const inside = at === "" ? name : `${at}/${name}`;
  if (job.change.isDirectory || at === "" || sources > 1 || job.before.directories.has(at)) return inside;
  // `COPY a.conf /etc/a.conf` cannot mean a directory; `COPY a.conf /etc/conf.d` may.
  if (job.before.scratch || posix.basename(at) === name || job.before.own.has(at)) return at;
  return (await job.before.baseHasDirectory(at)) ? inside : at;
}

function fileEntry({ change, owner }: Job, file: SourceFile, path: string): LayerEntry {
  const { size, link, content } = file;
  const kind = file.kind === "symlink" ? "symlink" : "file";
  const mode = kind === "symlink" ? 0o777 : (change.mode ?? file.mode ?? (file.executable ? 0o755 : 0o644));
  return { path, kind, mode, ...owner, size, link, content };
}

function directoryEntry({ change, owner }: Job, path: string, source?: SourceFile): LayerEntry {
  const mode = change.mode ?? source?.mode ?? DIRECTORY_MODE;
  return { path, kind: "directory", mode, ...owner, size: 0, link: undefined, content: undefined };
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

/** What an earlier change made keeps its owner and mode. */
function withParents(entries: readonly LayerEntry[], made: Before["directories"]): readonly LayerEntry[] {
  const known = new Set(entries.map(({ path }) => path));
  const parents: LayerEntry[] = [];
  for (const { path } of entries) {
    for (const parent of parentsOf(path)) {
      if (known.has(parent) || made.has(parent)) continue;
      known.add(parent);
      parents.push({
        path: parent,
        kind: "directory",
        mode: DIRECTORY_MODE,
        ...ROOT,
        size: 0,
        link: undefined,
        content: undefined,
      });
    }
  }
  return [...parents, ...entries];
}

// Makes a commit of a folder and pushes it. The folder's own .git is never used: a script of the job may have written there.
// Trees and commits are made in the site's mirror with a separate index.

import { createHash, randomUUID } from "node:crypto";
import { lstat, rm } from "node:fs/promises";
import { join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import { truncate } from "@gantry/core/truncate.ts";
import { EFFECT_TRAILER, GANTRY_AUTHOR } from "@gantry/core/webhook/own-commits.ts";
import { openPlain, readPlainFile } from "../plain-file.ts";
import { bytesOfQuoted, MAX_POINTER, MODE, parsePointer, type TreeEntry } from "./decide-contents.ts";
import { type Git, type GitRuntime, openGit } from "./git.ts";
import { lfsPaths } from "./lfs.ts";
import { fetchRevision, hasCommit, listRemote, type Mirror } from "./mirror.ts";
import { plainLine } from "./names.ts";

export { EFFECT_TRAILER, GANTRY_AUTHOR as AUTHOR };

const PROBED_COMMITS = 200;
const PUSHES = 5;

export type Draft = {
  readonly mirror: Mirror;
  readonly branch: string;
  readonly folder: string;
  /** The commit that the folder was checked out from. Without one its files are laid over what the branch has. */
  readonly base: string | undefined;
  /** When the task was requested. It is the same in every attempt, so the commit is too. */
  readonly atMs: number;
  readonly runtime: GitRuntime;
};

export type Pushed = { readonly commit: string; readonly changed: boolean };

/** The remote branch's newest commit, present in the mirror; undefined when there is no such branch. */
export async function bringTip({ mirror, branch }: Pick<Draft, "mirror" | "branch">): Promise<string | undefined> {
  const ref = `refs/heads/${branch}`;
  const tip = (await listRemote(mirror, [ref])).tips.get(ref);
  if (tip === undefined || (await hasCommit(mirror, tip))) return tip;
  return fetchRevision(mirror, ref);
}

/** Whether the folder differs from what was checked out. Always true for a folder that is not a checkout. */
export async function hasChanges(draft: Draft): Promise<boolean> {
  if (draft.base === undefined) return true;
  return (await folderTree(draft, draft.base)) !== (await treeOf(draft.mirror.git, draft.base));
}

/** The tree that a commit of the folder would have on its base, or with nothing else if it has none. */
export function treeOfFolder(draft: Draft): Promise<string> {
  return folderTree(draft, draft.base);
}

/** The value of a trailer of one commit; undefined if it has none. */
export async function findTrailer(git: Git, commit: string, trailer: string): Promise<string | undefined> {
  const format = `--format=%(trailers:key=${trailer},valueonly=true,separator=%x2C)`;
  return (await git(["log", "--max-count=1", format, "--end-of-options", commit])).trim() || undefined;
}

/** Looks for a commit of ours at the remote: the branch's newest 200 are searched for the effect's key. */
export async function findPushed(draft: Draft, key: string): Promise<string | undefined> {
  const tip = await bringTip(draft);
  if (tip === undefined) return undefined;
  const listed = await draft.mirror.git([
    "log",
    `--max-count=${PROBED_COMMITS}`,
    `--format=%H %(trailers:key=${EFFECT_TRAILER},valueonly=true,separator=%x2C)`,
    "--end-of-options",
    tip,
  ]);
  for (const line of listed.split("\n")) {
    const [commit, keys = ""] = line.split(" ");
    if (keys.split(",").includes(key)) return commit;
  }
  return undefined;
}

/**
 * Commits the folder onto the branch and pushes it, by compare-and-swap on the remote's tip. When the tip has moved, the
 * change is merged onto the new tip and pushed again, up to five times. Then throws `conflict`; throws `branch-changed` when
 * the same lines were changed there.
 */
export async function commitAndPush(draft: Draft, message: string, key: string): Promise<Pushed> {
  for (let attempt = 1; attempt <= PUSHES; attempt++) {
    const already = attempt === 1 ? undefined : await findPushed(draft, key);
    if (already !== undefined) return { commit: already, changed: true };
    const tip = await bringTip(draft);
    const tree = await treeOnto(draft, tip);
    if (tip !== undefined && tree === (await treeOf(draft.mirror.git, tip))) return { commit: tip, changed: false };
    const parent = tip ?? draft.base;
    const commit = await writeCommit(draft, tree, parent, message);
    if (await push(draft, commit, tip)) return { commit, changed: true };
  }
  throw new GantryError("conflict", { what: `branch ${draft.branch}` });
}

/** The message with its trailers, as the last paragraph. */
export function messageOf(text: string, trailers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(trailers).map(([name, value]) => `${name}: ${plainLine(value)}`);
  return `${text.replaceAll("\r\n", "\n").trim()}\n\n${lines.join("\n")}\n`;
}

async function treeOnto(draft: Draft, tip: string | undefined): Promise<string> {
  const { base } = draft;
  if (base === undefined || tip === undefined || base === tip) return folderTree(draft, base ?? tip);
  return mergeOnto(draft, base, tip);
}

/** The tree of the folder. Without a base, files that only the branch has are kept. */
async function folderTree(draft: Draft, start: string | undefined): Promise<string> {
  const { mirror, folder, runtime } = draft;
  const indexFile = join(mirror.dir, `gantry-index-${randomUUID()}`);
  const git = openGit({ gitDir: mirror.dir, workTree: folder, indexFile, ...runtime });
  try {
    await git(start === undefined ? ["read-tree", "--empty"] : ["read-tree", "--end-of-options", start]);
    const submodules = await unchangedSubmodules(git, folder);
    await addAll(git, draft.base === undefined ? "--ignore-removal" : "--all", submodules);
    const changes = await changesIn(git, start);
    checkEntries(changes);
    await restorePointers(git, folder, changes);
    return (await git(["write-tree"])).trim();
  } finally {
    await rm(indexFile, { force: true });
    await rm(`${indexFile}.lock`, { force: true });
  }
}

/**
 * The submodules that are checked out in the folder, unchanged. `git add` must not look at them: it would start `git status`
 * inside of them, which starts the programs that their own configuration names as filters. Throws `bad-input` for one that
 * stands at another commit.
 */
async function unchangedSubmodules(git: Git, folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const entry of (await git(["ls-files", "--stage", "-z"])).split("\0")) {
    const [, mode, commit, path] = /^(\d+) ([0-9a-f]+) \d\t(.+)$/s.exec(entry) ?? [];
    if (mode !== MODE.submodule || path === undefined || !(await isThere(join(folder, path, ".git")))) continue;
    const name = `${path}/.git/HEAD`;
    const head = await readPlainFile(folder, join(folder, name), { name, maxBytes: 1_024 });
    if (head?.trim() !== commit) throw badFolder(`${JSON.stringify(path.slice(0, 200))} is a repository of its own`);
    found.push(path);
  }
  return found;
}

function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

async function addAll(git: Git, mode: "--all" | "--ignore-removal", except: readonly string[]): Promise<void> {
  try {
    const exclude = except.map((path) => `:(exclude,top,literal)${path}`);
    await git(["-c", "advice.addEmbeddedRepo=false", "add", mode, "--", ".", ...exclude]);
  } catch (error) {
    if (!(error instanceof GantryError)) throw error;
    throw badFolder(String(error.details.problem ?? error.message), error);
  }
}

type Changed = Omit<TreeEntry, "size"> & { readonly before: string };

/** What the index has other than a commit. */
async function changesIn(git: Git, start: string | undefined): Promise<readonly Changed[]> {
  const empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
  const options = ["--cached", "--raw", "--no-abbrev", "--no-renames"];
  const diff = ["-c", "core.quotePath=true", "diff-index", ...options, "--end-of-options", start ?? empty];
  return (await git(diff)).split("\n").flatMap((line) => {
    const [, mode, before, object, quoted] = /^:\d+ (\d+) ([0-9a-f]+) ([0-9a-f]+) \w\t(.+)$/.exec(line) ?? [];
    if (mode === undefined || before === undefined || object === undefined || quoted === undefined) return [];
    return [{ mode, before, object, path: bytesOfQuoted(quoted).toString("utf8"), quoted }];
  });
}

/** Refuses what has no place in a commit of ours: new links, and repositories inside the repository. */
function checkEntries(changes: readonly Changed[]): void {
  for (const { mode, path } of changes) {
    const name = JSON.stringify(truncate(path, 200));
    if (mode === MODE.submodule) throw badFolder(`${name} is a repository of its own`);
    if (mode === MODE.link) throw badFolder(`${name} is a symbolic link`);
  }
}

/**
 * A checkout has files of Git LFS in place of their pointers. Unchanged ones become pointers again; a change cannot be pushed,
 * because the file itself would have to go to the LFS store.
 */
async function restorePointers(git: Git, folder: string, changes: readonly Changed[]): Promise<void> {
  const files = changes.filter(({ mode }) => mode.startsWith("100"));
  if (files.length === 0) return;
  const attributes = [...(await attributeFiles(git)), ...files];
  const wanted = new Set(await lfsPaths(git, folder, attributes));
  for (const { mode, before, path, quoted } of files.filter((file) => wanted.has(file.quoted))) {
    const pointer = /^0+$/.test(before)
      ? undefined
      : parsePointer(await git(["cat-file", "-p", "--end-of-options", before]));
    const now = await contentOf(Buffer.concat([Buffer.from(`${folder}/`), bytesOfQuoted(quoted)]), path);
    if (pointer && now.sha256 === pointer.oid) {
      await git(["update-index", "--index-info"], { input: `${mode} ${before}\t${quoted}\n` });
    } else if (now.text === undefined || !parsePointer(now.text)) {
      throw badFolder(`${JSON.stringify(truncate(path, 200))} is kept in Git LFS; a change of it cannot be pushed`);
    }
  }
}

/** Of a file that may be as large as the disk. `text`: of one that is small enough for a pointer. */
async function contentOf(file: Buffer, name: string): Promise<{ readonly sha256: string; readonly text?: string }> {
  const handle = await openPlain(file, { name });
  if (handle === undefined) throw badFolder(`${JSON.stringify(truncate(name, 200))} is gone`);
  const hash = createHash("sha256");
  let text: string | undefined = "";
  // The stream closes the file.
  for await (const bytes of handle.createReadStream() as AsyncIterable<Buffer>) {
    hash.update(bytes);
    text = text !== undefined && text.length + bytes.length <= MAX_POINTER ? text + bytes.toString("utf8") : undefined;
  }
  return { sha256: hash.digest("hex"), ...(text === undefined ? {} : { text }) };
}

async function attributeFiles(git: Git): Promise<Pick<TreeEntry, "mode" | "path" | "quoted">[]> {
  const listed = await git(["-c", "core.quotePath=true", "ls-files", "--", ".gitattributes", "**/.gitattributes"]);
  return listed.split("\n").flatMap((quoted) => {
    return quoted === "" ? [] : [{ mode: "100644", path: bytesOfQuoted(quoted).toString("utf8"), quoted }];
  });
}

/** Applies the change to a tip that has moved, by a three-way merge, so that no lines are lost. */
async function mergeOnto(draft: Draft, base: string, tip: string): Promise<string> {
  const { git } = draft.mirror;
  const ours = await writeCommit(draft, await folderTree(draft, base), base, "merge\n");
  try {
    const answer = await git(
      ["merge-tree", "--write-tree", "--name-only", "--no-messages", "--end-of-options", tip, ours],
      {
        exits: [0, 1],
      },
    );
    const [tree = "", ...conflicts] = answer.trim().split("\n");
    if (conflicts.length === 0) return tree;
    throw collision(draft, `${conflicts.slice(0, 5).join(", ")} was changed there since the checkout.`);
  } catch (error) {
    if (!(error instanceof GantryError) || !/unrelated histories/.test(String(error.details.problem))) throw error;
    throw collision(draft, "The branch was replaced by another history since the checkout.");
  }
}

function writeCommit(draft: Draft, tree: string, parent: string | undefined, message: string): Promise<string> {
  const parents = parent === undefined ? [] : ["-p", parent];
  const call = { input: message, stamp: { ...GANTRY_AUTHOR, atMs: draft.atMs } };
  return draft.mirror.git(["commit-tree", tree, ...parents, "-F", "-"], call).then((id) => id.trim());
}

/** False when the remote branch had moved; then nothing was changed. */
async function push({ mirror, branch }: Draft, commit: string, tip: string | undefined): Promise<boolean> {
  const ref = `refs/heads/${branch}`;
  const lease = `--force-with-lease=${ref}:${tip ?? ""}`;
  try {
    await mirror.git(
      ["push", "--porcelain", "--progress", "--no-verify", lease, "--", mirror.remote.url, `${commit}:${ref}`],
      {
        remote: mirror.remote,
      },
    );
    return true;
  } catch (error) {
    if (error instanceof GantryError && LOST_RACE.test(String(error.details.problem))) return false;
    const problem = error instanceof GantryError ? String(error.details.problem) : "";
    if (PROTECTED.test(problem)) {
      throw new GantryError("branch-protected", { system: mirror.remote.system, branch, problem }, { cause: error });
    }
    throw error;
  }
}

/** GitHub, Bitbucket Data Center, Bitbucket Cloud, Gitea, GitLab, and hosts whose hooks refuse a push (all of them do). */
const PROTECTED =
  /protected branch|repository rule violations|through pull requests|permission denied to update branch|hook declined/i;
const LOST_RACE = /stale info|fetch first|non-fast-forward|cannot lock ref|incorrect old value|failed to update ref/i;

export async function treeOf(git: Git, commit: string): Promise<string> {
  return (await git(["rev-parse", "--verify", "--end-of-options", `${commit}^{tree}`])).trim();
}

function badFolder(problem: string, cause?: unknown): GantryError {
  return new GantryError("bad-input", { step: "git/commit-push", problem }, { cause });
}

function collision({ branch }: Draft, problem: string): GantryError {
  return new GantryError("branch-changed", { branch, problem });
}

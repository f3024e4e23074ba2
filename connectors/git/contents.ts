// Brings what a checkout needs besides its ordinary files: submodules are checked out in their folders, Git LFS pointers
// become files. What cannot be brought is an error.

import { counted } from "@gantry/core/count.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { StepContext } from "@gantry/core/step/step.ts";
import { fillFolder } from "./checkout.ts";
import { isLossy, MODE, parseSubmodules, type Submodule, submoduleUrl, type TreeEntry } from "./decide-contents.ts";
import { folderInside } from "./folders.ts";
import type { Git, GitRuntime } from "./git.ts";
import { fillLfs } from "./lfs.ts";
import { fetchRevision, hasCommit, type Mirror, openMirror, refused } from "./mirror.ts";
import { checkRemoteUrl, plainLine } from "./names.ts";

/** What every repository of one checkout shares. */
export type ContentsAccess = {
  readonly runtime: GitRuntime;
  readonly cache: string;
  readonly fetch: typeof fetch;
  readonly depth: number | undefined;
  readonly submodules: boolean;
  readonly lfs: boolean;
  readonly log: (line: string) => void;
  /** Throws when a submodule may not be read with the account of the site. */
  readonly require: StepContext<unknown>["require"];
};

/** A folder that has just been checked out, and what its commit holds. */
export type FilledRepository = {
  readonly mirror: Mirror;
  readonly git: Git;
  readonly folder: string;
  readonly commit: string;
  readonly entries: readonly TreeEntry[];
};

/** Submodules of submodules, and so on. */
const MAX_LEVELS = 10;

/** Fills the submodules and the Git LFS files of a folder that has just been checked out. */
export async function fillContents(access: ContentsAccess, repository: FilledRepository, level = 0): Promise<void> {
  const { mirror, git, folder, entries } = repository;
  const links = entries.filter(({ mode }) => mode === MODE.submodule);
  if (access.submodules && links.length > 0) {
    if (level === MAX_LEVELS) throw refused(mirror, `its submodules are nested deeper than ${MAX_LEVELS} levels`);
    const known = await submodulesOf(repository);
    for (const link of links) {
      await fillSubmodule(
        access,
        repository,
        link,
        known.find(({ path }) => path === link.path),
        level,
      );
    }
  } else if (links.length > 0)
    access.log(`${counted(links.length, "submodule is", "submodules are")} left out, as the step says`);
  if (!access.lfs) return;
  const { signal, limits } = access.runtime;
  const files = await fillLfs(
    { remote: mirror.remote, fetch: access.fetch, signal, cache: access.cache, maxMb: limits.mb },
    git,
    folder,
    entries,
  );
  if (files > 0) access.log(`${counted(files, "file")} of Git LFS`);
}

async function submodulesOf({ mirror, git, entries, commit }: FilledRepository): Promise<readonly Submodule[]> {
  if (!entries.some(({ path }) => path === ".gitmodules")) return [];
  try {
    return parseSubmodules(await git(["config", "--blob", `${commit}:.gitmodules`, "--list", "-z"]));
  } catch (error) {
    const problem = error instanceof GantryError ? String(error.details.problem) : "";
    const [, line] = /bad config line (\d+) in blob/.exec(problem) ?? [];
    throw line === undefined ? error : refused(mirror, `line ${line} of .gitmodules cannot be read`);
  }
}

async function fillSubmodule(
  access: ContentsAccess,
  { mirror, folder }: { readonly mirror: Mirror; readonly folder: string },
  { path, object: commit }: TreeEntry,
  submodule: Submodule | undefined,
  level: number,
): Promise<void> {
  const shown = plainLine(path);
  if (isLossy(path)) throw refused(mirror, `the path of the submodule ${shown} is not UTF-8; rename it`);
  if (!submodule) throw refused(mirror, `.gitmodules says no address for the submodule ${shown}`);
  if (submodule.update === "none") return access.log(`submodule ${shown}: left out, as .gitmodules says`);
  const { system, url: parent } = mirror.remote;
  try {
    const url = checkRemoteUrl(submoduleUrl(submodule.url, parent), { system, base: new URL(parent).origin });
    access.require({ kind: "clone-url", access: "read", url, system });
    const inner = await openMirror(access.cache, { ...mirror.remote, url }, access.runtime);
    await bringCommit(inner, commit);
    const place = await folderInside(folder, path, "git/checkout");
    const options = { commit, folder: place, depth: access.depth };
    const { git, entries } = await fillFolder(inner, { kind: "commit", commit, name: commit }, options, access.runtime);
    access.log(`submodule ${shown} is at ${commit.slice(0, 12)}`);
    await fillContents(access, { mirror: inner, git, folder: place, commit, entries }, level + 1);
  } catch (error) {
    if (!(error instanceof GantryError) || error.details.submodule !== undefined) throw error;
    const problem = `submodule ${shown} (${plainLine(submodule.url)}): ${String(error.details.problem ?? error.message)}`;
    throw new GantryError(error.code, { ...error.details, submodule: shown, problem }, { cause: error });
  }
}

/** A host may refuse a commit that no branch or tag names; then all branches are brought. */
async function bringCommit(mirror: Mirror, commit: string): Promise<void> {
  if (await hasCommit(mirror, commit)) return;
  try {
    if ((await fetchRevision(mirror, commit)) !== undefined) return;
  } catch (error) {
    if (!(error instanceof GantryError) || error.code !== "system-refused") throw error;
  }
  const { remote } = mirror;
  const refs = "+refs/heads/*:refs/gantry/heads/*";
  await mirror.git(["fetch", "--no-write-fetch-head", "--no-tags", "--no-recurse-submodules", "--", remote.url, refs], {
    remote,
  });
  if (!(await hasCommit(mirror, commit))) throw refused(mirror, `no branch has the commit ${commit.slice(0, 12)}`);
}

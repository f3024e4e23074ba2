// A workspace made from a mirror. It holds its own copy of the objects, so that it also works where the cache is not
// visible, for example in a container.

import { existsSync } from "node:fs";
import { appendFile, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import { checkoutExcess, parseTree, type TreeEntry } from "./decide-contents.ts";
import { type Git, type GitRuntime, openGit } from "./git.ts";
import { checkLinks } from "./links.ts";
import { fetchRevision, hasCommit, listRemote, type Mirror, type Revision, refused } from "./mirror.ts";
import { plainLine } from "./names.ts";

/** Where a checkout remembers the commit it was made from; commits that scripts make do not move it. */
const BASE_REF = "refs/gantry/base";

export type CheckedOut = { readonly commit: string; readonly subject: string; readonly author: string };

/** Makes sure that the mirror has a revision; the commit may be newer than it was a moment ago where it is a branch. */
export async function bringRevision(mirror: Mirror, revision: Revision): Promise<string> {
  if (await hasCommit(mirror, revision.commit)) return revision.commit;
  const source = { branch: `refs/heads/${revision.name}`, tag: `refs/tags/${revision.name}`, commit: revision.commit };
  const commit = await fetchRevision(mirror, source[revision.kind]);
  if (commit === undefined) {
    const isCommit = revision.kind === "commit";
    throw refused(mirror, isCommit ? `it has no commit ${revision.name}` : `${revision.name} has just been removed`);
  }
  return commit;
}

/**
 * The branch of the remote that a commit is of: `expected` if it has the commit, else the only branch whose newest commit it is,
 * as after a push. Undefined: neither. The mirror must have the commit, and the caller must hold its lock.
 */
export async function branchOfCommit(mirror: Mirror, commit: string, expected: string): Promise<string | undefined> {
  const { tips } = await listRemote(mirror, ["refs/heads/*"]);
  const listed = tips.get(`refs/heads/${expected}`);
  if (listed !== undefined) {
    const tip = await bringRevision(mirror, { commit: listed, kind: "branch", name: expected });
    if ((await mirror.git(["rev-list", "--max-count=1", commit, `^${tip}`])).trim() === "") return expected;
  }
  const [only, ...others] = [...tips].filter(([, tip]) => tip === commit).map(([ref]) => ref);
  return others.length > 0 ? undefined : only?.slice("refs/heads/".length);
}

/**
 * Fills an empty folder with the files of a commit that the mirror has. An earlier try of ours is replaced. Links are real
 * links; one that leads out of the repository is `system-refused`. Submodules are empty folders, and Git LFS files are
 * pointers, until contents.ts fills them.
 */
export async function fillFolder(
  mirror: Mirror,
  revision: Revision,
  options: { readonly commit: string; readonly folder: string; readonly depth: number | undefined },
  runtime: GitRuntime,
): Promise<CheckedOut & { readonly git: Git; readonly entries: readonly TreeEntry[] }> {
  const { commit, folder, depth } = options;
  const git = openGit({ gitDir: join(folder, ".git"), workTree: folder, ...runtime });
  await emptyFolder(folder, runtime);
  // Every start of git counts in a short job: HEAD and configuration are what `init` leaves and what is appended to it.
  const head = revision.kind === "branch" ? [`--initial-branch=${revision.name}`] : [];
  await git(["init", "--quiet", "--template=", ...head]);
  await appendFile(join(folder, ".git", "config"), configOf(mirror.remote.url));
  const limit = depth === undefined ? [] : [`--depth=${depth}`];
  // file:// because a plain path ignores the depth.
  const from = new URL(`file://${mirror.dir}`).href;
  await git(["fetch", "--no-write-fetch-head", "--no-tags", ...limit, "--", from, `+${commit}:${BASE_REF}`], {
    local: true,
  });
  await pointHead(git, revision, commit);
  const listed = ["-c", "core.quotePath=true", "ls-tree", "-r", "-l", "--full-tree", "--end-of-options", commit];
  const entries = parseTree(await git(listed));
  const excess = checkoutExcess(entries, runtime.limits);
  if (excess) {
    const problem = `${mirror.remote.url} has ${excess.has} at ${commit.slice(0, 12)}.`;
    throw new GantryError("checkout-too-large", { limit: excess.limit, problem });
  }
  await checkLinks(mirror, git, entries);
  await git(["-c", "core.symlinks=true", "reset", "--hard", "--quiet"]);
  const [, author = "", subject = ""] = (
    await git(["log", "-1", "--format=%H%x00%an%x00%s", "--end-of-options", commit])
  ).split("\0");
  return { commit, author: plainLine(author, 100), subject: plainLine(subject), git, entries };
}

/** The commit that a folder was checked out from; undefined when it is not one of our checkouts. */
export async function baseOf(folder: string, runtime: GitRuntime): Promise<string | undefined> {
  const gitDir = join(folder, ".git");
  if (!existsSync(join(gitDir, "HEAD"))) return undefined;
  const git = openGit({ gitDir, workTree: folder, ...runtime });
  const answer = await git(["rev-parse", "--verify", "--quiet", "--end-of-options", BASE_REF], { exits: [0, 1] });
  return answer.trim() || undefined;
}

/** As `git config` and `git remote add` would write it; their quoting is JSON's. */
function configOf(url: string): string {
  const origin = `[remote "origin"]\n\turl = ${JSON.stringify(url)}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n`;
  return origin;
}

/** A branch is what HEAD points to since `init`. */
async function pointHead(git: Git, { kind, name }: Revision, commit: string): Promise<void> {
  if (kind !== "branch") {
    await git(["update-ref", "--no-deref", "HEAD", commit]);
    return;
  }
  const input = `create refs/remotes/origin/${name} ${commit}\ncreate refs/heads/${name} ${commit}\n`;
  await git(["update-ref", "--stdin"], { input });
}

async function emptyFolder(folder: string, runtime: GitRuntime): Promise<void> {
  const names = await readdir(folder);
  if (names.length === 0) return;
  const onlyGit = names.length === 1 && names[0] === ".git";
  if (!onlyGit && (await baseOf(folder, runtime)) === undefined) {
    throw new GantryError("bad-input", { step: "git/checkout", problem: "the folder is not empty" });
  }
  await Promise.all(names.map((name) => rm(join(folder, name), { recursive: true, force: true })));
}

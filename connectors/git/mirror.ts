// One bare mirror per remote repository in the site's cache. Jobs use it at the same time and in several processes: each
// fetches into a ref of its own, objects are only added, and no job reads a ref that another job may move.

import { createHash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { appendFile, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import { truncate } from "@gantry/core/truncate.ts";
import { type Git, type GitRuntime, openGit, type Remote } from "./git.ts";
import { isBranchName, isCommitId } from "./names.ts";

export type Mirror = { readonly dir: string; readonly git: Git; readonly remote: Remote };

/** Opens the mirror of a remote. Creates an empty one the first time. */
export async function openMirror(cache: string, remote: Remote, runtime: GitRuntime): Promise<Mirror> {
  const root = join(cache, "git");
  const dir = join(root, `${createHash("sha256").update(remote.url).digest("hex").slice(0, 32)}.git`);
  if (!existsSync(join(dir, "HEAD"))) await createMirror(root, dir, runtime);
  return { dir, git: openGit({ gitDir: dir, ...runtime }), remote };
}

/** What a remote has under a name. */
export type Revision = {
  readonly commit: string;
  readonly kind: "branch" | "tag" | "commit";
  /** Short name of the branch or tag; the commit itself where it was asked for by id. */
  readonly name: string;
};

/** The remote's tips of these full ref names, and the target of its HEAD. Refs that do not exist are left out. */
export async function listRemote(
  mirror: Mirror,
  refs: readonly string[],
): Promise<{ readonly tips: ReadonlyMap<string, string>; readonly head: string | undefined }> {
  const listed = await mirror.git(["ls-remote", "--symref", "--", mirror.remote.url, ...refs], {
    remote: mirror.remote,
  });
  const tips = new Map<string, string>();
  let head: string | undefined;
  for (const line of listed.split("\n")) {
    const [value = "", name = ""] = line.split("\t");
    if (value.startsWith("ref: ") && name === "HEAD") head = value.slice("ref: ".length);
    else if (isCommitId(value)) tips.set(name, value);
  }
  if (tips.size === 0) await mirror.remote.mustBeGit?.(mirror.remote.url);
  return { tips, head };
}

/** Finds out what `ref` means at the remote: a branch before a tag, a full commit id as it is; without one, or for `HEAD`, its default branch. */
export async function resolveRevision(mirror: Mirror, ref: string | undefined): Promise<Revision> {
  if (ref === undefined || ref === "HEAD") return defaultRevision(mirror);
  if (isCommitId(ref)) return { commit: ref, kind: "commit", name: ref };
  if (!isBranchName(ref)) throw refused(mirror, `${JSON.stringify(truncate(ref, 80))} cannot be the name of a branch`);
  const [branch, tag] = [`refs/heads/${ref}`, `refs/tags/${ref}`];
  const { tips } = await listRemote(mirror, [branch, tag, `${tag}^{}`]);
  const atBranch = tips.get(branch);
  if (atBranch !== undefined) return { commit: atBranch, kind: "branch", name: ref };
  const atTag = tips.get(`${tag}^{}`) ?? tips.get(tag);
  if (atTag !== undefined) return { commit: atTag, kind: "tag", name: ref };
  throw refused(mirror, await whyNoRevision(mirror, ref));
}

/** Enough to see that `master` was meant. */
const SHOWN_BRANCHES = 5;

async function whyNoRevision(mirror: Mirror, ref: string): Promise<string> {
  const { tips } = await listRemote(mirror, ["refs/heads/*"]);
  const branches = [...tips.keys()].map((name) => name.replace("refs/heads/", ""));
  if (branches.length === 0) return "the repository has no branch yet: push a first commit to it";
  const shown = branches.slice(0, SHOWN_BRANCHES).map((name) => truncate(name, 80));
  const more = branches.length > shown.length ? ` and ${branches.length - shown.length} more` : "";
  return `there is no branch or tag ${ref}; its branches: ${shown.join(", ")}${more}`;
}

/**
 * Fetches what is new of one branch, tag or commit into the mirror and returns its commit; undefined when the remote has no
 * such branch or tag. Safe to run concurrently.
 */
export async function fetchRevision(mirror: Mirror, source: string): Promise<string | undefined> {
  const { git, remote } = mirror;
  const mine = `refs/gantry/fetch/${randomUUID()}`;
  try {
    await git(
      [
        "fetch",
        "--no-write-fetch-head",
        "--no-tags",
        "--no-recurse-submodules",
        "--progress",
        "--",
        remote.url,
        `+${source}:${mine}`,
      ],
      { remote },
    );
  } catch (error) {
    if (!isMissingRef(error)) throw error;
    await remote.mustBeGit?.(remote.url);
    return undefined;
  }
  const listed = await git(["cat-file", "--batch-check"], { input: `${mine}^{commit}\n` });
  const [, commit] = /^([0-9a-f]+) commit /.exec(listed) ?? [];
  if (commit === undefined) {
    await git(["update-ref", "--no-deref", "-d", mine]);
    throw refused(mirror, `${source} names no commit, but a folder or a file`);
  }
  await keepReachable(mirror, source, commit, mine);
  return commit;
}

/** Whether the mirror already has this commit with all of its history. */
export async function hasCommit(mirror: Mirror, commit: string): Promise<boolean> {
  const answer = await mirror.git(["cat-file", "--batch-check"], { input: `${commit}^{commit}\n` });
  return answer.startsWith(`${commit} commit`);
}

export function refused({ remote }: Mirror, problem: string): GantryError {
  return new GantryError("system-refused", { system: remote.system, what: `read ${remote.url}`, problem });
}

async function createMirror(root: string, dir: string, runtime: GitRuntime): Promise<void> {
  const fresh = join(root, `new-${randomUUID()}`);
  await mkdir(fresh, { recursive: true });
  const git = openGit({ gitDir: fresh, ...runtime });
  await git(["init", "--quiet", "--bare", "--template="]);
  // A workspace can then fetch exactly its commit, even when other jobs move the refs meanwhile.
  await appendFile(join(fresh, "config"), "[uploadpack]\n\tallowAnySHA1InWant = true\n");
  try {
    await rename(fresh, dir);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    // Another job created it first. Its mirror is equivalent.
    if (!existsSync(join(dir, "HEAD"))) throw error;
  }
}

async function defaultRevision(mirror: Mirror): Promise<Revision> {
  const { tips, head } = await listRemote(mirror, ["HEAD", "refs/heads/*"]);
  const branches = [...tips.keys()].filter((name) => name.startsWith("refs/heads/"));
  // A host may point its HEAD at a branch that nobody has pushed yet.
  const likely = [head, "refs/heads/main", "refs/heads/master", ...(branches.length === 1 ? branches : [])];
  const found = likely.find((name) => name !== undefined && tips.has(name));
  const commit = found === undefined ? undefined : tips.get(found);
  if (found === undefined || commit === undefined) {
    throw refused(
      mirror,
      branches.length === 0 ? "it has no commit yet" : "it does not say which branch is its default",
    );
  }
  return { commit, kind: "branch", name: found.slice("refs/heads/".length) };
}

/** Leaves a lasting ref, so that the next fetch of this source downloads only what is new. */
async function keepReachable(mirror: Mirror, source: string, commit: string, mine: string): Promise<void> {
  const lasting = `refs/gantry/last/${createHash("sha256").update(source).digest("hex").slice(0, 32)}`;
  try {
    await mirror.git(["update-ref", "--no-deref", "--stdin"], {
      input: `update ${lasting} ${commit}\ndelete ${mine}\n`,
    });
  } catch (error) {
    // Another job is updating the same ref. Its commit serves the same purpose, and ours keeps its own ref.
    if (error instanceof GantryError && String(error.details.problem).includes("lock")) return;
    throw error;
  }
}

function isMissingRef(error: unknown): boolean {
  return (
    error instanceof GantryError &&
    /couldn't find remote ref|not our ref|no such remote ref/i.test(String(error.details.problem))
  );
}

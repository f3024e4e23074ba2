// Whose commits a repository has. Many git hosts give commits of forks under the address of the repository, too, so that somebody
// who may not push to it, but can say which commit to build, could have anything built. And an undo must not delete what people pushed.

import { createHash } from "node:crypto";
import { GantryError } from "@gantry/core/errors.ts";
import { truncate } from "@gantry/core/truncate.ts";
import { visibleText } from "@gantry/core/visible-text.ts";
import { EFFECT_TRAILER, GANTRY_AUTHOR } from "@gantry/core/webhook/own-commits.ts";
import { fetchRevision, listRemote, type Mirror } from "./mirror.ts";

/** Where the mirror remembers what has been the newest commit of a branch or tag; see the names of other refs in mirror.ts. */
const TIPS = "refs/gantry/tip";
const ALL = "refs/gantry/all";

/**
 * Throws `commit-not-own` unless a branch or tag of the remote has the commit, or had it when this mirror last looked. The mirror must
 * have the commit, and the caller must hold its lock.
 */
export async function requireOwnCommit(mirror: Mirror, commit: string): Promise<void> {
  if (await isKnown(mirror, commit)) return;
  // Mostly it has just been pushed, and nothing more has to be fetched.
  const { tips } = await listRemote(mirror, ["refs/heads/*", "refs/tags/*"]);
  const [ref] = [...tips].find(([, tip]) => tip === commit) ?? [];
  if (ref !== undefined) {
    const name = createHash("sha256").update(ref).digest("hex").slice(0, 32);
    await mirror.git(["update-ref", "--no-deref", `${TIPS}/${name}`, commit]);
    return;
  }
  await fetchAll(mirror);
  if (await isKnown(mirror, commit)) return;
  throw new GantryError("commit-not-own", { commit, repository: mirror.remote.url });
}

/** Gantry makes a branch or two; a repository with more was used by others, and is not read. */
const MAX_BRANCHES = 20;
const MAX_COMMITS = 1_000;

/** How the branches and tags of the remote show that others pushed to it, as a sentence for people. Undefined: they do not. */
export async function signOfOthers(mirror: Mirror): Promise<string | undefined> {
  const { tips } = await listRemote(mirror, ["refs/heads/*", "refs/tags/*"]);
  // Gantry sets no tags.
  const [tag] = [...tips].find(([ref]) => ref.startsWith("refs/tags/")) ?? [];
  if (tag !== undefined) return `it has the tag ${visibleText(truncate(tag.slice("refs/tags/".length), 80))}`;
  if (tips.size > MAX_BRANCHES) return `it has ${tips.size} branches`;
  for (const ref of tips.keys()) {
    const commit = await fetchRevision(mirror, ref);
    const found = commit === undefined ? undefined : await othersIn(mirror, commit);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function othersIn({ git }: Mirror, commit: string): Promise<string | undefined> {
  const effect = `%(trailers:key=${EFFECT_TRAILER},valueonly=true,separator=%x2C)`;
  const format = `--format=%h%x00%ce%x00%an%x00${effect}`;
  const listed = await git(["log", `--max-count=${MAX_COMMITS}`, "--abbrev=10", format, "--end-of-options", commit]);
  const lines = listed.split("\n").filter(Boolean);
  for (const line of lines) {
    const [id = "", committer, author = "", key] = line.split("\0");
    if (committer !== GANTRY_AUTHOR.email || !key)
      return `it has commits of others, such as ${id} by ${visibleText(truncate(author, 80))}`;
  }
  return lines.length < MAX_COMMITS ? undefined : `it has ${MAX_COMMITS} commits or more`;
}

async function isKnown({ git }: Mirror, commit: string): Promise<boolean> {
  const known = [TIPS, ALL].map((refs) => `--glob=${refs}/*`);
  return (await git(["rev-list", "--max-count=1", commit, "--not", ...known])).trim() === "";
}

async function fetchAll({ git, remote }: Mirror): Promise<void> {
  const refs = ["heads", "tags"].map((kind) => `+refs/${kind}/*:${ALL}/${kind}/*`);
  const how = ["--no-write-fetch-head", "--no-tags", "--no-recurse-submodules", "--prune", "--progress"];
  await git(["fetch", ...how, "--", remote.url, ...refs], { remote });
}

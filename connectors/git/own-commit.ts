// Whether a commit is of a repository. Many git hosts give commits of forks under the address of the repository, too, so that somebody
// who may not push to it, but can say which commit to build, could have anything built.

import { createHash } from "node:crypto";
import { GantryError } from "@gantry/core/errors.ts";
import { listRemote, type Mirror } from "./mirror.ts";

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

async function isKnown({ git }: Mirror, commit: string): Promise<boolean> {
  const known = [TIPS, ALL].map((refs) => `--glob=${refs}/*`);
  return (await git(["rev-list", "--max-count=1", commit, "--not", ...known])).trim() === "";
}

async function fetchAll({ git, remote }: Mirror): Promise<void> {
  const refs = ["heads", "tags"].map((kind) => `+refs/${kind}/*:${ALL}/${kind}/*`);
  const how = ["--no-write-fetch-head", "--no-tags", "--no-recurse-submodules", "--prune", "--progress"];
  await git(["fetch", ...how, "--", remote.url, ...refs], { remote });
}

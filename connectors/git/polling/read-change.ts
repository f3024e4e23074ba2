// What a webhook would have said of one branch or tag that has moved.

import { GantryError } from "@gantry/core/errors.ts";
import type { PolledChange } from "@gantry/core/poll/polled.ts";
import type { RefDifference } from "@gantry/core/poll/refs.ts";
import { fetchRevision, hasCommit, type Mirror } from "../mirror.ts";
import { plainLine } from "../names.ts";

/** Of more files the list is left out: then all count as changed. */
const MAX_PATHS = 1_000;
const MAX_PATHS_LENGTH = 50_000;
const MAX_MESSAGE = 2_000;

/** Downloads what is new. Undefined: the branch or tag has gone meanwhile, or names no commit. */
export async function readChange(mirror: Mirror, change: RefDifference): Promise<PolledChange | undefined> {
  const { ref, before } = change;
  if (change.commit === undefined) return { ref, ...(before === undefined ? {} : { before }) };
  // It may have moved once more: what counts is what was downloaded.
  const commit = await fetchRevision(mirror, ref).catch(ifNoCommit);
  if (commit === undefined) return undefined;
  if (commit === NO_COMMIT) return { ref, commit: change.commit, isNoCommit: true };
  const format = "--format=%an%x00%ae%x00%B";
  const text = await mirror.git(["log", "--max-count=1", format, "--end-of-options", commit]);
  const [author = "", authorEmail = "", ...message] = text.split("\0");
  return {
    ref,
    commit,
    author: plainLine(author),
    authorEmail: plainLine(authorEmail),
    message: ends(message.join(" ").trim()),
    ...(before === undefined ? {} : { before, ...(await since(mirror, before, commit)) }),
  };
}

const NO_COMMIT = Symbol("no commit");

function ifNoCommit(error: unknown): typeof NO_COMMIT {
  if (error instanceof GantryError && /names no commit/.test(String(error.details.problem))) return NO_COMMIT;
  throw error;
}

/** Both ends of a long message: the subject, and the trailers by which own commits are known. */
function ends(message: string): string {
  if (message.length <= MAX_MESSAGE) return message.toWellFormed();
  const half = MAX_MESSAGE / 2;
  return `${message.slice(0, half)}…\n\n${message.slice(-half).replace(/^[^\n]*\n/, "")}`.toWellFormed();
}

/** Nothing where the commit before is not there any more: nobody knows what has changed. */
async function since(
  mirror: Mirror,
  before: string,
  commit: string,
): Promise<Pick<PolledChange, "isForced" | "paths">> {
  if (!(await hasCommit(mirror, before))) return {};
  const { git } = mirror;
  const lost = await git(["rev-list", "--count", `${commit}..${before}`, "--"]);
  const isForced = lost.trim() !== "0";
  const listed = await git(["diff", "--name-only", "--no-renames", "-z", before, commit, "--"]);
  const paths = listed.split("\0").filter((path) => path !== "");
  const isShort = paths.length <= MAX_PATHS && listed.length <= MAX_PATHS_LENGTH;
  return { isForced, ...(isShort ? { paths } : {}) };
}

// Whether a pull request may be merged now. Pure.

import type { CommitCheck, PullRequest } from "./host.ts";

/** A CI system needs some time to report its first check. */
export const FIRST_CHECK_MS = 30_000;

/** Hosts give so many at once, and one that failed may be after them. */
const MOST_CHECKS = 50;

export type MergeFacts = {
  readonly pullRequest: PullRequest;
  readonly checks: readonly CommitCheck[];
  /** Who merges it. */
  readonly by: "person" | "gantry";
  /** The commit that Gantry pushed; undefined when the pipeline does not say. */
  readonly pushed: string | undefined;
  /** The branch that shall get it; undefined when the pipeline does not say. */
  readonly to: string | undefined;
  /** How long ago the step saw it first, in ms. */
  readonly seenMs: number;
};

export type MergeDecision =
  | { readonly kind: "merged" | "closed" | "merge" }
  | { readonly kind: "wait"; readonly reason: string }
  | { readonly kind: "refuse"; readonly problem: string };

/**
 * Gantry merges only the commit that it pushed, only into the branch for which it was, and only after every check has passed. Without any check it waits 30 s for the
 * first one. What the repository requires besides, for example an approval, its host decides at the merge.
 */
export function decideMerge({ pullRequest, checks, by, pushed, to, seenMs }: MergeFacts): MergeDecision {
  const { state, url, head } = pullRequest;
  // Who may change a pull request may direct it to a branch that this person may not push to.
  if (state !== "closed" && to !== undefined && pullRequest.to !== to)
    return { kind: "refuse", problem: `it leads to the branch ${pullRequest.to} now, not to ${to}` };
  if (state !== "open") return { kind: state };
  const failed = checks.filter((one) => one.state === "failed");
  const running = checks.filter((one) => one.state === "running");
  if (by === "person") {
    const about = [...failed.map(({ name }) => `${name} failed`), ...running.map(({ name }) => `${name} runs`)];
    return { kind: "wait", reason: `${url} waits to be merged${about.length === 0 ? "" : ` (${about.join(", ")})`}` };
  }
  if (pullRequest.isFromFork) return { kind: "refuse", problem: "it comes from another repository" };
  if (pushed !== undefined && !isSame(pushed, head))
    return { kind: "refuse", problem: "other commits were pushed to its branch" };
  if (checks.length >= MOST_CHECKS)
    return { kind: "refuse", problem: `it has ${MOST_CHECKS} checks or more, and Gantry does not read all of them` };
  const [first] = failed;
  if (first) return { kind: "refuse", problem: `the check ${first.name} failed${first.url ? ` (${first.url})` : ""}` };
  if (running.length > 0)
    return { kind: "wait", reason: `${url} waits for ${running.map(({ name }) => name).join(", ")}` };
  if (checks.length === 0 && seenMs < FIRST_CHECK_MS) return { kind: "wait", reason: `${url} waits for its checks` };
  return { kind: "merge" };
}

/** Some hosts shorten commits. */
function isSame(pushed: string, head: string | undefined): boolean {
  return head !== undefined && head.length >= 7 && pushed.startsWith(head);
}

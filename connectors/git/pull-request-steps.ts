// Steps for branches that nobody may push to: git/open-pull-request, git/wait-for-merge, git/close-pull-requests.

import { GantryError } from "@gantry/core/errors.ts";
import { failed, failureOf, type StepOutcome, succeeded, waiting } from "@gantry/core/step/outcome.ts";
import { defineStep, type StepContext, USUAL_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { outlastRestart } from "../outlast.ts";
import { bringTip } from "./commit.ts";
import { decideMerge } from "./decide-merge.ts";
import type { GitHost, MergeAnswer, PullRequest } from "./host.ts";
import { isBranchName } from "./names.ts";
import { hostOf, nameOf, openRepository, repositoryInput, withPauses } from "./step-parts.ts";

const MINUTES = 60_000;
const LOOK_AGAIN_MS = 10_000;
const branchName = z.string().refine(isBranchName, "must be the name of a branch");

const folderOfBranches = z.string().regex(/^[^\s/]+\/.*\/$/, "must be folders of branches, such as gantry/orders/");

const openInput = z.strictObject({
  repository: repositoryInput,
  from: branchName.describe("The branch that was pushed."),
  to: branchName.describe("The branch that shall get its commits."),
  title: z.string().trim().min(1).max(250),
  description: z.string().max(10_000).default(""),
  supersedes: folderOfBranches
    .optional()
    .describe("Other open pull requests into the branch, from branches that begin so and of other tasks, are closed."),
});
const openOutput = z.object({ id: z.int(), url: z.string(), superseded: z.array(z.int()) });
type OpenContext = StepContext<z.output<typeof openInput>, "git">;

export const openPullRequest = defineStep({
  name: "git/open-pull-request",
  title: "Open a pull request",
  input: openInput,
  output: openOutput,
  needs: ["git"],
  acts: ({ repository }) => [{ kind: "repository", access: "change", ...repository }],
  effects: ["open-pull-request", "close-pull-request"],
  retry: USUAL_RETRY,
  timeoutMs: 15 * MINUTES,
  plan: async ({ input }) => [`open a pull request from ${input.from} to ${input.to} of ${nameOf(input.repository)}`],
  run: (context) => outlastRestart(context, () => withPauses(() => openOnce(context))),
  undo: {
    find: async (context) => {
      const { host } = hostOf(context, context.input.repository);
      const found = (await ownPullRequests(host, context.input)).find(({ from }) => from === context.input.from);
      if (found !== undefined) return { id: found.id, url: found.url, superseded: [] };
      return `there is no open pull request from ${context.input.from}`;
    },
    remove: async (context, { id }) => {
      const { project, slug } = context.input.repository;
      const { host } = hostOf(context, context.input.repository);
      // What was merged cannot be closed.
      if ((await host.getPullRequest(project, slug, id)).state === "open")
        await host.closePullRequest(project, slug, id);
    },
  },
});

async function openOnce(context: OpenContext): Promise<StepOutcome<z.output<typeof openOutput>>> {
  const { input, log } = context;
  const { project, slug } = input.repository;
  const { host } = hostOf(context, input.repository);
  const { id, url } = await context.effect({
    name: "open-pull-request",
    what: `open a pull request from ${input.from} to ${input.to} of ${nameOf(input.repository)}`,
    probe: async () => {
      const found = (await ownPullRequests(host, input)).find(({ from }) => from === input.from);
      return found && { id: found.id, url: found.url };
    },
    perform: async () => {
      const made = await host.openPullRequest(project, slug, input);
      return { id: made.id, url: made.url };
    },
  });
  log(`pull request ${id}: ${url}`);
  return succeeded({ id, url, superseded: await closeOlder(context, host, id) });
}

/** Open ones of branches that only accounts of the repository can push. In a fork, anybody may name a branch as Gantry does. */
async function ownPullRequests(
  host: GitHost,
  { repository, to }: Pick<OpenContext["input"], "repository" | "to">,
): Promise<readonly PullRequest[]> {
  const all = await host.listPullRequests(repository.project, repository.slug, to);
  return all.filter(({ isFromFork }) => !isFromFork);
}

/** Those that are older, and of other tasks: a newer one closes ours, and one task may have several. */
async function closeOlder(context: OpenContext, host: GitHost, own: number): Promise<number[]> {
  const { input, task } = context;
  const { supersedes } = input;
  if (supersedes === undefined) return [];
  const all = await ownPullRequests(host, input);
  const isOurs = (from: string): boolean => from === input.from || from.startsWith(`${supersedes}${task.id}/`);
  const older = all.filter(({ id, from }) => id < own && from.startsWith(supersedes) && !isOurs(from));
  return closeAll(context, host, older, "which this one supersedes");
}

async function closeAll(
  { input, log, effect }: Pick<OpenContext, "log" | "effect"> & { input: Pick<OpenContext["input"], "repository"> },
  host: GitHost,
  pullRequests: readonly PullRequest[],
  why: string,
): Promise<number[]> {
  const { project, slug } = input.repository;
  const closed: number[] = [];
  for (const { id, title } of pullRequests) {
    await effect({
      name: "close-pull-request",
      ordinal: id,
      what: `close pull request ${id} of ${nameOf(input.repository)}, ${why}`,
      probe: async () => ((await host.getPullRequest(project, slug, id)).state === "open" ? undefined : {}),
      perform: async () => {
        await host.closePullRequest(project, slug, id);
        return {};
      },
    });
    log(`closed pull request ${id}, ${why}: ${title}`);
    closed.push(id);
  }
  return closed;
}

const waitInput = z.strictObject({
  repository: repositoryInput,
  id: z.int().min(1),
  merge: z
    .enum(["person", "gantry"])
    .default("person")
    .describe("Who merges: a person or a rule of the host, or Gantry when every check of the host has passed."),
  commit: z.string().optional().describe("What was pushed. Gantry merges nothing else."),
  to: branchName.optional().describe("The branch that shall get it. What is merged into another one does not count."),
});
const waitOutput = z.object({ commit: z.string(), url: z.string() });

type WaitContext = StepContext<z.output<typeof waitInput>, "git">;
type WaitOutcome = StepOutcome<z.output<typeof waitOutput>>;

export const waitForMerge = defineStep({
  name: "git/wait-for-merge",
  title: "Wait until the pull request is merged",
  input: waitInput,
  output: waitOutput,
  needs: ["git"],
  acts: ({ repository, merge }) => [
    { kind: "repository", access: merge === "gantry" ? "merge" : "read", ...repository },
  ],
  effects: ["merge-pull-request"],
  retry: USUAL_RETRY,
  timeoutMs: 24 * 60 * MINUTES,
  plan: async ({ input: { id, repository, merge } }) => [
    merge === "gantry"
      ? `merge pull request ${id} of ${nameOf(repository)} when its checks have passed`
      : `wait until pull request ${id} of ${nameOf(repository)} is merged`,
  ],
  run: (context) =>
    outlastRestart(context, (memo) => withPauses(() => lookForMerge(context, memoSchema.safeParse(memo).data))),
});

/** `sinceMs`: when the step saw the pull request first, on the clock of the runner. */
const memoSchema = z.object({ sinceMs: z.number() });

async function lookForMerge(context: WaitContext, memo: z.output<typeof memoSchema> | undefined): Promise<WaitOutcome> {
  const { repository, id, merge, commit: pushed, to } = context.input;
  const { project, slug } = repository;
  const { host } = hostOf(context, repository);
  const pullRequest = await host.getPullRequest(project, slug, id);
  const sinceMs = memo?.sinceMs ?? context.nowMs();
  const checks = pullRequest.state === "open" ? await host.listChecks(project, slug, pullRequest) : [];
  const seenMs = context.nowMs() - sinceMs;
  const decided = decideMerge({ pullRequest, checks, by: merge, pushed, to, seenMs });
  const { url, title } = pullRequest;
  switch (decided.kind) {
    case "merged":
      return merged(context, host, pullRequest);
    case "closed":
      return failed(failureOf(new GantryError("pull-request-closed", { url, title })));
    case "refuse":
      return refused(pullRequest, decided.problem);
    case "wait":
      return waiting(decided.reason, LOOK_AGAIN_MS, { sinceMs });
    case "merge":
      return mergeNow(context, host, pullRequest, sinceMs);
  }
}

/** Thrown where the effect did not happen, so that it is tried again. */
class NotMerged extends Error {
  readonly answer: Exclude<MergeAnswer, { readonly kind: "merged" }>;

  constructor(answer: NotMerged["answer"]) {
    super(answer.reason);
    this.answer = answer;
  }
}

async function mergeNow(
  context: WaitContext,
  host: GitHost,
  pullRequest: PullRequest,
  sinceMs: number,
): Promise<WaitOutcome> {
  const { project, slug } = context.input.repository;
  try {
    await context.effect({
      name: "merge-pull-request",
      what: `merge pull request ${pullRequest.id} of ${nameOf(context.input.repository)}`,
      probe: async () =>
        (await host.getPullRequest(project, slug, pullRequest.id)).state === "merged" ? {} : undefined,
      perform: async () => {
        const answer = await host.mergePullRequest(project, slug, pullRequest);
        if (answer.kind !== "merged") throw new NotMerged(answer);
        return {};
      },
    });
  } catch (error) {
    if (!(error instanceof NotMerged)) throw error;
    const { kind, reason } = error.answer;
    if (kind === "conflict") return refused(pullRequest, reason);
    return waiting(`${pullRequest.url} cannot be merged yet: ${reason}`, LOOK_AGAIN_MS, { sinceMs });
  }
  return merged(context, host, await host.getPullRequest(project, slug, pullRequest.id));
}

function refused({ url, title }: PullRequest, problem: string): WaitOutcome {
  return failed(failureOf(new GantryError("pull-request-refused", { url, title, problem })));
}

async function merged(context: WaitContext, host: GitHost, pullRequest: PullRequest): Promise<WaitOutcome> {
  const { project, slug } = context.input.repository;
  const commit = await mergedAs(context, pullRequest);
  if (commit === undefined) return waiting(`${pullRequest.to} has no commit yet`, 1_000);
  context.log(`merged as ${commit.slice(0, 12)}`);
  return succeeded({ commit, url: host.commitUrl(project, slug, commit) });
}

/**
 * The whole name of the commit: hosts shorten it, and the branch may have moved since. A host that does not name it merged
 * into the newest commit of the branch, at the latest.
 */
async function mergedAs(context: WaitContext, { to, mergeCommit }: PullRequest): Promise<string | undefined> {
  const { mirror } = await openRepository(context, context.input.repository);
  const tip = await bringTip({ mirror, branch: to });
  if (tip === undefined || mergeCommit === undefined) return tip;
  return (await mirror.git(["rev-parse", "--verify", "--end-of-options", `${mergeCommit}^{commit}`])).trim();
}

const closeInput = z.strictObject({
  repository: repositoryInput,
  to: branchName.describe("The branch that should have got the commits."),
  from: folderOfBranches.describe("Open pull requests from branches that begin so are closed."),
});

export const closePullRequests = defineStep({
  name: "git/close-pull-requests",
  title: "Close pull requests",
  input: closeInput,
  output: z.object({ closed: z.array(z.int()) }),
  needs: ["git"],
  acts: ({ repository }) => [{ kind: "repository", access: "change", ...repository }],
  effects: ["close-pull-request"],
  retry: USUAL_RETRY,
  timeoutMs: 15 * MINUTES,
  plan: async ({ input: { from, to, repository } }) => [
    `close the open pull requests from ${from} to ${to} of ${nameOf(repository)}`,
  ],
  run: (context) =>
    outlastRestart(context, () =>
      withPauses(async () => {
        const { repository, from } = context.input;
        const { host } = hostOf(context, repository);
        const open = await ownPullRequests(host, context.input);
        const own = open.filter((one) => one.from.startsWith(from));
        return succeeded({ closed: await closeAll(context, host, own, "which was not merged") });
      }),
    ),
});

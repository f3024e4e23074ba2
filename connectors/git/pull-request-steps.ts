// Steps for branches that nobody may push to: git/open-pull-request and git/wait-for-merge.

import { GantryError } from "@gantry/core/errors.ts";
import { failed, failureOf, type StepOutcome, succeeded, waiting } from "@gantry/core/step/outcome.ts";
import { defineStep, type StepContext, USUAL_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { outlastRestart } from "../outlast.ts";
import { bringTip } from "./commit.ts";
import type { GitHost, PullRequest } from "./host.ts";
import { isBranchName } from "./names.ts";
import { hostOf, nameOf, openRepository, repositoryInput, withPauses } from "./step-parts.ts";

const MINUTES = 60_000;
const LOOK_AGAIN_MS = 10_000;
const branchName = z.string().refine(isBranchName, "must be the name of a branch");

const openInput = z.strictObject({
  repository: repositoryInput,
  from: branchName.describe("The branch that was pushed."),
  to: branchName.describe("The branch that shall get its commits."),
  title: z.string().trim().min(1).max(250),
  description: z.string().max(10_000).default(""),
  supersedes: z
    .string()
    .regex(/^[^\s/]+\/.*\/$/, "must be folders of branches, such as gantry/orders/")
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
  undo: async (context, { id }) => {
    const { project, slug } = context.input.repository;
    await hostOf(context, context.input.repository).host.closePullRequest(project, slug, id);
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
      const found = (await host.listPullRequests(project, slug, input.to)).find(({ from }) => from === input.from);
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

/** Those that are older, and of other tasks: a newer one closes ours, and one task may have several. */
async function closeOlder({ input, task, log, effect }: OpenContext, host: GitHost, own: number): Promise<number[]> {
  const { supersedes } = input;
  if (supersedes === undefined) return [];
  const { project, slug } = input.repository;
  const all = await host.listPullRequests(project, slug, input.to);
  const isOurs = (from: string): boolean => from === input.from || from.startsWith(`${supersedes}${task.id}/`);
  const older = all.filter(({ id, from }) => id < own && from.startsWith(supersedes) && !isOurs(from));
  const closed: number[] = [];
  for (const { id, title } of older) {
    await effect({
      name: "close-pull-request",
      ordinal: id,
      what: `close the superseded pull request ${id} of ${nameOf(input.repository)}`,
      probe: async () => ((await host.getPullRequest(project, slug, id)).state === "open" ? undefined : {}),
      perform: async () => {
        await host.closePullRequest(project, slug, id);
        return {};
      },
    });
    log(`closed pull request ${id}, which this one supersedes: ${title}`);
    closed.push(id);
  }
  return closed;
}

const waitInput = z.strictObject({ repository: repositoryInput, id: z.int().min(1) });
const waitOutput = z.object({ commit: z.string(), url: z.string() });

type WaitContext = StepContext<z.output<typeof waitInput>, "git">;

export const waitForMerge = defineStep({
  name: "git/wait-for-merge",
  title: "Wait until the pull request is merged",
  input: waitInput,
  output: waitOutput,
  needs: ["git"],
  acts: ({ repository }) => [{ kind: "repository", access: "read", ...repository }],
  effects: [],
  retry: USUAL_RETRY,
  timeoutMs: 24 * 60 * MINUTES,
  plan: async ({ input }) => [`wait until pull request ${input.id} of ${nameOf(input.repository)} is merged`],
  run: (context) => outlastRestart(context, () => withPauses(() => lookForMerge(context))),
});

async function lookForMerge(context: WaitContext): Promise<StepOutcome<z.output<typeof waitOutput>>> {
  const { project, slug } = context.input.repository;
  const { host } = hostOf(context, context.input.repository);
  const found = await host.getPullRequest(project, slug, context.input.id);
  if (found.state === "open") return waiting(`${found.url} waits to be merged`, LOOK_AGAIN_MS);
  if (found.state === "closed")
    return failed(failureOf(new GantryError("pull-request-closed", { url: found.url, title: found.title })));
  const commit = await mergedAs(context, found);
  if (commit === undefined) return waiting(`${found.to} has no commit yet`, 1_000);
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

// git/set-commit-status: shows at the git host, beside a commit, how a task of it went.

import { explain, GantryError } from "@gantry/core/errors.ts";
import { type StepOutcome, succeeded } from "@gantry/core/step/outcome.ts";
import { defineStep, type StepContext, USUAL_RETRY } from "@gantry/core/step/step.ts";
import { truncate } from "@gantry/core/truncate.ts";
import { z } from "zod";
import { outlastRestart } from "../outlast.ts";
import { isCommitId, plainLine } from "./names.ts";
import { hostOf, nameOf, repositoryInput, withPauses } from "./step-parts.ts";

const MINUTES = 60_000;
const WORDS = { running: "In progress", succeeded: "Succeeded", failed: "Failed", canceled: "Canceled" } as const;

const input = z.strictObject({
  repository: repositoryInput,
  commit: z.string().max(250).describe("The whole id. Anything else is a warning, too."),
  state: z.enum(["running", "succeeded", "failed", "canceled"]),
  name: z
    .string()
    .trim()
    .min(1)
    .max(255)
    .describe("What the status is about. The newest status of a name replaces the one before."),
  description: z.string().max(1_000).default("").describe("For people. Hosts show at most 140 characters."),
});
const output = z.object({ set: z.boolean() });
type Context = StepContext<z.output<typeof input>, "git">;

/**
 * Never fails for what the host answers: a status that cannot be set is a warning in the log. As every step, it waits for
 * a host that restarts.
 */
export const setCommitStatus = defineStep({
  name: "git/set-commit-status",
  title: "Report to the commit",
  input,
  output,
  needs: ["git"],
  acts: ({ repository, name }) => [
    { kind: "repository", access: "change", ...repository },
    { kind: "commit-status", access: "change", name },
  ],
  effects: ["set-commit-status"],
  retry: USUAL_RETRY,
  timeoutMs: 15 * MINUTES,
  plan: async ({ input }) => [whatOf(input)],
  run: async (context) => {
    try {
      return await outlastRestart(context, () => withPauses(() => setOnce(context)));
    } catch (error) {
      if (!(error instanceof GantryError) || !OF_THE_HOST.includes(error.code)) throw error;
      const { message, why, todo } = explain(error);
      return notSet(context, [message, why, todo].filter(Boolean).join(" "));
    }
  },
});

const OF_THE_HOST: readonly string[] = [
  "certificate-untrusted",
  "credential-refused",
  "system-forbidden",
  "system-refused",
  "system-strange",
  "system-unavailable",
];

async function setOnce(context: Context): Promise<StepOutcome<z.output<typeof output>>> {
  const { state, name, commit, repository, description } = context.input;
  const { url } = context.task;
  // Taken first: a pipeline can skip a step whose system the site lacks.
  const { host } = hostOf(context, repository);
  // The host links to the task, so it needs an address that works from everywhere.
  if (!/^https?:\/\//.test(url))
    return notSet(
      context,
      `The task has no address that others can open (${url}): \`portalUrl\` of the task-agent must begin with https://.`,
    );
  if (!isCommitId(commit)) return notSet(context, `"${plainLine(commit)}" is no whole commit id.`);
  const text = truncate(plainLine(description) || WORDS[state], 140);
  await context.effect({
    name: "set-commit-status",
    what: whatOf(context.input),
    // Setting it once more is harmless, and hosts do not say in one form what was set.
    probe: async () => undefined,
    perform: async () => {
      await host.setCommitStatus(repository.project, repository.slug, commit, { state, name, description: text, url });
      return {};
    },
  });
  context.log(`${name} of ${commit.slice(0, 12)} is ${state}`);
  return succeeded({ set: true });
}

function notSet(context: Context, problem: string): StepOutcome<z.output<typeof output>> {
  context.log(`Warning: the commit does not show the status ${context.input.name}. ${problem}`);
  return succeeded({ set: false });
}

function whatOf({ commit, name, repository, state }: z.output<typeof input>): string {
  return `set the status ${name} of ${commit.slice(0, 12)} of ${nameOf(repository)} to ${state}`;
}

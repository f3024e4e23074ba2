// Steps that deploy: what would a sync change, sync, and wait until it runs. The commit is always given as its hash.

import { GantryError } from "@gantry/core/errors.ts";
import { parseDuration } from "@gantry/core/pipeline/duration.ts";
import type { ArgocdSystem } from "@gantry/core/site/systems.ts";
import { failed, failureOf, type StepOutcome, succeeded, waiting } from "@gantry/core/step/outcome.ts";
import { defineStep, type StepContext, USUAL_RETRY } from "@gantry/core/step/step.ts";
import { backoffMs } from "@gantry/runtime/backoff.ts";
import { z } from "zod";
import { type ArgoCd, connect } from "./client.ts";
import { carriesEffect, decideSync, EFFECT_INFO, TASK_INFO } from "./decide-sync.ts";
import { decideWait } from "./decide-wait.ts";
import { diffInWords } from "./diff.ts";
import { appUrl, objectName, system } from "./ensure-steps.ts";
import { type Application, short, type TreeNode } from "./model.ts";

const revision = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/, "must be a whole commit hash");
const place = { app: objectName, project: objectName, revision, system };

/** How long Argo CD may go without an answer while a step waits for it anyway, in looks of up to two seconds. */
const MISSED_LOOKS = 60;
/** Asking git again costs Argo CD a fetch. */
const REFRESH_EVERY_MS = 2_000;
/** A diff can only be had for the newest commit of the branch. After so many looks that is another one than ours. */
const DIFF_LOOKS = 8;

const patience = z.object({
  looks: z.number().default(0),
  missed: z.number().default(0),
  errors: z.number().default(0),
  sickSinceMs: z.number().optional(),
  refreshedAtMs: z.number().optional(),
  refresh: z.boolean().default(true),
});
type Memo = z.output<typeof patience>;

export const argocdDiff = defineStep({
  name: "argocd/diff",
  title: "Show what a sync would change",
  input: z.strictObject(place),
  output: z.object({ changed: z.number(), changes: z.array(z.string()) }),
  needs: ["argocd"],
  effects: [],
  retry: USUAL_RETRY,
  timeoutMs: 300_000,
  plan: async ({ input }) => [`compare ${input.app} with ${short(input.revision)}`],
  run: async (context) => {
    const { input, log } = context;
    const client = connect(context.system("argocd", input.system), context);
    const memo = patience.parse(context.memo ?? {});
    const app = await seen(client, context, "normal");
    const at = app.status.sync?.revision;
    if (at !== input.revision && memo.looks < DIFF_LOOKS) {
      const reason = `Argo CD compares ${input.app} with ${short(at)}, not yet with ${short(input.revision)}`;
      return waiting(reason, pauseMs(memo.looks), { ...memo, looks: memo.looks + 1 });
    }
    if (at !== input.revision) log(`the branch has moved on: this is the difference to ${short(at)}`);
    const found = diffInWords(await client.managedResources(input.app, input.project));
    for (const change of found.changes) log(change);
    if (found.changed === 0) log("nothing differs");
    return succeeded({ changed: found.changed, changes: found.changes.slice(0, 100) });
  },
});

export const argocdSync = defineStep({
  name: "argocd/sync",
  title: "Sync the app to the commit",
  input: z.strictObject(place),
  output: z.object({ operation: z.enum(["synced", "refreshed", "already"]), revision: z.string() }),
  needs: ["argocd"],
  effects: ["sync"],
  retry: USUAL_RETRY,
  timeoutMs: 900_000,
  plan: async (context) => {
    const { input } = context;
    const client = connect(context.system("argocd", input.system), context);
    const app = await client.getApplication(input.app, input.project);
    if (!app) return [`sync ${input.app} to ${short(input.revision)}`];
    const { kind } = decideSync(app, input.revision, context.task.id);
    if (kind === "already") return [];
    return [`${kind === "refreshed" ? "refresh" : "sync"} ${input.app} to ${short(input.revision)}`];
  },
  run: async (context) => {
    const { input, log, task } = context;
    const client = connect(context.system("argocd", input.system), context);
    const memo = patience.parse(context.memo ?? {});
    const app = await seen(client, context, "normal");
    const decision = decideSync(app, input.revision, task.id);
    const again = (reason: string) => waiting(reason, pauseMs(memo.looks), { ...memo, looks: memo.looks + 1 });
    const started = { operation: "synced", revision: input.revision } as const;
    const sync = () =>
      context.effect({
        name: "sync",
        what: `sync ${input.app} to ${short(input.revision)}`,
        probe: async (key) => {
          const now = await client.getApplication(input.app, input.project);
          return now && carriesEffect(now, key) ? started : undefined;
        },
        perform: async (key) => {
          const infos = [
            { name: EFFECT_INFO, value: key },
            { name: TASK_INFO, value: task.id },
            { name: "gantry-run", value: task.url },
          ];
          const answer = await client.sync(input.app, input.project, { revision: input.revision, infos });
          if (answer.kind === "not-now") throw new NotNow(answer.reason);
          return started;
        },
      });
    switch (decision.kind) {
      case "superseded":
        return superseded(input.app, decision.problem);
      case "waiting":
        return again(decision.reason);
      case "refreshed":
      case "already":
        log(decision.kind === "already" ? `${input.app} is there already` : `${input.app} syncs by itself: refreshed`);
        return succeeded({ operation: decision.kind, revision: input.revision });
      case "start":
        try {
          const output = await sync();
          log(`sync of ${input.app} to ${short(input.revision)} started`);
          return succeeded(output);
        } catch (error) {
          if (error instanceof NotNow) return again(error.message);
          throw error;
        }
    }
  },
});

const waitInput = z.strictObject({
  ...place,
  /** The image that pods must run, as `host/project/name@sha256:…`. */
  image: z.string().min(1).max(1_024).optional(),
  /** How long it may look Degraded before that counts. */
  degradedGrace: z
    .string()
    .refine((text) => parseDuration(text) !== undefined, "must be a duration")
    .default("20s"),
});
const waitOutput = z.object({
  sync: z.string(),
  health: z.string(),
  revision: z.string(),
  images: z.array(z.string()),
  url: z.string(),
});

export const argocdWait = defineStep({
  name: "argocd/wait",
  title: "Wait until the app runs the commit and is healthy",
  input: waitInput,
  output: waitOutput,
  needs: ["argocd"],
  effects: [],
  retry: USUAL_RETRY,
  timeoutMs: 900_000,
  plan: async ({ input }) => [`wait until ${input.app} is healthy at ${short(input.revision)}`],
  run: async (context) => {
    const { input } = context;
    const argocd = context.system("argocd", input.system);
    const client = connect(argocd, context);
    const memo = patience.parse(context.memo ?? {});
    try {
      return await look(context, argocd, client, memo);
    } catch (error) {
      // A restart of Argo CD must not end a wait of minutes.
      if (!(error instanceof GantryError) || error.code !== "system-unavailable" || memo.missed >= MISSED_LOOKS)
        throw error;
      return waiting(error.message, pauseMs(memo.missed), { ...memo, missed: memo.missed + 1 });
    }
  },
});

type Place = { readonly app: string; readonly project: string; readonly revision: string };
type WaitInput = z.output<typeof waitInput>;
type WaitOutput = z.output<typeof waitOutput>;

async function look(
  context: StepContext<WaitInput, "argocd">,
  argocd: ArgocdSystem,
  client: ArgoCd,
  memo: Memo,
): Promise<StepOutcome<WaitOutput>> {
  const { input, nowMs } = context;
  const fresh = memo.refresh && nowMs() - (memo.refreshedAtMs ?? 0) >= REFRESH_EVERY_MS;
  const refreshedAtMs = fresh ? nowMs() : memo.refreshedAtMs;
  const app = await seen(client, context, fresh ? "normal" : undefined);
  const url = appUrl(argocd.url, app.metadata);
  const wanted = {
    ...input,
    image: input.image,
    degradedGraceMs: parseDuration(input.degradedGrace) ?? 0,
    url,
  };
  // An error that was seen without asking git again says nothing new.
  const before = fresh || memo.errors === 0 ? memo.errors : memo.errors - 1;
  const nodes = await nodesOf(client, app, input);
  const verdict = decideWait(wanted, app, nodes, { errors: before, sickSinceMs: memo.sickSinceMs }, nowMs());
  switch (verdict.kind) {
    case "done":
      return succeeded({ ...stateOf(app), revision: input.revision, url });
    case "superseded":
      return superseded(input.app, verdict.problem);
    case "failed": {
      const { gate, problem, todo, line } = verdict;
      const failure = failureOf(new GantryError("gate-failed", { gate, problem, todo }));
      context.log(line);
      return failed<WaitOutput>({ ...failure, line }, { ...stateOf(app), url });
    }
    case "waiting": {
      const next: Memo = {
        looks: memo.looks + 1,
        missed: 0,
        refresh: verdict.refresh,
        refreshedAtMs,
        ...verdict.patience,
      };
      return waiting(verdict.reason, pauseMs(memo.looks), JSON.parse(JSON.stringify(next)) as Memo);
    }
  }
}

/** Not now, but later: leaves the effect open, to be probed and tried again. */
class NotNow extends Error {}

async function seen(
  client: ArgoCd,
  context: StepContext<Place & { system?: string | undefined }, "argocd">,
  refresh?: "normal",
): Promise<Application> {
  const { app, project, system: name } = context.input;
  const found = await client.getApplication(app, project, refresh);
  if (found) return found;
  throw new GantryError("system-refused", {
    system: context.system("argocd", name).name,
    what: `look at app ${app}`,
    problem: `There is no app ${app} in project ${project}, or the account may not see it.`,
  });
}

/** The live resources, where the app is not healthy: they know why. */
async function nodesOf(client: ArgoCd, app: Application, { project }: Place): Promise<readonly TreeNode[]> {
  const health = app.status.health?.status;
  if (health !== "Degraded" && health !== "Progressing") return [];
  return client.tree(app.metadata.name, project);
}

function stateOf(app: Application): Pick<WaitOutput, "sync" | "health" | "images"> {
  return {
    sync: app.status.sync?.status ?? "Unknown",
    health: app.status.health?.status ?? "Unknown",
    images: app.status.summary?.images ?? [],
  };
}

function superseded(app: string, problem: string): StepOutcome<never> {
  return failed(failureOf(new GantryError("superseded", { what: app, problem })));
}

/** Milliseconds until the next look, after so many: 250 at first, 2,000 in the long run. */
function pauseMs(looks: number): number {
  return Math.round(backoffMs(LOOKS, looks + 1));
}

const LOOKS = { firstMs: 250, maxMs: 2_000, factor: 1.4, jitter: "none" } as const;

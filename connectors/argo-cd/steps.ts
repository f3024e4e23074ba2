// Steps that deploy: show what a sync would change, sync, and wait until the app runs the commit. The commit is always given
// as its hash. All of them outlast a restart of Argo CD and of the Kubernetes API behind it.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonValue } from "@gantry/core/json.ts";
import { parseDuration } from "@gantry/core/pipeline/duration.ts";
import type { ArgocdSystem } from "@gantry/core/site/systems.ts";
import { failed, failureOf, type StepOutcome, succeeded, waiting } from "@gantry/core/step/outcome.ts";
import { defineStep, type StepContext, USUAL_RETRY } from "@gantry/core/step/step.ts";
import { backoffMs } from "@gantry/runtime/backoff.ts";
import { z } from "zod";
import { outlastRestart } from "../outlast.ts";
import { type ArgoCd, connect } from "./client.ts";
import { decideComparison, type Refresh } from "./decide-comparison.ts";
import { carriesEffect, decideSync, EFFECT_INFO, type SyncDecision, TASK_INFO } from "./decide-sync.ts";
import { comparisonFailed, decideWait, type Verdict } from "./decide-wait.ts";
import { diffInWords } from "./diff.ts";
import { appUrl } from "./ensure-steps.ts";
import { type ImageUse, pendingImage, sameImage } from "./image-use.ts";
import { type Application, isAt, short, shortAt, type TreeNode } from "./model.ts";
import { application, type PlaceInput, placeInput } from "./place.ts";

/** Asking git again costs Argo CD a fetch. */
const REFRESH_EVERY_MS = 2_000;
/** A diff can only be had for the newest commit of the branch. After this many checks, it is another commit than ours. */
const DIFF_LOOKS = 8;

const memoSchema = z.object({
  looks: z.number().default(0),
  errors: z.number().default(0),
  errorSinceMs: z.number().optional(),
  hardAtMs: z.number().optional(),
  sickSinceMs: z.number().optional(),
  unusedSinceMs: z.number().optional(),
  refreshedAtMs: z.number().optional(),
  refresh: z.union([z.boolean(), z.enum(["normal", "hard"])]).default("normal"),
});
type Memo = z.output<typeof memoSchema>;

/** While Argo CD was away, it compared nothing: that time does not count against the app. */
function memoOf(given: JsonValue | undefined, outageMs: number): Memo {
  const memo = memoSchema.parse(given ?? {});
  const later = (sinceMs: number | undefined): number | undefined => sinceMs && sinceMs + outageMs;
  const { errorSinceMs, sickSinceMs, unusedSinceMs } = memo;
  return {
    ...memo,
    errorSinceMs: later(errorSinceMs),
    sickSinceMs: later(sickSinceMs),
    unusedSinceMs: later(unusedSinceMs),
  };
}

export const argocdDiff = defineStep({
  name: "argocd/diff",
  title: "Show what a sync would change",
  input: placeInput,
  output: z.object({ changed: z.number(), changes: z.array(z.string()) }),
  needs: ["argocd"],
  acts: (input) => [application(input, "read")],
  effects: [],
  retry: USUAL_RETRY,
  timeoutMs: 900_000,
  plan: async ({ input }) => [`compare ${input.app} with ${short(input.revision)}`],
  run: (context) =>
    outlastRestart(context, async (given, outageMs) => {
      const { input, log } = context;
      const client = connect(context.system("argocd", input.system), context);
      const memo = memoOf(given, outageMs);
      const app = await seen(client, context, refreshOf(memo) ?? "normal");
      const trouble = comparisonOutcome(context, app, memo);
      if (trouble) return trouble;
      const { sync } = app.status;
      if (!isAt(sync, input.revision) && memo.looks < DIFF_LOOKS) {
        const reason = `Argo CD compares ${input.app} with ${shortAt(sync)}, not yet with ${short(input.revision)}`;
        // Every check makes Argo CD generate the manifests again, and after three failures it gives up on the commit.
        return waiting(reason, Math.min(5_000, 1_000 * 2 ** memo.looks), calmed(memo));
      }
      if (!isAt(sync, input.revision)) log(`the branch has moved on: this is the difference to ${shortAt(sync)}`);
      const found = diffInWords(await client.managedResources(input.app, input.project));
      for (const change of found.changes) log(change);
      if (found.changed === 0) log("nothing differs");
      return succeeded({ changed: found.changed, changes: found.changes.slice(0, 100) });
    }),
});

const syncOutput = z.object({ operation: z.enum(["synced", "refreshed", "already"]), revision: z.string() });
type SyncOutput = z.output<typeof syncOutput>;

export const argocdSync = defineStep({
  name: "argocd/sync",
  title: "Sync the app to the commit",
  input: placeInput,
  output: syncOutput,
  needs: ["argocd"],
  acts: (input) => [application(input, "change")],
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
  run: (context) => outlastRestart(context, (memo, outageMs) => syncNow(context, memoOf(memo, outageMs))),
});

type SyncContext = StepContext<PlaceInput, "argocd">;

async function syncNow(context: SyncContext, memo: Memo): Promise<StepOutcome<SyncOutput>> {
  const { input, log, task } = context;
  const argocd = context.system("argocd", input.system);
  const client = connect(argocd, context);
  const app = await seen(client, context, refreshOf(memo) ?? "normal");
  const trouble = comparisonOutcome(context, app, memo);
  if (trouble) return trouble;
  const decision = decideSync(app, input.revision, task.id);
  switch (decision.kind) {
    case "superseded":
      return superseded(input.app, decision.problem);
    case "refused": {
      const what = `sync app ${input.app}`;
      throw new GantryError("system-refused", { system: argocd.name, what, problem: decision.problem });
    }
    case "waiting":
      return waiting(decision.reason, pauseMs(memo.looks), calmed(memo));
    case "refreshed":
    case "already":
      log(decision.kind === "already" ? `${input.app} is already synced` : `${input.app} has auto-sync: refreshed`);
      return succeeded({ operation: decision.kind, revision: input.revision });
    case "repeat":
    case "start":
      try {
        const output = await startSync(context, client, decision);
        if (decision.kind === "repeat") log(`the auto-sync of ${input.app} has failed, and is tried again`);
        log(`sync of ${input.app} to ${short(input.revision)} started`);
        return succeeded(output);
      } catch (error) {
        if (error instanceof NotNow) return waiting(error.message, pauseMs(memo.looks), calmed(memo));
        throw error;
      }
  }
}

/** Throws NotNow when Argo CD cannot sync now, but will be able to by itself. */
async function startSync(
  { input, task, effect }: SyncContext,
  client: ArgoCd,
  decision: Extract<SyncDecision, { kind: "start" | "repeat" | "refreshed" | "already" }>,
): Promise<SyncOutput> {
  const how = decision.kind === "repeat" ? { prune: decision.prune } : { revision: input.revision };
  const started: SyncOutput = { operation: "synced", revision: input.revision };
  return effect({
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
      const answer = await client.sync(input.app, input.project, { ...how, infos });
      if (answer.kind === "not-now") throw new NotNow(answer.reason);
      return started;
    },
  });
}

const imageRef = z.string().min(1).max(1_024);
const waitInput = z.strictObject({
  ...placeInput.shape,
  image: z
    .union([imageRef, z.array(imageRef).max(50)])
    .optional()
    .describe("The image that pods must run, or several, as host/project/name@sha256:…"),
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
  acts: (input) => [application(input, "read")],
  effects: [],
  retry: USUAL_RETRY,
  timeoutMs: 900_000,
  plan: async ({ input }) => [`wait until ${input.app} is healthy at ${short(input.revision)}`],
  run: (context) => outlastRestart(context, (memo, outageMs) => look(context, memoOf(memo, outageMs))),
});

type WaitContext = StepContext<z.output<typeof waitInput>, "argocd">;
type WaitOutput = z.output<typeof waitOutput>;

async function look(context: WaitContext, memo: Memo): Promise<StepOutcome<WaitOutput>> {
  const { input, nowMs } = context;
  const argocd: ArgocdSystem = context.system("argocd", input.system);
  const client = connect(argocd, context);
  const requested = refreshOf(memo);
  const refresh = requested && nowMs() - (memo.refreshedAtMs ?? 0) >= REFRESH_EVERY_MS ? requested : undefined;
  const app = await seen(client, context, refresh);
  const url = appUrl(argocd.url, app.metadata);
  const { image, use } = await imageToAwait(client, app, input);
  const wanted = { ...input, image, degradedGraceMs: parseDuration(input.degradedGrace) ?? 0, url };
  // An error that was seen without asking git again says nothing new.
  const before = refresh !== undefined || memo.errors === 0 ? memo.errors : memo.errors - 1;
  const nodes = await nodesOf(client, app, input);
  const verdict = decideWait(wanted, app, nodes, { ...memo, errors: before }, nowMs(), use);
  switch (verdict.kind) {
    case "done":
      return succeeded({ ...stateOf(app), revision: input.revision, url });
    case "superseded":
      return superseded(input.app, verdict.problem);
    case "unavailable":
      return unavailable(argocd, input.app, verdict.problem);
    case "failed":
      return failedBy<WaitOutput>(context, verdict, { ...stateOf(app), url });
    case "waiting": {
      const { refresh: next, patience, reason, pauseMs: leastMs = 0 } = verdict;
      const refreshedAtMs = refresh === undefined ? memo.refreshedAtMs : nowMs();
      const kept = { looks: memo.looks + 1, refresh: next, refreshedAtMs, ...patience };
      return waiting(reason, Math.max(pauseMs(memo.looks), leastMs), asJson(kept));
    }
  }
}

/** Not now, but later: leaves the effect open, to be probed and tried again. */
class NotNow extends Error {}

/** What an error of the comparison makes of a step that refreshed the app; undefined when there is none. */
function comparisonOutcome(context: SyncContext, app: Application, memo: Memo): StepOutcome<never> | undefined {
  const trouble = decideComparison(app, memo, context.nowMs());
  switch (trouble?.kind) {
    case undefined:
      return undefined;
    case "waiting": {
      const { reason, pauseMs, refresh, patience } = trouble;
      return waiting(reason, pauseMs, asJson({ looks: memo.looks, refresh, ...patience }));
    }
    case "failed":
      return failedBy<never>(context, comparisonFailed(context.input.app, trouble));
    case "unavailable":
      return unavailable(context.system("argocd", context.input.system), context.input.app, trouble.problem);
  }
}

function failedBy<O>(
  { log }: Pick<SyncContext, "log">,
  { gate, problem, todo, line }: Extract<Verdict, { kind: "failed" }>,
  output?: Partial<O>,
): StepOutcome<O> {
  log(line);
  return failed<O>({ ...failureOf(new GantryError("gate-failed", { gate, problem, todo })), line }, output);
}

/** Argo CD answered, so this is no outage, and the tolerated time is over. */
function unavailable({ name }: ArgocdSystem, app: string, problem: string): StepOutcome<never> {
  const error = new GantryError("system-unavailable", { system: name, what: `compare app ${app}`, problem });
  return { kind: "errored", failure: failureOf(error), retryable: true };
}

/** The memo after a look that found no error. */
function calmed(memo: Memo): JsonValue {
  return { looks: memo.looks + 1 };
}

/** Without the fields that are undefined, which JSON does not have. */
function asJson(memo: Readonly<Record<string, unknown>>): JsonValue {
  return JSON.parse(JSON.stringify(memo)) as JsonValue;
}

/** Memos of earlier versions have a boolean. */
function refreshOf({ refresh }: Memo): Refresh | undefined {
  if (refresh === false) return undefined;
  return refresh === true ? "normal" : refresh;
}

async function seen(client: ArgoCd, context: SyncContext, refresh?: Refresh): Promise<Application> {
  const { app, project, system: name } = context.input;
  const found = await client.getApplication(app, project, refresh);
  if (found) return found;
  throw new GantryError("system-refused", {
    system: context.system("argocd", name).name,
    what: `look at app ${app}`,
    problem: `There is no app ${app} in project ${project}, or the account may not see it.`,
  });
}

/** The live resources if the app is not healthy: they show the reason. */
async function nodesOf(client: ArgoCd, app: Application, { project }: PlaceInput): Promise<readonly TreeNode[]> {
  const health = app.status.health?.status;
  if (health !== "Degraded" && health !== "Progressing") return [];
  return client.tree(app.metadata.name, project);
}

/** The image to wait for. Its use is asked for only where the app is healthy and none of its pods runs the image. */
async function imageToAwait(
  client: ArgoCd,
  app: Application,
  { image: given, project }: z.output<typeof waitInput>,
): Promise<{ readonly image: string | undefined; readonly use?: ImageUse }> {
  const images = typeof given === "string" ? [given] : (given ?? []);
  const running = app.status.summary?.images ?? [];
  const isRunning = (image: string): boolean => running.some((one) => sameImage(one, image));
  const [first, ...more] = images.filter((image) => !isRunning(image));
  if (first === undefined) return { image: images[0] };
  if (running.length === 0 || app.status.health?.status !== "Healthy") return { image: first };
  const resources = await client.managedResources(app.metadata.name, project);
  return pendingImage([first, ...more], resources, images.filter(isRunning));
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

/** Milliseconds until the next check, by the number of checks so far: 250 at first, 2,000 later. */
function pauseMs(looks: number): number {
  return Math.round(backoffMs(LOOKS, looks + 1));
}

const LOOKS = { firstMs: 250, maxMs: 2_000, factor: 1.4, jitter: "none" } as const;

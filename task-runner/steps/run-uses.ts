// A `uses:` step: finds its implementation, gives it its input and the systems that it may use, and calls it until it has
// ended.

import { namesOf } from "@gantry/core/app/apps-may.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import { workOfStep } from "@gantry/core/pipeline/work.ts";
import { failed, failureOf, type StepOutcome, succeeded } from "@gantry/core/step/outcome.ts";
import { type Resource, resourceInWords } from "@gantry/core/step/resource.ts";
import type { AnyStep, StepContext } from "@gantry/core/step/step.ts";
import { truncate } from "@gantry/core/truncate.ts";
import { type Backoff, backoffMs } from "@gantry/runtime/backoff.ts";
import { pause } from "@gantry/runtime/clock.ts";
import { guardFor } from "@gantry/runtime/http/guarded-fetch.ts";
import { problemsInWords, problemsOf } from "@gantry/runtime/http/problem.ts";
import { z } from "zod";
import { stepArtifacts } from "../artifacts/step-artifacts.ts";
import { stepCaches } from "../artifacts/step-caches.ts";
import { isRetryable } from "../ports.ts";
import { confiningExec } from "./confined.ts";
import { outsideApp } from "./decide-outside.ts";
import { createEffect } from "./effect.ts";
import { requireForkInput, requireForkResources } from "./fork-limits.ts";
import type { JobStep } from "./job-context.ts";
import { requireWork } from "./required-work.ts";
import { libraryEnv } from "./script-env.ts";
import { isRefusal, reportRetry, type StepResult, type StepRun, toGantryError } from "./step-run.ts";
import { renderWithSecrets } from "./step-scope.ts";
import { systemFetch } from "./system-fetch.ts";
import { resolveSystems, warnOfInsecure } from "./systems.ts";

type UsesAction = Extract<JobStep["action"], { kind: "uses" }>;

type UndoAction = Extract<JobStep["action"], { kind: "undo" }>;

/** Throws a GantryError, the signal's reason, or the error of a bug; the caller turns it into an outcome. */
export async function runUses(run: StepRun, action: UsesAction): Promise<StepResult> {
  const step = await loadStep(run, action.uses);
  const given = await renderWithSecrets(run.job, action.with as JsonObject, run.scope, run.step.title);
  requireForkInput(run.job, run.step, given);
  const { input, acts } = checkInput(run, step, given);
  const result = orSkipped(run, await callUntilEnded(run, step, await prepare(run, step, input)));
  if (result.outcome === "succeeded") run.job.made.push(...acts.filter(({ access }) => access === "create"));
  return result;
}

/** Takes back what a step of an earlier task made. Throws like `runUses`. */
export async function runUndo(run: StepRun, { uses, with: given, output, begun }: UndoAction): Promise<StepResult> {
  const step = await loadStep(run, uses);
  const { undo } = step;
  const recorded = begun === undefined ? z.safeParse(step.output, output) : undefined;
  if (!undo || recorded?.success === false)
    throw new GantryError("bad-input", { step: step.name, problem: "Its recorded output does not say what to undo." });
  let kept: string | undefined;
  const undoing: AnyStep = {
    ...step,
    output: z.object({}),
    run: async (context) => {
      const made = recorded ? recorded.data : await undo.find(asBegun(context, begun), begun?.result);
      if (typeof made === "string") kept = made;
      // The output is of this step, or was checked with its schema.
      else await undo.remove(context, made as never);
      return succeeded({});
    },
  };
  const isOurs = begun !== undefined || z.object({ created: z.literal(true) }).safeParse(output).success;
  const { input } = checkInput(run, step, given as JsonObject, isOurs && isFromPlatform(run));
  const result = await callUntilEnded(run, undoing, await prepare(run, undoing, input));
  if (kept === undefined || result.outcome !== "succeeded") return result;
  run.log.line(`[gantry] ${kept}`);
  return { outcome: "skipped", outputs: {}, reason: run.job.masker.text(`Nothing was deleted: ${kept}.`) };
}

/** What was made carries the marks of the task that began it. */
function asBegun(context: StepContext<never>, begun: UndoAction["begun"]): StepContext<never> {
  const { task: id = context.task.id, requestedAtMs = context.task.requestedAtMs } = begun ?? {};
  return { ...context, task: { ...context.task, id, requestedAtMs } };
}

/** With `missingSystem: skip`, a step that did not find its system is skipped. It has changed nothing. */
function orSkipped({ step, log }: StepRun, result: StepResult): StepResult {
  const { outcome, failure } = result;
  if (step.missingSystem !== "skip" || outcome !== "errored" || failure?.code !== "system-missing") return result;
  log.line(`[gantry] skipped: ${failure.message}`);
  return { outcome: "skipped", outputs: {}, reason: failure.message };
}

async function loadStep({ job }: StepRun, name: string): Promise<AnyStep> {
  const { steps } = job.environment;
  const load = Object.hasOwn(steps, name) ? steps[name] : undefined;
  if (!load) throw new GantryError("step-unknown", { step: name });
  const step = await load();
  requireWork(job, workOfStep(step));
  return step;
}

/**
 * Throws `bad-input`, and `outside-app` unless the input names what the task may use. In that case nothing of the step has
 * run.
 */
function checkInput(
  run: StepRun,
  step: AnyStep,
  given: JsonObject,
  isAllowed = false,
): { readonly input: unknown; readonly acts: readonly Resource[] } {
  const input = parseInput(step, given);
  const acts = step.acts(input as never);
  if (!isAllowed) requireInside(run, step.name, acts);
  return { input, acts };
}

function requireInside({ job, step: own }: StepRun, step: string, acts: readonly Resource[]): void {
  const { scope } = own;
  const { config } = job.environment;
  const problem = outsideApp({ spec: job.spec, isSiteWide: scope === "site", config, made: job.made }, acts);
  if (problem === undefined) {
    requireForkResources(job, own, acts);
    return;
  }
  const what = acts.map(resourceInWords).slice(0, 5).join(", ");
  throw new GantryError("outside-app", { step, what: what || "the credentials of the site", problem });
}

/** The task-agent made this job from its own record of what an earlier task had created or begun. */
function isFromPlatform({ job }: StepRun): boolean {
  return job.spec.definition?.origin === "platform";
}

async function prepare(run: StepRun, step: AnyStep, input: unknown): Promise<StepContext<never>> {
  const { job, limitTo } = run;
  const { config, secrets } = job.environment;
  if (run.step.timeoutMs === undefined) limitTo(step.timeoutMs);
  const systems = await resolveSystems(config, step, secrets, job.masker);
  return contextOf(run, step, input, warnOfInsecure(systems, run.log.line));
}

/** The retry count starts again after each sign of progress: an answer `waiting` is one. */
async function callUntilEnded(run: StepRun, step: AnyStep, context: StepContext<never>): Promise<StepResult> {
  const { clock, random } = run.job.environment.deps;
  let memo: JsonValue | undefined;
  let lastReason: string | undefined;
  let tries = 0;
  for (;;) {
    const outcome = await callOnce(run, step, { ...context, memo });
    if (outcome.kind === "succeeded") return { outcome: "succeeded", outputs: checkOutput(step, outcome.output) };
    if (outcome.kind === "failed")
      return { outcome: "failed", outputs: (outcome.output ?? {}) as JsonObject, failure: outcome.failure };
    run.signal.throwIfAborted();
    if (outcome.kind === "waiting") {
      ({ memo } = outcome);
      tries = 0;
      if (outcome.reason !== lastReason) reportWaiting(run, outcome.reason, outcome.retryAfterMs);
      lastReason = outcome.reason;
      await pause(clock, outcome.retryAfterMs, run.signal);
      run.signal.throwIfAborted();
      continue;
    }
    tries += 1;
    if (!outcome.retryable || tries > step.retry.max) {
      return { outcome: "errored", outputs: {}, failure: outcome.failure };
    }
    const wait = Math.round(backoffMs(backoffOf(step.retry), tries, random()));
    reportRetry(run, tries, outcome.failure, wait);
    await pause(clock, wait, run.signal);
    run.signal.throwIfAborted();
  }
}

function backoffOf({ delayMs, maxDelayMs }: AnyStep["retry"]): Backoff {
  return { firstMs: delayMs, maxMs: maxDelayMs, jitter: "half" };
}

async function callOnce(run: StepRun, step: AnyStep, context: StepContext<never>): Promise<StepOutcome<JsonObject>> {
  try {
    return await step.run(context);
  } catch (error) {
    run.signal.throwIfAborted();
    const known = toGantryError(run.job, run.step, error);
    if (isRefusal(known)) return failed(failureOf(known));
    return { kind: "errored", failure: failureOf(known), retryable: isRetryable(known) };
  }
}

/** Called when the reason changes, not at every call of the step. */
function reportWaiting(run: StepRun, reason: string, retryAfterMs: number): void {
  const { job, step, log } = run;
  const text = truncate(job.masker.text(reason), 1_000);
  log.line(`[gantry] waiting: ${text}`);
  const waitMs = Math.max(0, Math.round(retryAfterMs));
  job.emit({
    kind: "progress",
    progress: { kind: "step-waiting", step: step.id, reason: text, retryAfterMs: waitMs },
  });
}

function parseInput(step: AnyStep, given: JsonObject): unknown {
  const parsed = z.safeParse(step.input, given);
  if (parsed.success) return parsed.data;
  const problems = problemsOf(parsed.error, given, "/with", "the input");
  throw new GantryError("bad-input", { step: step.name, problem: problemsInWords(problems) }, { problems });
}

/** Throws `internal` when a step does not keep to its own output schema. */
function checkOutput(step: AnyStep, output: JsonObject): JsonObject {
  const parsed = z.safeParse(step.output, output);
  if (parsed.success) return parsed.data as JsonObject;
  const problem = problemsInWords(problemsOf(parsed.error, output));
  throw new GantryError("internal", {
    problem: `The output of ${step.name} does not match its declaration: ${problem}.`,
  });
}

function contextOf(
  run: StepRun,
  step: AnyStep,
  input: unknown,
  system: StepContext<never>["system"],
): StepContext<never> {
  const { job, log, signal } = run;
  const { ref, spec, folders, environment } = job;
  const { deps } = environment;
  const { systems, outbound } = environment.config;
  const fetchSystem = systemFetch(deps.fetch, systems, outbound.allow);
  return {
    input: input as never,
    memo: undefined,
    task: {
      id: ref.task,
      pipeline: spec.pipeline,
      app: spec.app,
      formerNames: formerNamesOf(spec.scope),
      job: ref.job,
      step: run.step.id,
      site: spec.site,
      requestedBy: spec.requestedBy,
      requestedAtMs: spec.requestedAtMs,
      url: spec.taskUrl,
      ...(spec.fork ? { forkCommit: spec.fork.commit } : {}),
    },
    workspace: folders.workspace,
    home: folders.home,
    cache: environment.cache,
    system,
    log: (line) => log.line(line),
    failingLine: () => (run.failing.isError() ? run.failing.line() : undefined),
    exec: confiningExec(run),
    environment: libraryEnv(environment.path, folders, deps.env),
    artifacts: stepArtifacts(run),
    caches: stepCaches(run),
    effect: createEffect({
      step: { id: run.step.id, uses: step.name, effects: step.effects },
      permits: job.permits,
      masker: job.masker,
      clock: deps.clock,
      signal,
    }),
    checkoutLimits: { mb: environment.config.limits.checkoutMb, files: environment.config.limits.checkoutFiles },
    require: (resource) => requireInside(run, step.name, [resource]),
    // Also stops a step that does not pass on its signal.
    fetch: (address, init) => {
      const signals = init?.signal ? [signal, init.signal] : [signal];
      return fetchSystem(address, { ...init, signal: AbortSignal.any(signals) });
    },
    checkHost: guardFor(outbound.allow).check,
    signal,
    nowMs: deps.clock.nowMs,
  };
}

/** Of the app in the scope of the job. */
function formerNamesOf(scope: unknown): readonly string[] {
  const parsed = z.object({ app: z.object({ name: z.string(), formerNames: z.unknown() }) }).safeParse(scope);
  return parsed.success ? namesOf(parsed.data.app.name, parsed.data.app).slice(1) : [];
}

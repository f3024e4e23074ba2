// A `uses:` step: finds it, gives it its input and what it may use of the site, calls it until it has ended.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import { type Failure, failureOf, type StepOutcome } from "@gantry/core/step/outcome.ts";
import type { AnyStep, StepContext } from "@gantry/core/step/step.ts";
import { halfJitter } from "@gantry/runtime/backoff.ts";
import { problemsOf } from "@gantry/runtime/http/problem.ts";
import { duration } from "../attempts/stop.ts";
import { isRetryable, pause } from "../ports.ts";
import { clip, clipFailure } from "./clip.ts";
import { createEffect } from "./effect.ts";
import type { JobStep } from "./job-context.ts";
import { execOf, expected, type StepResult, type StepRun } from "./run-step.ts";
import { surroundings } from "./script-env.ts";
import { renderWithSecrets } from "./step-scope.ts";
import { systemFetch } from "./system-fetch.ts";
import { resolveSystems, warnOfInsecure } from "./systems.ts";

type UsesAction = Extract<JobStep["action"], { kind: "uses" }>;

/** Throws what the outcome must be made of: a GantryError, the signal's reason, or a bug. */
export async function runUses(run: StepRun, action: UsesAction): Promise<StepResult> {
  const { job, scope, limitTo } = run;
  const load = Object.hasOwn(job.site.steps, action.uses) ? job.site.steps[action.uses] : undefined;
  if (!load) throw new GantryError("step-unknown", { step: action.uses });
  const step = await load();
  if (run.step.timeoutMs === undefined) limitTo(step.timeoutMs);
  const input = parseInput(step, await renderWithSecrets(job, action.with as JsonObject, scope));
  const systems = await resolveSystems(job.site.config, step, job.site.secrets, job.masker);
  const context = contextOf(run, step, input, warnOfInsecure(systems, run.log.line));
  return callUntilEnded(run, step, context);
}

/** Retries count from the last sign of progress: an answer `waiting` is one. */
async function callUntilEnded(run: StepRun, step: AnyStep, context: StepContext<never>): Promise<StepResult> {
  const { clock, random } = run.job.site.deps;
  let memo: JsonValue | undefined;
  let told: string | undefined;
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
      if (outcome.reason !== told) tellWaiting(run, outcome.reason, outcome.retryAfterMs);
      told = outcome.reason;
      await pause(clock, outcome.retryAfterMs, run.signal);
      continue;
    }
    tries += 1;
    if (!outcome.retryable || tries > step.retry.max) {
      return { outcome: "errored", outputs: {}, failure: outcome.failure };
    }
    const wait = halfJitter(tries, step.retry, random());
    tellRetrying(run, tries, outcome.failure, wait);
    await pause(clock, wait, run.signal);
  }
}

async function callOnce(run: StepRun, step: AnyStep, context: StepContext<never>): Promise<StepOutcome<JsonObject>> {
  try {
    return await step.run(context);
  } catch (error) {
    run.signal.throwIfAborted();
    const known = expected(run.job, run.step, error);
    return { kind: "errored", failure: failureOf(known), retryable: isRetryable(known) };
  }
}

/** JobEvents when the reason changes, not at every look. */
function tellWaiting(run: StepRun, reason: string, retryAfterMs: number): void {
  const { job, step, log } = run;
  const text = clip(job.masker.text(reason), 1_000);
  log.line(`[gantry] waiting: ${text}`);
  job.tell({ kind: "step-waiting", step: step.id, reason: text, retryAfterMs: Math.max(0, Math.round(retryAfterMs)) });
}

function tellRetrying(run: StepRun, attempt: number, failure: Failure, retryAfterMs: number): void {
  const { job, step, log } = run;
  const told = clipFailure(job.masker.json(failure));
  log.line(`[gantry] ${told.message} ${told.why ?? ""} Trying again in ${duration(retryAfterMs)}.`);
  job.tell({ kind: "step-retrying", step: step.id, attempt, failure: told, retryAfterMs });
}

function parseInput(step: AnyStep, given: JsonObject): unknown {
  const parsed = step.input.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = problemsOf(parsed.error, "/with");
  const problem = problems.map(({ pointer, detail }) => `${pointer}: ${detail}`).join(" ");
  throw new GantryError("bad-input", { step: step.name, problem }, { problems });
}

function checkOutput(step: AnyStep, output: JsonObject): JsonObject {
  const parsed = step.output.safeParse(output);
  if (parsed.success) return parsed.data as JsonObject;
  const problem = problemsOf(parsed.error).map(({ pointer, detail }) => `${pointer}: ${detail}`);
  throw new GantryError("internal", {
    problem: `The output of ${step.name} is not what it declares: ${problem.join(" ")}`,
  });
}

function contextOf(
  run: StepRun,
  step: AnyStep,
  input: unknown,
  system: StepContext<never>["system"],
): StepContext<never> {
  const { job, log, signal } = run;
  const { ref, spec, folders, site } = job;
  const fetchSystem = systemFetch(site.deps.fetch, site.config.systems);
  return {
    input: input as never,
    memo: undefined,
    task: {
      id: ref.task,
      pipeline: spec.pipeline,
      app: spec.app,
      job: ref.job,
      step: run.step.id,
      site: spec.site,
      requestedBy: spec.requestedBy,
      requestedAtMs: spec.requestedAtMs,
      url: spec.taskUrl,
    },
    workspace: folders.workspace,
    home: folders.home,
    cache: site.cache,
    system,
    log: (line) => log.line(line),
    exec: execOf(run, folders.workspace),
    environment: surroundings(site.path, folders, site.deps.env),
    effect: createEffect({
      step: { id: run.step.id, uses: step.name, effects: step.effects },
      permits: job.permits,
      masker: job.masker,
      clock: site.deps.clock,
      signal,
    }),
    // A step that forgets the signal is stopped all the same.
    fetch: (address, init) => {
      const signals = init?.signal ? [signal, init.signal] : [signal];
      return fetchSystem(address, { ...init, signal: AbortSignal.any(signals) });
    },
    signal,
    nowMs: site.deps.clock.nowMs,
  };
}

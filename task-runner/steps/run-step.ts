// Runs one step of a job: log, time limit, outcome, and what people are told.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import { type Failure, failureOf } from "@gantry/core/step/outcome.ts";
import type { Exec } from "@gantry/core/step/step.ts";
import type { Outcome } from "@gantry/core/task/states.ts";
import { pause } from "@gantry/runtime/clock.ts";
import { refFields } from "../attempts/refs.ts";
import { ABANDON_MS, DEFAULT_GRACE_MS, KILL_LIMIT_MS, outcomeOf, Stopped, timedOut } from "../attempts/stop.ts";
import type { LogSpool } from "../logs/log-spool.ts";
import { isCode } from "../ports.ts";
import { boundedOutputs, clipFailure, type WireObject } from "./clip.ts";
import type { StepEnd } from "./decide-job.ts";
import { createExec } from "./exec.ts";
import { findFailingLine } from "./failing-line.ts";
import type { JobContext, JobStep } from "./job-context.ts";
import { runScript } from "./run-script.ts";
import { runUses } from "./run-uses.ts";
import { baseEnv, pipelineEnv } from "./script-env.ts";
import { renderWithSecrets } from "./step-scope.ts";

/** What one step has, besides what its job has. */
export type StepRun = {
  readonly job: JobContext;
  readonly step: JobStep;
  readonly scope: JsonObject;
  readonly log: LogSpool;
  /** Aborted with a Stopped. */
  readonly signal: AbortSignal;
  readonly env: Readonly<Record<string, string>>;
  readonly failingLine: () => string | undefined;
  readonly limitTo: (ms: number) => void;
  /** How many programs of the step there are now. */
  readonly programs: { running: number };
};

export type StepResult = { readonly outcome: Outcome; readonly outputs: JsonObject; readonly failure?: Failure };
/** With outputs that are masked and within limits. */
type JudgedResult = StepResult & { readonly outputs: WireObject };

export async function runStep(
  job: JobContext,
  step: JobStep,
  scope: JsonObject,
  signal: AbortSignal,
): Promise<StepEnd> {
  const { clock } = job.site.deps;
  const start = clock.monotonicMs();
  job.tell({ kind: "step-started", step: step.id });
  const failing = findFailingLine();
  const log = await job.openLog(step.id, failing.push);
  const limit = new AbortController();
  let cancelLimit = (): void => {};
  const limitTo = (ms: number): void => {
    cancelLimit();
    const left = ms - (clock.monotonicMs() - start);
    job.onLimit({ title: step.title, ms });
    cancelLimit = clock.after(left, () => limit.abort(timedOut(`The step “${step.title}”`, ms)));
  };
  if (step.timeoutMs !== undefined) limitTo(step.timeoutMs);
  const result = await judged(job, step, log, {
    scope,
    limitTo,
    signal: AbortSignal.any([signal, limit.signal]),
    failingLine: failing.line,
    programs: { running: 0 },
  });
  cancelLimit();
  job.onLimit(undefined);
  await log.close();
  const { outcome, outputs } = result;
  const failure = result.failure && clipFailure(job.masker.json(result.failure));
  job.tell({
    kind: "step-ended",
    step: step.id,
    outcome,
    durationMs: Math.max(0, Math.round(clock.monotonicMs() - start)),
    ...(Object.keys(outputs).length > 0 ? { outputs } : {}),
    ...(failure ? { failure } : {}),
  });
  return { step: step.id, title: step.title, outcome, outputs, ...(failure ? { failure } : {}) };
}

type Around = Pick<StepRun, "scope" | "limitTo" | "signal" | "failingLine" | "programs">;

/** Whatever happens inside becomes a result. */
async function judged(job: JobContext, step: JobStep, log: LogSpool, around: Around): Promise<JudgedResult> {
  const { signal } = around;
  try {
    const result = await unlessAbandoned(job, act(job, step, log, around), around);
    return { ...result, outputs: boundedOutputs(job.masker.json(result.outputs)) };
  } catch (error) {
    const stopped: unknown = signal.reason;
    if (stopped instanceof Stopped) {
      log.line(`[gantry] ${stopped.message}`);
      const failure = isCode(error, "kill-failed") ? failureOf(error) : stopped.failure;
      return { outcome: outcomeOf(stopped), outputs: {}, ...(failure ? { failure } : {}) };
    }
    const failure = failureOf(expected(job, step, error));
    log.line(`[gantry] ${[failure.message, failure.why].filter(Boolean).join(" ")}`);
    return { outcome: "errored", outputs: {}, failure };
  }
}

async function act(job: JobContext, step: JobStep, log: LogSpool, around: Around): Promise<StepResult> {
  const { path } = job.site;
  const given = { ...(job.spec.env as JsonObject), ...(step.env as JsonObject) };
  const pipeline = pipelineEnv(await renderWithSecrets(job, given, around.scope), step.title);
  const env = { ...pipeline, ...baseEnv(job.ref, job.spec, step.id, job.folders, path) };
  const run: StepRun = { ...around, job, step, log, env };
  return step.action.kind === "uses" ? runUses(run, step.action) : runScript(run, step.action);
}

/** A GantryError as it is; anything else is a mistake of ours, and where it happened is for the runner's own log. */
export function expected(job: JobContext, step: JobStep, error: unknown): GantryError {
  if (error instanceof GantryError) return error;
  const stack = job.masker.text(error instanceof Error ? (error.stack ?? error.message) : String(error));
  job.site.deps.logger.error({ ...refFields(job.ref), step: step.id, stack }, "a step failed unexpectedly");
  const problem = job.masker.text(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  return new GantryError("internal", { problem });
}

/** The programs of one step, in its environment and to its log. */
export function execOf(run: Pick<StepRun, "job" | "log" | "env" | "signal" | "programs">, cwd: string): Exec {
  const { job, log, env, signal, programs } = run;
  const { deps } = job.site;
  const exec = createExec({
    clock: deps.clock,
    programs: deps.programs,
    logger: deps.logger,
    signal,
    cwd,
    env,
    stdout: (bytes) => log.write("stdout", bytes),
    stderr: (bytes) => log.write("stderr", bytes),
    onGroup: job.onGroup,
    onGroupGone: job.onGroupGone,
    onSurvivor: (pgid) => {
      job.onSurvivor(pgid);
      throw new GantryError("kill-failed", { runner: job.site.config.name });
    },
  });
  return async (argv, options) => {
    programs.running += 1;
    try {
      return await exec(argv, options);
    } finally {
      programs.running -= 1;
    }
  };
}

/** Waits for work that was told to stop, but not for ever. */
async function unlessAbandoned<T>(job: JobContext, work: Promise<T>, { signal, programs }: Around): Promise<T> {
  const ended = new AbortController();
  const abandon = new Promise<never>((_, reject) => {
    const wait = async (): Promise<void> => {
      const graceMs = signal.reason instanceof Stopped ? signal.reason.graceMs : DEFAULT_GRACE_MS;
      const { clock } = job.site.deps;
      await pause(clock, graceMs + ABANDON_MS, ended.signal);
      if (programs.running > 0) await pause(clock, KILL_LIMIT_MS, ended.signal);
      if (!ended.signal.aborted) {
        job.site.deps.logger.warn(refFields(job.ref), "a step did not stop and is left alone");
        job.onAbandoned();
      }
      reject(signal.reason);
    };
    if (signal.aborted) void wait();
    else signal.addEventListener("abort", () => void wait(), { once: true, signal: ended.signal });
  });
  // Rejects after the work has ended, too; nobody listens then.
  abandon.catch(() => {});
  try {
    return await Promise.race([work, abandon]);
  } finally {
    ended.abort();
  }
}

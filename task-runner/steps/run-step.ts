// Runs one step of a job: its log, time limit, tries, outcome and progress events.

import type { JsonObject } from "@gantry/core/json.ts";
import type { StepProgress as Told } from "@gantry/core/log/progress.ts";
import { decideRetry } from "@gantry/core/pipeline/retry.ts";
import { failureOf } from "@gantry/core/step/outcome.ts";
import { isBad } from "@gantry/core/task/states.ts";
import { pause } from "@gantry/runtime/clock.ts";
import type { StepProgress } from "@gantry/wire/runner/protocol.ts";
import { refFields } from "../attempts/refs.ts";
import { ABANDON_MS, DEFAULT_GRACE_MS, KILL_LIMIT_MS, outcomeOf, Stopped, timedOut } from "../attempts/stop.ts";
import { type LogSpool, openSpool } from "../logs/log-spool.ts";
import { type StepCommands, watchCommands } from "../logs/step-commands.ts";
import { sendSummary } from "../logs/step-summary.ts";
import { isCode } from "../ports.ts";
import { boundedOutputs, clipFailure, type WireObject } from "./clip.ts";
import type { StepEnd } from "./decide-job.ts";
import { findFailingLine } from "./failing-line.ts";
import { requireForkStep } from "./fork-limits.ts";
import type { JobContext, JobStep } from "./job-context.ts";
import { runScript } from "./run-script.ts";
import { runUndo, runUses } from "./run-uses.ts";
import { baseEnv, libraryEnv, pipelineEnv } from "./script-env.ts";
import { isRefusal, reportRetry, type StepResult, type StepRun, toGantryError } from "./step-run.ts";
import { renderWithSecrets } from "./step-scope.ts";

/** Its outputs are masked and within the limits of the protocol. */
type CheckedResult = StepResult & {
  readonly outputs: WireObject;
  /** It was abandoned, or its programs survived SIGKILL. */
  readonly mayStillRun?: boolean;
};

/** Rejects only when the log cannot be opened or closed; every other failure is an outcome. */
export async function runStep(
  job: JobContext,
  step: JobStep,
  scope: JsonObject,
  signal: AbortSignal,
): Promise<StepEnd> {
  const { clock } = job.environment.deps;
  const start = clock.monotonicMs();
  job.emit({ kind: "progress", progress: { kind: "step-started", step: step.id } });
  let failing = findFailingLine();
  const commands = stepCommands(job, step);
  const log = await openStepLog(job, step, commands, (bytes) => failing.push(bytes));
  const tryOnce = async (tryNumber: number): Promise<CheckedResult> => {
    failing = findFailingLine();
    commands.startTry();
    const limit = startLimit(job, step);
    const result = await checkedResult(job, step, log, {
      scope,
      tryNumber,
      limitTo: limit.set,
      signal: AbortSignal.any([signal, limit.signal]),
      failing,
      programs: { running: 0 },
    });
    limit.end();
    log.endLines();
    return result;
  };
  const { outcome, outputs, summary, ...result } = await tryUntilEnded({ job, step, log, signal }, tryOnce);
  // Not after a stop of the job, and not while code of the step may still run.
  const isTolerated = step.continueOnError === true && isBad(outcome) && !signal.aborted && !result.mayStillRun;
  const tolerated = isTolerated ? ({ tolerated: true } as const) : {};
  if (isTolerated) log.line(`[gantry] The step ended as ${outcome}. The job goes on, because of continueOnError.`);
  await log.close();
  const said = await whatItSaid(job, step, commands, summary);
  const failure = result.failure && clipFailure(job.masker.json(result.failure));
  const { reason } = result;
  const progress = {
    kind: "step-ended",
    step: step.id,
    outcome,
    durationMs: Math.max(0, Math.round(clock.monotonicMs() - start)),
    ...(Object.keys(outputs).length > 0 ? { outputs } : {}),
    ...(reason === undefined ? {} : { reason }),
    ...(failure ? { failure } : {}),
    ...tolerated,
    ...said,
  } as const;
  job.emit({ kind: "progress", progress });
  return { step: step.id, title: step.title, outcome, outputs, ...(failure ? { failure } : {}), ...tolerated };
}

/** Runs the step again after a bad end as its `retry` says. The signal ends the wait between two tries. */
async function tryUntilEnded(
  { job, step, log, signal }: Pick<StepRun, "job" | "step" | "log" | "signal">,
  tryOnce: (tryNumber: number) => Promise<CheckedResult>,
): Promise<CheckedResult> {
  const { clock, random } = job.environment.deps;
  for (let tries = 1; ; tries += 1) {
    const result = await tryOnce(tries);
    const { outcome, failure } = result;
    const end = { outcome, exitCode: failure?.exitCode, code: failure?.code };
    const waitMs = step.retry && decideRetry(step.retry, end, tries, random());
    // After a stop there is no time for another try, and no try may run while code of this one still runs.
    if (waitMs === undefined || !failure || result.mayStillRun || signal.aborted) return result;
    reportRetry({ job, step, log }, tries, failure, waitMs);
    await pause(clock, waitMs, signal);
    if (signal.reason instanceof Stopped) return stoppedResult(log, signal.reason);
    job.emit({ kind: "progress", progress: { kind: "step-started", step: step.id } });
  }
}

function stepCommands({ masker, commandUse: use, folders, emit }: JobContext, { id }: JobStep): StepCommands {
  const onProgress = (progress: Told): void => emit({ kind: "step-told", step: id, ...progress });
  return watchCommands({ masker, use, workspace: folders.workspace, onProgress });
}

type Said = Pick<StepEndedProgress, "annotations" | "annotationsLeftOut" | "summaryBytes">;
type StepEndedProgress = Extract<StepProgress, { kind: "step-ended" }>;

/** Hands the summary over, and counts what the job has used of its limits. */
async function whatItSaid(
  job: JobContext,
  step: JobStep,
  commands: StepCommands,
  summary: StepResult["summary"],
): Promise<Said> {
  const { items, leftOut } = commands.annotations();
  job.commandUse.annotations += items.length;
  const summaryBytes = summary === undefined ? 0 : await handOver(job, step, summary);
  return {
    ...(items.length > 0 ? { annotations: [...items] } : {}),
    ...(leftOut > 0 ? { annotationsLeftOut: leftOut } : {}),
    ...(summaryBytes > 0 ? { summaryBytes } : {}),
  };
}

async function handOver(job: JobContext, step: JobStep, summary: NonNullable<StepResult["summary"]>): Promise<number> {
  const { emit, masker, folders, commandUse: use, environment } = job;
  const index = indexOf(job, step);
  const to = { files: environment.deps.files, folder: folders.logs, index, step: step.id, masker, emit };
  const bytes = await sendSummary(summary, { ...to, used: use.summaries });
  use.summaries += bytes;
  return bytes;
}

function indexOf(job: JobContext, step: JobStep): number {
  return job.spec.steps.findIndex(({ id }) => id === step.id);
}

function openStepLog(
  job: JobContext,
  step: JobStep,
  commands: StepCommands,
  onBytes: (bytes: Uint8Array) => void,
): Promise<LogSpool> {
  const { files, logger } = job.environment.deps;
  const { emit, masker, folders } = job;
  return openSpool({
    files,
    folder: folders.logs,
    index: indexOf(job, step),
    step: step.id,
    masker,
    logger,
    emit,
    commands,
    onBytes,
  });
}

/** The time limit of one try. Its signal is aborted when the time is up. */
function startLimit(
  job: JobContext,
  step: JobStep,
): { readonly signal: AbortSignal; readonly set: StepRun["limitTo"]; readonly end: () => void } {
  const { clock } = job.environment.deps;
  const start = clock.monotonicMs();
  const control = new AbortController();
  let cancel = (): void => {};
  const set = (ms: number): void => {
    cancel();
    const left = ms - (clock.monotonicMs() - start);
    job.emit({ kind: "step-limit", limit: { title: step.title, ms } });
    cancel = clock.after(left, () => control.abort(timedOut(`The step “${step.title}”`, ms)));
  };
  if (step.timeoutMs !== undefined) set(step.timeoutMs);
  const end = (): void => {
    cancel();
    job.emit({ kind: "step-limit", limit: undefined });
  };
  return { signal: control.signal, set, end };
}

type StepBase = Pick<StepRun, "scope" | "tryNumber" | "limitTo" | "signal" | "failing" | "programs">;

/** Never rejects: every error becomes a result. */
async function checkedResult(job: JobContext, step: JobStep, log: LogSpool, base: StepBase): Promise<CheckedResult> {
  const { signal } = base;
  try {
    const result = await unlessAbandoned(job, execute(job, step, log, base), base);
    return { ...result, outputs: boundedOutputs(job.masker.json(result.outputs)) };
  } catch (error) {
    const stopped: unknown = signal.reason;
    if (stopped instanceof Stopped) {
      const result = stoppedResult(log, stopped);
      if (isCode(error, "kill-failed")) return { ...result, failure: failureOf(error), mayStillRun: true };
      return error instanceof Abandoned ? { ...result, mayStillRun: true } : result;
    }
    const mayStillRun = isCode(error, "kill-failed");
    const known = toGantryError(job, step, error);
    const failure = failureOf(known);
    log.line(`[gantry] ${[failure.message, failure.why].filter(Boolean).join(" ")}`);
    const outcome = isRefusal(known) ? "failed" : "errored";
    return { outcome, outputs: {}, failure, ...(mayStillRun ? { mayStillRun } : {}) };
  }
}

function stoppedResult(log: LogSpool, stopped: Stopped): CheckedResult {
  log.line(`[gantry] ${stopped.message}`);
  return { outcome: outcomeOf(stopped), outputs: {}, ...(stopped.failure ? { failure: stopped.failure } : {}) };
}

/** The step did not stop in time: its code may still run. */
class Abandoned extends Error {}

async function execute(job: JobContext, step: JobStep, log: LogSpool, base: StepBase): Promise<StepResult> {
  requireForkStep(job, step);
  const { path, deps, config } = job.environment;
  const templates = { ...(job.spec.env as JsonObject), ...(step.env as JsonObject) };
  const fromPipeline = pipelineEnv(await renderWithSecrets(job, templates, base.scope, step.title), step.title);
  const ofJob = baseEnv(job.ref, job.spec, step.id, job.folders, path);
  const ownEnv = { ...libraryEnv(path, job.folders, deps.env), ...ofJob };
  const run: StepRun = { ...base, job, step, log, env: { ...config.scriptEnv, ...fromPipeline, ...ofJob }, ownEnv };
  if (step.action.kind === "undo") return runUndo(run, step.action);
  return step.action.kind === "uses" ? runUses(run, step.action) : runScript(run, step.action);
}

/** Waits for the work. After a stop it waits only for a limited time, then it rejects with an `Abandoned`. */
async function unlessAbandoned<T>(job: JobContext, work: Promise<T>, { signal, programs }: StepBase): Promise<T> {
  const { clock, logger } = job.environment.deps;
  const ended = new AbortController();
  const abandoned = new Promise<never>((_, reject) => {
    const wait = async (): Promise<void> => {
      const graceMs = signal.reason instanceof Stopped ? signal.reason.graceMs : DEFAULT_GRACE_MS;
      await pause(clock, graceMs + ABANDON_MS, ended.signal);
      if (programs.running > 0) await pause(clock, KILL_LIMIT_MS, ended.signal);
      if (!ended.signal.aborted) {
        logger.warn(refFields(job.ref), "a step did not stop in time and is abandoned");
        job.emit({ kind: "step-abandoned" });
      }
      reject(new Abandoned());
    };
    if (signal.aborted) void wait();
    else signal.addEventListener("abort", () => void wait(), { once: true, signal: ended.signal });
  });
  // It may reject after the work has ended, when the race is over.
  abandoned.catch(() => {});
  try {
    return await Promise.race([work, abandoned]);
  } finally {
    ended.abort();
  }
}

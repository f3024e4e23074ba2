// Supervises one job in a worker thread. A step may block the thread, exhaust its memory or crash it: then the thread is
// terminated, what it left open is closed, and the job still ends with a result.

import { GantryError } from "@gantry/core/errors.ts";
import { failureOf } from "@gantry/core/step/outcome.ts";
import type { Outcome } from "@gantry/core/task/states.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import { CLEANUP_MS, LONGEST_ABANDON_MS, outcomeOf, Stopped, timedOut } from "../attempts/stop.ts";
import type { Programs } from "../ports.ts";
import type { Files } from "../state/files.ts";
import { clipFailure } from "../steps/clip.ts";
import { cookieOf } from "../steps/script-env.ts";
import type { JobControl, JobEvent, JobRequest, JobResult, StepLimit } from "./job-executor.ts";
import { type OpenResources, trackOpenResources } from "./open-resources.ts";
import { serveArtifacts } from "./remote-artifacts.ts";
import { servePermits } from "./remote-permits.ts";
import { createWatchdog, type Watchdog } from "./watchdog.ts";
import { type FromWorker, plainStop } from "./worker-messages.ts";
import type { WorkerThreadClient } from "./worker-thread-client.ts";

export type SuperviseDeps = { readonly clock: Clock; readonly files: Files; readonly programs: Programs };
/** `isReusable`: the thread can execute another job. */
export type SupervisedResult = { readonly result: JobResult; readonly isReusable: boolean };

/** The thread is pinged from this long after the limit of a step on; without a pong in SILENT_MS it is blocked. */
const LATE_MS = 500;
const SILENT_MS = 1_500;
const SPARE_MS = 5_000;

/** How a job ended: by itself, or because the supervisor terminates its thread. */
type Ending =
  | { readonly kind: "done"; readonly result: JobResult }
  | { readonly kind: "terminate"; readonly outcome: Outcome; readonly why: Stopped | GantryError };

/** Resolves when nothing of the job runs any more. */
export async function superviseJob(
  thread: WorkerThreadClient,
  request: JobRequest,
  control: JobControl,
  deps: SuperviseDeps,
): Promise<SupervisedResult> {
  const { emit, stop, lost } = control;
  const resources = trackOpenResources(emit, deps);
  const permits = servePermits(control.permits, thread.post);
  const artifacts = serveArtifacts(control.artifacts, thread.post);
  const watchdog = createWatchdog(thread, deps.clock);
  /** The first ending counts. */
  const ended = Promise.withResolvers<Ending>();
  let isReusable = true;

  const terminate = (reason: Stopped): void =>
    ended.resolve({ kind: "terminate", outcome: outcomeOf(reason), why: reason });
  const onCrash = (problem: string): void =>
    ended.resolve({ kind: "terminate", outcome: "errored", why: new GantryError("internal", { problem }) });
  const onEvent = (event: JobEvent): void => {
    if (event.kind === "step-limit") watchStepLimit(watchdog, event.limit, terminate);
    if (event.kind === "step-abandoned") isReusable = false;
    resources.track(event);
    emit(event);
  };
  const onMessage = (message: FromWorker): void => {
    if (message.kind === "event") onEvent(message.event);
    else if (message.kind === "pong") watchdog.onPong(message.id);
    else if (message.kind === "crashed") onCrash(message.problem);
    else if (message.kind === "done") ended.resolve(message);
    else if (message.kind === "artifact-save" || message.kind === "artifact-take" || message.kind === "artifact-cancel")
      artifacts.onRequest(message);
    else if (message.kind !== "ready") permits.onRequest(message);
  };
  const ignoreThread = thread.listen({ onMessage, onDeath: onCrash });
  thread.post({ kind: "job", request });
  const ignoreLost = onAbort(lost, (reason) => {
    thread.post({ kind: "lost", reason: plainStop(reason) });
    watchStop(watchdog, reason, 0, terminate);
  });
  const ignoreStop = onAbort(stop, (reason) => {
    thread.post({ kind: "stop", reason: plainStop(reason) });
    watchStop(watchdog, reason, CLEANUP_MS, terminate);
  });

  const ending = await ended.promise;
  ignoreStop();
  ignoreLost();
  watchdog.close();
  permits.close();
  artifacts.close();
  ignoreThread();
  if (ending.kind === "done") return { result: ending.result, isReusable };
  if (!(await thread.terminate())) emit({ kind: "group-survived", pgid: process.pid });
  return { result: await closeResources(resources, request, ending), isReusable: false };
}

/** Closes what a dead thread left open. Returns the result of the job. */
async function closeResources(
  resources: OpenResources,
  { folders }: JobRequest,
  { outcome, why }: Extract<Ending, { kind: "terminate" }>,
): Promise<JobResult> {
  const failure = why instanceof Stopped ? why.failure : failureOf(why);
  const line = why instanceof Stopped ? why.message : `${failure?.message ?? ""} ${failure?.why ?? ""}`;
  await resources.close({ outcome, failure, line, cookie: cookieOf(folders) });
  return { outcome, outputs: {}, ...(failure ? { failure: clipFailure(failure) } : {}) };
}

/** The worker enforces the limit of a step itself, unless the step blocks it. */
function watchStepLimit(watchdog: Watchdog, limit: StepLimit | undefined, onBlocked: (reason: Stopped) => void): void {
  watchdog.watchStep(limit && { limitMs: limit.ms + LATE_MS, silentMs: SILENT_MS }, () => {
    if (limit) onBlocked(timedOut(`The step “${limit.title}”`, limit.ms));
  });
}

/** `cleanupMs`: how long cleanup steps may run after the stop. */
function watchStop(watchdog: Watchdog, reason: Stopped, cleanupMs: number, onBlocked: (reason: Stopped) => void): void {
  watchdog.pingRepeatedly(Math.max(reason.graceMs, SILENT_MS), () => onBlocked(reason));
  watchdog.setEndTimer(reason.graceMs + LONGEST_ABANDON_MS + cleanupMs + SPARE_MS, () => onBlocked(reason));
}

/** Calls `run` when the signal is aborted, or now when it already is. The returned function removes the listener. */
function onAbort(signal: AbortSignal, run: (reason: Stopped) => void): () => void {
  const aborted = (): void => {
    if (!(signal.reason instanceof Stopped)) throw new Error("a job must be stopped with a Stopped");
    run(signal.reason);
  };
  signal.addEventListener("abort", aborted, { once: true });
  if (signal.aborted) aborted();
  return () => signal.removeEventListener("abort", aborted);
}

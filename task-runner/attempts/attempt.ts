// One attempt of a job on this runner: claimed, recorded on disk, started, executed, its result recorded and reported.

import { GantryError } from "@gantry/core/errors.ts";
import { failureOf } from "@gantry/core/step/outcome.ts";
import type { ClaimReply, JobRef, StepProgress, Told } from "@gantry/wire/runner/protocol.ts";
import { artifactCalls } from "../artifacts/artifact-calls.ts";
import { isCode, type Watch } from "../ports.ts";
import { endByCookie } from "../processes/process-group.ts";
import type { RunnerContext } from "../runner-context.ts";
import { type JobFolders, jobFolders, makeJobFolders } from "../state/workspace.ts";
import { clipFailure } from "../steps/clip.ts";
import { cookieOf } from "../steps/script-env.ts";
import type { JobEvent, JobRequest, JobResult } from "../workers/job-executor.ts";
import { type Delivery, deliver, openDelivery } from "./delivery.ts";
import type { Leases } from "./leases.ts";
import { isAhead, type Moment } from "./moment.ts";
import { createPermits } from "./permits.ts";
import { refFields } from "./refs.ts";
import { fenced, lost, outcomeOf, Stopped, timedOut } from "./stop.ts";

/** An attempt as the rest of the runner sees it. */
export type Attempt = {
  readonly ref: JobRef;
  /** Whether the runner wants to keep its lease. */
  readonly isHeld: boolean;
  readonly isStarted: () => boolean;
  /** Whether it failed because this runner cannot work: its disk is full, or its journal cannot be written. */
  readonly isRunnerFailure: () => boolean;
  /** May be called repeatedly, at any time. The first reason counts, except that the end of the lease always ends the work. */
  readonly stop: (reason: Stopped) => void;
  /** Resolves when nothing of the attempt is left; never rejects. */
  readonly done: Promise<void>;
};

export type Claimed = { readonly ref: JobRef; readonly reply: ClaimReply; readonly sent: Moment };

/** What the phases of an attempt share. */
type Run = Claimed & {
  readonly runner: RunnerContext;
  readonly leases: Leases;
  readonly folders: JobFolders;
  readonly delivery: Delivery;
  readonly watch: Watch;
  /** Aborted when the job must stop; cleanup steps may still run. */
  readonly stopping: AbortController;
  /** Aborted when nothing may run any more, not even cleanup steps. */
  readonly over: AbortController;
  readonly stop: Attempt["stop"];
  /** How far the running step is, as its script said last. */
  told: Told | undefined;
  /** Whether the report is recorded and being sent. */
  isReporting: boolean;
};

export function beginAttempt(runner: RunnerContext, leases: Leases, claimed: Claimed): Attempt {
  const run = openRun(runner, leases, claimed);
  const { ref, reply, folders, delivery, watch, over, stop } = run;
  let isStarted = false;
  let isRunnerFailure = false;

  const live = async (): Promise<void> => {
    const { lease, spec } = reply;
    const release = leases.hold(
      { ref, lease, mode: spec.mode, stop, onRenewed: watch.setLimit, told: () => run.told },
      claimed.sent,
    );
    // In parallel with the record and the start request; nothing of the job runs before both are done.
    const foldersReady = makeJobFolders(runner.deps.files, folders);
    // The failure is handled below, where the folders are needed.
    foldersReady.catch(() => {});
    try {
      await runner.disk.commit({ k: "claimed", ref, lease });
      await runner.link.call((client, session, options) => client.start({ session, ref }, options), {
        signal: over.signal,
      });
      isStarted = true;
      await foldersReady;
      await executeAndReport(run, release);
    } catch (error) {
      logEnd(run, error);
      isRunnerFailure = !over.signal.aborted && !isCode(error, "lease-lost");
      if (!over.signal.aborted) await reportFailure(run, error, isStarted);
    } finally {
      release();
      await delivery.logs.done();
      await Promise.allSettled([foldersReady]);
      await cleanUp(run);
      watch.close();
    }
  };
  return {
    ref,
    isHeld: true,
    isStarted: () => isStarted,
    isRunnerFailure: () => isRunnerFailure,
    stop,
    done: live(),
  };
}

function openRun(runner: RunnerContext, leases: Leases, claimed: Claimed): Run {
  const { ref } = claimed;
  const stopping = new AbortController();
  const over = new AbortController();
  const delivery = openDelivery(runner, ref);
  const folders = jobFolders(runner.config.data, ref);
  const watch = runner.guard.watch(folders.root);
  const stop = (reason: Stopped): void => {
    if (reason.kind !== "canceled" && reason.kind !== "timed-out") over.abort(reason);
    delivery.stop(reason);
    stopping.abort(reason);
  };
  return {
    ...claimed,
    runner,
    leases,
    folders,
    delivery,
    watch,
    stopping,
    over,
    stop,
    told: undefined,
    isReporting: false,
  };
}

/** `release` stops renewing the lease. Rejects with a Stopped when the work was cut off, and when the report is refused. */
async function executeAndReport(run: Run, release: () => void): Promise<void> {
  const { runner, ref, delivery, over } = run;
  const end = await execute(run);
  stopIfExpired(run);
  const result = asCutOff(end, over.signal);
  // When the task-agent gets the heartbeats of this runner but not the report, the job must still be given away.
  if (result.failure?.code === "lease-lost") release();
  // Work that was cut off by the end of the lease, or of this process, has not ended.
  if (result.outcome !== "succeeded") delivery.gone.throwIfAborted();
  const report = { ...result, progress: delivery.outbox.count() };
  await runner.disk.commit({ k: "report", ref, report });
  run.isReporting = true;
  await deliver(runner, ref, delivery, report);
}

async function execute(run: Run): Promise<JobResult> {
  const { runner, ref, reply, leases, folders, stopping, over, stop } = run;
  const { deps, disk, link, config, cache, content, path, isolation } = runner;
  const { spec } = reply;
  const onLost = (): void => stop(lost("The task-agent refused a request of this attempt."));
  const request: JobRequest = {
    ref,
    spec,
    folders,
    config: stepConfig(config),
    cache,
    content: content.folder,
    path,
    isolation,
    token: await runner.token(),
    env: { ...deps.env },
  };
  const limit = timedOut(`The job “${spec.title}”`, spec.timeoutMs);
  const cancelLimit = deps.clock.after(spec.timeoutMs, () => stop(limit));
  try {
    return await deps.executor.run(request, {
      emit: (event) => handleEvent(run, event),
      artifacts: artifactCalls({ ref, link, content, onLost }),
      permits: createPermits({ ref, link, disk, deps, leases, lost: over.signal, onLost }),
      stop: stopping.signal,
      lost: over.signal,
    });
  } finally {
    cancelLimit();
  }
}

function handleEvent(run: Run, event: JobEvent): void {
  const { runner, ref, delivery, watch, over } = run;
  const { disk } = runner;
  switch (event.kind) {
    case "progress":
      stopIfExpired(run);
      run.told = undefined;
      delivery.outbox.push(asCutOff(event.progress, over.signal));
      return;
    case "step-told": {
      const { kind: _, ...told } = event;
      run.told = told;
      return;
    }
    case "log-opened":
      disk.note({ k: "log", ref, step: event.step, file: event.file });
      delivery.logs.open(event.step, event.file);
      return;
    case "log-grown":
      delivery.logs.grow(event.step, event.size, event.isClosed);
      return;
    case "group-started":
      watch.addGroup(event.group);
      disk.note({ k: "group", ref, group: event.group });
      return;
    case "group-ended":
      watch.removeGroup(event.pgid);
      disk.note({ k: "group-gone", ref, pgid: event.pgid });
      return;
    case "group-survived":
      runner.onSurvivors();
      return;
    case "runner-log":
      runner.deps.logger[event.level](event.fields, event.text);
      return;
    case "step-limit":
    case "step-abandoned":
      // They matter only to the supervisor of a worker thread.
      return;
  }
}

/**
 * Stops the attempt when its lease has expired. After a suspend, the end of programs that the guard has killed may be
 * reported before the lease timer fires.
 */
function stopIfExpired({ runner, leases, ref, reply, stop }: Run): void {
  const until = leases.until(ref);
  if (until && !isAhead(until, runner.deps.clock)) stop(fenced(reply.lease.selfFenceMs, 0));
}

/** Work that was cut off did not fail by itself, whatever its programs returned. */
function asCutOff<T extends StepProgress | JobResult>(end: T, over: AbortSignal): T {
  if (!("outcome" in end) || end.outcome !== "failed" || !(over.reason instanceof Stopped)) return end;
  const { failure } = over.reason;
  return { ...end, outcome: outcomeOf(over.reason), ...(failure ? { failure: clipFailure(failure) } : {}) };
}

/** The part of the configuration that steps may know. */
function stepConfig({
  name,
  site,
  runs,
  sandbox,
  scriptEnv,
  systems,
  secrets,
  shared,
  limits,
  outbound,
}: RunnerContext["config"]): JobRequest["config"] {
  return { name, site, runs, sandbox, scriptEnv, systems, secrets, shared, limits, outbound };
}

/**
 * An attempt that could not start, or that the runner could not continue, is reported at once: otherwise its job would wait
 * until the lease expires. The task-agent may refuse this report as well, because the lease is over.
 */
async function reportFailure({ runner, ref, delivery }: Run, error: unknown, isStarted: boolean): Promise<void> {
  const isRefused = isCode(error, "lease-lost");
  if (isRefused && isStarted) return;
  const problem = `The runner ${runner.config.name} could not execute this attempt. See the log of the runner for the cause.`;
  const failure = clipFailure(failureOf(new GantryError("internal", { problem })));
  // A start that is refused although the lease is not over: the task was canceled in between.
  const end = isRefused ? { outcome: "canceled" as const } : { outcome: "errored" as const, failure };
  try {
    await deliver(runner, ref, delivery, { ...end, outputs: {}, progress: delivery.outbox.count() });
  } catch (refusal) {
    runner.deps.logger.info({ ...refFields(ref), err: refusal }, "the report of an attempt was no longer wanted");
  }
}

function logEnd({ runner, ref, over, isReporting }: Run, error: unknown): void {
  const { logger } = runner.deps;
  const fields = { ...refFields(ref), err: error };
  const { reason } = over.signal;
  // The task-agent ends the lease when it has the report. A heartbeat may be answered before the report is.
  if (isReporting && reason instanceof Stopped && reason.kind === "lost")
    logger.info({ ...refFields(ref), reason: String(reason) }, "the lease ended before the report was answered");
  else if (over.signal.aborted) logger.warn({ ...refFields(ref), reason: String(reason) }, "an attempt was given up");
  else if (isCode(error, "lease-lost")) logger.info(fields, "an attempt is no longer wanted");
  else logger.error(fields, "an attempt could not be executed");
}

async function cleanUp({ runner, ref, reply, folders, delivery }: Run): Promise<void> {
  const { clock, files, programs, logger } = runner.deps;
  try {
    const killed = await endByCookie(programs, cookieOf(folders), clock);
    if (killed > 0) logger.warn({ ...refFields(ref), killed }, "killed processes that had left their process group");
    await files.remove(folders.root);
    // Artifacts are swept when they are moved; caches are written by the worker thread.
    const hasCaches = reply.spec.steps.some(({ action }) => action.kind === "uses" && action.uses === "cache/save");
    if (hasCaches) await runner.content.sweepIfDue();
    // When the process ends, the next one reports what the task-agent has not received.
    if (delivery.isClosing()) return;
    await files.remove(folders.logs);
    runner.disk.note({ k: "closed", ref });
  } catch (error) {
    // The next start of the runner removes the rest.
    logger.warn({ ...refFields(ref), err: error }, "the folders of an attempt could not be removed");
  }
}

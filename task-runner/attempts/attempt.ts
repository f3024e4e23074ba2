// The life of one attempt of a job on this runner: claimed, on disk, started, run, on disk again, told.

import { GantryError } from "@gantry/core/errors.ts";
import { failureOf } from "@gantry/core/step/outcome.ts";
import type { ClaimReply, JobRef, StepProgress } from "@gantry/wire/runner/protocol.ts";
import { isCode, type Watch } from "../ports.ts";
import { jobFolders, makeJobFolders } from "../state/workspace.ts";
import { clipFailure } from "../steps/clip.ts";
import type { RunnerContext } from "../steps/job-context.ts";
import { cookieOf } from "../steps/script-env.ts";
import type { JobEvents, JobRequest, JobResult } from "../workers/job-executor.ts";
import { type Delivery, deliver, openDelivery } from "./delivery.ts";
import { isAhead, type Leases, type Moment } from "./leases.ts";
import { createPermits } from "./permits.ts";
import { refFields } from "./refs.ts";
import { fenced, lost, outcomeOf, Stopped, timedOut } from "./stop.ts";

/** An attempt as the rest of the runner sees it. */
export type Attempt = {
  readonly ref: JobRef;
  /** Is its lease still wanted? */
  readonly isHeld: boolean;
  readonly isStarted: () => boolean;
  /** It failed because this runner cannot work: its disk is full, its journal cannot be written. */
  readonly isRunnersFault: () => boolean;
  /** May be called more than once, at any time; the first reason counts, but a lease that is over ends everything. */
  readonly stop: (reason: Stopped) => void;
  /** Resolves when nothing is left of it; never rejects. */
  readonly done: Promise<void>;
};

export type Claimed = { readonly ref: JobRef; readonly reply: ClaimReply; readonly sent: Moment };

export function beginAttempt(site: RunnerContext, leases: Leases, claimed: Claimed): Attempt {
  const { ref } = claimed;
  const { lease, spec } = claimed.reply;
  const stopping = new AbortController();
  /** No work any more, not even cleaning up. */
  const over = new AbortController();
  const delivery = openDelivery(site, ref);
  const watch = site.guard.watch(jobFolders(site.config.data, ref).root);
  let isStarted = false;
  let isRunnersFault = false;

  const stop = (reason: Stopped): void => {
    if (reason.kind !== "canceled" && reason.kind !== "timed-out") over.abort(reason);
    delivery.stop(reason);
    stopping.abort(reason);
  };
  const live = async (): Promise<void> => {
    const release = leases.hold({ ref, lease, mode: spec.mode, stop, onKept: watch.limit }, claimed.sent);
    // Meanwhile the claim is written down and the agent asked: nothing of the job runs before both is done.
    const folders = makeJobFolders(site.deps.files, jobFolders(site.config.data, ref));
    // Whoever needs them sees the failure.
    folders.catch(() => {});
    try {
      await site.disk.commit({ k: "claimed", ref, lease: claimed.reply.lease });
      await site.link.call((client, session, options) => client.start({ session, ref }, options), {
        signal: over.signal,
      });
      isStarted = true;
      await folders;
      await work(site, claimed, delivery, {
        stopping,
        over,
        stop,
        release,
        watch,
        leaseUntil: () => leases.until(ref),
        renewed: (signal) => leases.renewed(ref, signal),
      });
    } catch (error) {
      logEnd(site, ref, error, over.signal);
      isRunnersFault = !over.signal.aborted && !isCode(error, "lease-lost");
      if (!over.signal.aborted) await tellFailure(site, delivery, ref, error, isStarted);
    } finally {
      release();
      await delivery.logsDone();
      await Promise.allSettled([folders]);
      await cleanUp(site, ref, delivery.isClosing());
      watch.over();
    }
  };
  return {
    ref,
    isHeld: true,
    isStarted: () => isStarted,
    isRunnersFault: () => isRunnersFault,
    stop,
    done: live(),
  };
}

type Stops = {
  readonly stopping: AbortController;
  readonly over: AbortController;
  readonly stop: (reason: Stopped) => void;
  /** Renews the lease no more. */
  readonly release: () => void;
  readonly watch: Watch;
  readonly leaseUntil: () => Moment | undefined;
  readonly renewed: (signal: AbortSignal) => Promise<void>;
};

async function work(
  site: RunnerContext,
  { ref, reply }: Claimed,
  delivery: Delivery,
  { stopping, over, stop, release, watch, leaseUntil, renewed }: Stops,
): Promise<void> {
  const { deps, disk, link, config, cache, path } = site;
  const { spec } = reply;
  const folders = jobFolders(config.data, ref);
  const onLost = (): void => stop(lost("The task-agent refused a request of this attempt."));
  // Who stood still may hear of the end of programs, which the guard has killed, before timers tell that the time is over.
  const look = (): void => {
    const until = leaseUntil();
    if (until && !isAhead(until, deps.clock)) stop(fenced(reply.lease.selfFenceMs, 0));
  };
  const told: JobEvents = {
    tell: (event) => {
      look();
      delivery.outbox.push(asCutOff(event, over.signal));
    },
    openLog: delivery.openLog,
    permits: createPermits({ ref, link, disk, deps, leaseUntil, renewed, lost: over.signal, onLost }),
    onGroup: (group) => {
      watch.group(group);
      disk.note({ k: "group", ref, group });
    },
    onGroupGone: (pgid) => {
      watch.groupGone(pgid);
      disk.note({ k: "group-gone", ref, pgid });
    },
    onSurvivor: site.onSurvivors,
    onLimit: () => {},
    onAbandoned: () => {},
    logger: deps.logger,
  };
  const env = { ...deps.env };
  const order = { ref, spec, folders, config: ownConfig(config), cache, path, token: await site.token(), env };
  const limit = timedOut(`The job “${spec.title}”`, spec.timeoutMs);
  const cancelLimit = deps.clock.after(spec.timeoutMs, () => stop(limit));
  try {
    const end = await site.executor.run(order, told, { stop: stopping.signal, lost: over.signal });
    cancelLimit();
    look();
    const result = asCutOff(end, over.signal);
    // Cut off and stopped: somebody else may go on, even while the agent hears this runner and is not heard by it.
    if (result.failure?.code === "lease-lost") release();
    // Work that was cut off by the end of the lease or of this process has not ended.
    if (result.outcome !== "succeeded") delivery.gone.throwIfAborted();
    const report = { ...result, progress: delivery.outbox.count() };
    await disk.commit({ k: "report", ref, report });
    await deliver(site, ref, delivery, report);
  } finally {
    cancelLimit();
  }
}

/** Work that was cut off has not failed by itself, whatever its programs left behind. */
function asCutOff<T extends StepProgress | JobResult>(end: T, over: AbortSignal): T {
  if (!("outcome" in end) || end.outcome !== "failed" || !(over.reason instanceof Stopped)) return end;
  const { failure } = over.reason;
  return { ...end, outcome: outcomeOf(over.reason), ...(failure ? { failure: clipFailure(failure) } : {}) };
}

/** What the steps may know of the configuration. */
function ownConfig({ name, site, systems, secrets }: RunnerContext["config"]): JobRequest["config"] {
  return { name, site, systems, secrets };
}

/**
 * An attempt that could not begin, or that the runner could not go on with, is told at once: otherwise everybody would
 * wait until its lease has run out. That the agent refuses this too, because the lease is over, is fine.
 */
async function tellFailure(
  site: RunnerContext,
  delivery: Delivery,
  ref: JobRef,
  error: unknown,
  isStarted: boolean,
): Promise<void> {
  const isRefused = isCode(error, "lease-lost");
  if (isRefused && isStarted) return;
  const problem = `The runner ${site.config.name} could not carry out this attempt; its log says why.`;
  const failure = clipFailure(failureOf(new GantryError("internal", { problem })));
  // A start that is refused although the lease is not over: the task was canceled in between.
  const end = isRefused ? { outcome: "canceled" as const } : { outcome: "errored" as const, failure };
  try {
    await deliver(site, ref, delivery, { ...end, outputs: {}, progress: delivery.outbox.count() });
  } catch (refusal) {
    site.deps.logger.info({ ...refFields(ref), err: refusal }, "the end of an attempt was not wanted any more");
  }
}

function logEnd(site: RunnerContext, ref: JobRef, error: unknown, over: AbortSignal): void {
  const { logger } = site.deps;
  if (over.aborted) logger.warn({ ...refFields(ref), reason: String(over.reason) }, "an attempt was given up");
  else if (isCode(error, "lease-lost"))
    logger.info({ ...refFields(ref), err: error }, "an attempt is not wanted any more");
  else logger.error({ ...refFields(ref), err: error }, "an attempt could not be carried out");
}

async function cleanUp(site: RunnerContext, ref: JobRef, isClosing: boolean): Promise<void> {
  const { files, programs } = site.deps;
  const folders = jobFolders(site.config.data, ref);
  try {
    const killed = programs.killByCookie(cookieOf(folders));
    if (killed > 0) site.deps.logger.warn({ ...refFields(ref), killed }, "processes that left their group were killed");
    await files.remove(folders.root);
    // A process that ends leaves to the next one what the agent has not been told.
    if (isClosing) return;
    await files.remove(folders.logs);
    site.disk.note({ k: "closed", ref });
  } catch (error) {
    // The next start of the runner removes what is left.
    site.deps.logger.warn({ ...refFields(ref), err: error }, "the folders of an attempt could not be removed");
  }
}

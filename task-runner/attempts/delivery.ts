// Telling the task-agent about one attempt: progress, logs, report, in this order of importance to people, and all of it
// before the attempt is forgotten. Also for attempts of a former process of this runner.

import { GantryError } from "@gantry/core/errors.ts";
import type { JobRef } from "@gantry/wire/runner/protocol.ts";
import { startUpload } from "../logs/log-upload.ts";
import type { DiskAttempt, Report } from "../state/disk-state.ts";
import type { RunnerContext } from "../steps/job-context.ts";
import type { LogGrowth } from "../workers/job-executor.ts";
import { createOutbox, type Outbox } from "./progress.ts";
import { refFields } from "./refs.ts";
import { lost, Stopped } from "./stop.ts";

export type Delivery = {
  readonly outbox: Outbox;
  /** Begins to bring the log of a step to the agent while it grows; the answer is told how far it has. */
  readonly openLog: (step: string, file: string) => LogGrowth;
  /** Begins to bring a log that is complete to the agent. */
  readonly sendLog: (step: string, file: string) => Promise<void>;
  /** Resolves when the agent has all logs, or takes no more of them. */
  readonly logsDone: () => Promise<void>;
  /** Aborted when the agent wants nothing of the attempt any more. */
  readonly gone: AbortSignal;
  /** Of all reasons to stop work, only two mean that there is nobody to tell: the lease is lost, the process ends. */
  readonly stop: (reason: Stopped) => void;
  /** The process ends: what the agent has not been told is kept for the next one. */
  readonly isClosing: () => boolean;
};

/** The agent files logs of an attempt that it gave away; but nobody waits for them long. */
const LATE_LOGS_MS = 60_000;
/** The agent may be repairing itself; if it says so often that progress is missing, telling it again does not help. */
const MAX_CONFLICTS = 20;

export function openDelivery(site: RunnerContext, ref: JobRef, former?: DiskAttempt): Delivery {
  const { link, disk, deps } = site;
  const gone = new AbortController();
  const logsOver = new AbortController();
  const uploads: Promise<void>[] = [];
  const logsDone = async (): Promise<void> => void (await Promise.allSettled(uploads));
  const stop = (reason: Stopped): void => {
    if (reason.kind === "closing") logsOver.abort(reason);
    if (reason.kind === "lost" && !gone.signal.aborted) {
      const cancel = deps.clock.after(LATE_LOGS_MS, () => logsOver.abort(reason));
      void logsDone().then(cancel);
    }
    if (reason.kind === "closing" || reason.kind === "lost") gone.abort(reason);
  };
  const outbox = createOutbox({
    ref,
    link,
    disk,
    deps,
    signal: gone.signal,
    onRefused: (problem) => stop(lost(problem)),
    ...(former ? { events: former.events } : {}),
  });
  const upload = (step: string, file: string, size: () => number, closed: () => boolean): (() => void) => {
    const onLost = (): void => stop(lost("The task-agent refused the log of this attempt."));
    const { wake, done } = startUpload({ ref, step, file, size, closed, link, deps, signal: logsOver.signal, onLost });
    uploads.push(done);
    return wake;
  };
  return {
    outbox,
    openLog: (step, file) => {
      disk.note({ k: "log", ref, step, file });
      let [size, isClosed] = [0, false];
      const wake = upload(
        step,
        file,
        () => size,
        () => isClosed,
      );
      return (newSize, nowClosed) => {
        size = Math.max(size, newSize);
        isClosed ||= nowClosed;
        wake();
      };
    },
    sendLog: async (step, file) => {
      const size = await deps.files.size(file);
      upload(
        step,
        file,
        () => size,
        () => true,
      );
    },
    logsDone,
    gone: gone.signal,
    stop,
    isClosing: () => gone.signal.reason instanceof Stopped && gone.signal.reason.kind === "closing",
  };
}

/** Resolves when the agent has the report; rejects when it refuses it for good, or when there is nobody to tell. */
export async function deliver(site: RunnerContext, ref: JobRef, delivery: Delivery, report: Report): Promise<void> {
  await delivery.logsDone();
  let conflicts = 0;
  await site.link.call(
    async (client, session, options) => {
      await delivery.outbox.flushed();
      await client.report({ ...report, session, ref }, options);
    },
    {
      signal: delivery.gone,
      onConflict: () => {
        conflicts += 1;
        if (conflicts > MAX_CONFLICTS)
          throw new GantryError("lease-lost", { problem: "It was told otherwise before." });
        delivery.outbox.replay();
      },
    },
  );
  site.deps.logger.info({ ...refFields(ref), outcome: report.outcome }, "an attempt has ended");
}

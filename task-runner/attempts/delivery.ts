// Delivers one attempt to the task-agent: progress, logs and the report, all of them before the attempt is forgotten. Also
// used for attempts of a previous process of this runner.

import { GantryError } from "@gantry/core/errors.ts";
import type { JobRef } from "@gantry/wire/runner/protocol.ts";
import { createLogUploads, type LogUploads } from "../logs/log-upload.ts";
import type { RunnerContext } from "../runner-context.ts";
import type { DiskAttempt, Report } from "../state/disk-state.ts";
import { createOutbox, type Outbox } from "./progress.ts";
import { refFields } from "./refs.ts";
import { lost, Stopped } from "./stop.ts";

export type Delivery = {
  readonly outbox: Outbox;
  readonly logs: LogUploads;
  /** Aborted when nothing of the attempt can be delivered any more. */
  readonly gone: AbortSignal;
  /** Only two stop reasons end the delivery: the lease is lost, or the process ends. */
  readonly stop: (reason: Stopped) => void;
  /** The process ends: what is not delivered is kept for the next one. */
  readonly isClosing: () => boolean;
};

/** The task-agent accepts logs of an attempt that it gave away, but the wait for them must be short. */
const LATE_LOGS_MS = 60_000;
/** The task-agent may lack progress while it recovers. When it still says so after many repetitions, repeating is useless. */
const MAX_CONFLICTS = 20;

export function openDelivery(runner: RunnerContext, ref: JobRef, previous?: DiskAttempt): Delivery {
  const { link, disk, deps } = runner;
  const gone = new AbortController();
  const logsOver = new AbortController();
  const logs = createLogUploads({
    ref,
    link,
    deps,
    signal: logsOver.signal,
    onLost: () => stop(lost("The task-agent refused the log of this attempt.")),
  });
  const stop = (reason: Stopped): void => {
    if (reason.kind === "closing") logsOver.abort(reason);
    if (reason.kind === "lost" && !gone.signal.aborted) {
      const cancel = deps.clock.after(LATE_LOGS_MS, () => logsOver.abort(reason));
      void logs.done().then(cancel);
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
    ...(previous ? { events: previous.events } : {}),
  });
  const isClosing = (): boolean => gone.signal.reason instanceof Stopped && gone.signal.reason.kind === "closing";
  return { outbox, logs, gone: gone.signal, stop, isClosing };
}

/** Resolves when the task-agent has the report. Rejects when it refuses the report, and when `gone` is aborted. */
export async function deliver(runner: RunnerContext, ref: JobRef, delivery: Delivery, report: Report): Promise<void> {
  await delivery.logs.done();
  let conflicts = 0;
  const onConflict = (): void => {
    conflicts += 1;
    if (conflicts > MAX_CONFLICTS)
      throw new GantryError("lease-lost", { problem: "The task-agent has a different report of this attempt." });
    delivery.outbox.replay();
  };
  await runner.link.call(
    async (client, session, options) => {
      await delivery.outbox.flushed();
      await client.report({ ...report, session, ref }, options);
    },
    { signal: delivery.gone, onConflict },
  );
  runner.deps.logger.info({ ...refFields(ref), outcome: report.outcome }, "an attempt has ended");
}

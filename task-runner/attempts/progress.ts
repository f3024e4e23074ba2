// The progress events of one attempt on their way to the task-agent: numbered without gaps and sent at once. They are kept
// on disk and in memory until the attempt is over, so that they can be sent again from any number on.

import type { JobRef, StepProgress } from "@gantry/wire/runner/protocol.ts";
import type { Link } from "../agent-link/agent-link.ts";
import { isCode, type RunnerDeps } from "../ports.ts";
import type { DiskJournal } from "../state/disk-journal.ts";
import { refFields } from "./refs.ts";

export type Outbox = {
  readonly push: (event: StepProgress) => void;
  /** Number of the last event. */
  readonly count: () => number;
  /** Resolves when the task-agent has every event; rejects with the signal's reason. */
  readonly flushed: () => Promise<void>;
  /** Sends everything again: the task-agent does not have all events that it acknowledged. */
  readonly replay: () => void;
};

export type OutboxOptions = {
  readonly ref: JobRef;
  readonly link: Link;
  readonly disk: DiskJournal;
  readonly deps: Pick<RunnerDeps, "logger">;
  /** Aborted when the task-agent no longer wants the events. */
  readonly signal: AbortSignal;
  /** The task-agent refuses events permanently. */
  readonly onRefused: (problem: string) => void;
  /** Events of a previous process of the runner. */
  readonly events?: readonly StepProgress[];
};

/** Limits of one message: of the protocol, and half of the body size that servers usually accept. */
const MAX_EVENTS = 100;
const MAX_BYTES = 524_288;

export function createOutbox({
  ref,
  link,
  disk,
  deps,
  signal,
  onRefused,
  events: previous = [],
}: OutboxOptions): Outbox {
  const events = [...previous];
  let acked = 0;
  let isSending = false;
  const waiters: (() => void)[] = [];

  const send = async (): Promise<void> => {
    if (isSending || signal.aborted) return;
    isSending = true;
    try {
      while (acked < events.length) {
        const { ack } = await link.call(
          (client, session, options) =>
            client.progress({ session, ref, from: acked + 1, events: batch(events, acked) }, options),
          { signal, onConflict: replay },
        );
        acked = Math.min(ack, events.length);
      }
      for (const resolve of waiters.splice(0)) resolve();
    } catch (error) {
      if (signal.aborted) return;
      if (!isCode(error, "lease-lost")) {
        deps.logger.error({ ...refFields(ref), err: error }, "the task-agent refuses the progress of an attempt");
      }
      onRefused(error instanceof Error ? error.message : "The task-agent refused the progress of this attempt.");
    } finally {
      isSending = false;
    }
  };
  const replay = (): void => {
    acked = 0;
  };

  return {
    push: (event) => {
      events.push(event);
      disk.note({ k: "event", ref, event });
      // In a microtask, so that the end of one step and the start of the next are sent together.
      queueMicrotask(() => void send());
    },
    count: () => events.length,
    flushed: () =>
      new Promise((resolve, reject) => {
        const aborted = (): void => reject(signal.reason);
        signal.addEventListener("abort", aborted, { once: true });
        if (signal.aborted) aborted();
        waiters.push(() => {
          signal.removeEventListener("abort", aborted);
          resolve();
        });
        void send();
      }),
    replay,
  };
}

function batch(events: readonly StepProgress[], from: number): StepProgress[] {
  let bytes = 0;
  const chosen: StepProgress[] = [];
  for (const event of events.slice(from, from + MAX_EVENTS)) {
    bytes += JSON.stringify(event).length;
    if (chosen.length > 0 && bytes > MAX_BYTES) break;
    chosen.push(event);
  }
  return chosen;
}

// The progress events of one attempt on their way to the task-agent: numbered without gaps and sent at once. They are kept
// on disk and in memory until the attempt is over, so that they can be sent again from any number on.

import type { JobRef, StepProgress } from "@gantry/wire/runner/protocol.ts";
import type { Link } from "../agent-link/agent-link.ts";
import { isCode, type RunnerDeps } from "../ports.ts";
import type { DiskJournal } from "../state/disk-journal.ts";
import type { PastEvent } from "../state/disk-state.ts";
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
  readonly deps: Pick<RunnerDeps, "logger" | "clock">;
  /** Aborted when the task-agent no longer wants the events. */
  readonly signal: AbortSignal;
  /** The task-agent refuses events permanently. */
  readonly onRefused: (problem: string) => void;
  /** Events of a previous process of the runner. */
  readonly events?: readonly PastEvent[];
};

/** `atMs`: when it happened, on the monotonic clock, where it is known. */
type Entry = { readonly event: StepProgress; readonly atMs: number | undefined };

/** Limits of one message: of the protocol, and half of the body size that servers usually accept. */
const MAX_EVENTS = 100;
const MAX_BYTES = 524_288;
/** An event that is younger than this happened just now. */
const NOW_MS = 1_000;

export function createOutbox({
  ref,
  link,
  disk,
  deps,
  signal,
  onRefused,
  events: previous = [],
}: OutboxOptions): Outbox {
  const { clock } = deps;
  const events: Entry[] = previous.map(({ event, atMs }) => {
    if (atMs === undefined) return { event, atMs };
    // The monotonic clock does not outlive a process.
    return { event, atMs: clock.monotonicMs() - Math.max(0, clock.nowMs() - atMs) };
  });
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
            client.progress(
              { session, ref, from: acked + 1, events: batch(events, acked, clock.monotonicMs()) },
              options,
            ),
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
      events.push({ event, atMs: clock.monotonicMs() });
      disk.note({ k: "event", ref, event, atMs: clock.nowMs() });
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

function batch(entries: readonly Entry[], from: number, nowMs: number): StepProgress[] {
  let bytes = 0;
  const chosen: StepProgress[] = [];
  for (const { event, atMs } of entries.slice(from, from + MAX_EVENTS)) {
    bytes += JSON.stringify(event).length;
    if (chosen.length > 0 && bytes > MAX_BYTES) break;
    const agoMs = Math.round(nowMs - (atMs ?? nowMs));
    chosen.push(agoMs < NOW_MS ? event : { ...event, agoMs });
  }
  return chosen;
}

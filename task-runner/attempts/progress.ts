// What the steps of one attempt do, on its way to the task-agent: numbered without gap, sent as soon as it happens, kept
// on disk and in memory until the attempt is over, so that it can be told again from any number on.

import type { JobRef, StepProgress } from "@gantry/wire/runner/protocol.ts";
import type { Link } from "../agent-link/agent-link.ts";
import { isCode, type RunnerDeps } from "../ports.ts";
import type { DiskJournal } from "../state/disk-journal.ts";
import { refFields } from "./refs.ts";

export type Outbox = {
  readonly push: (event: StepProgress) => void;
  /** Number of the last event. */
  readonly count: () => number;
  /** Resolves when the agent has every event; rejects with the signal's reason. */
  readonly flushed: () => Promise<void>;
  /** The agent does not have all that it acknowledged: tell everything again. */
  readonly replay: () => void;
};

export type OutboxOptions = {
  readonly ref: JobRef;
  readonly link: Link;
  readonly disk: DiskJournal;
  readonly deps: Pick<RunnerDeps, "logger">;
  /** Aborted when nothing counts any more. */
  readonly signal: AbortSignal;
  /** The agent refuses events for good. */
  readonly onRefused: (problem: string) => void;
  /** What a former process of the runner had to tell. */
  readonly events?: readonly StepProgress[];
};

/** Limits of one message: the protocol's, and half of what servers usually take as a body. */
const MAX_EVENTS = 100;
const MAX_BYTES = 524_288;

export function createOutbox({ ref, link, disk, deps, signal, onRefused, events: former = [] }: OutboxOptions): Outbox {
  const events = [...former];
  let acked = 0;
  let sending = false;
  const waiters: (() => void)[] = [];

  const send = async (): Promise<void> => {
    if (sending || signal.aborted) return;
    sending = true;
    try {
      while (acked < events.length) {
        const ack = await link.call(
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
        deps.logger.error({ ...refFields(ref), err: error }, "the task-agent refuses what the steps do");
      }
      onRefused(error instanceof Error ? error.message : "The task-agent refused progress.");
    } finally {
      sending = false;
    }
  };
  const replay = (): void => {
    acked = 0;
  };

  return {
    push: (event) => {
      events.push(event);
      disk.note({ k: "event", ref, event });
      // After this turn of the event loop, so that the end of one step and the start of the next go together.
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

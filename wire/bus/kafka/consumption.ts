// Reads from Kafka as a member of a group, until stopped: a member that failed, was removed from the group or became silent
// is replaced after a pause by a new one, which resumes at the committed offset.

import { backoffMs } from "@gantry/runtime/backoff.ts";
import { pause, type Timers } from "@gantry/runtime/clock.ts";
import { within } from "@gantry/runtime/deadline.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { Consumer, Consumption } from "../bus.ts";
import type { KafkaClient } from "./kafka-client.ts";

export type ConsumptionDeps = {
  readonly client: Promise<KafkaClient>;
  readonly clock: Timers;
  readonly random: () => number;
  readonly logger: Logger;
  readonly onUp: () => void;
  readonly onDown: (error: unknown) => void;
};

const JOIN_MS = 45_000;
/** A member without an answer from the brokers for this long counts as lost. */
const SILENCE_MS = 60_000;
const GOODBYE_MS = 8_000;
const BACKOFF = { firstMs: 500, maxMs: 15_000, jitter: "half" } as const;

export function startConsumption(deps: ConsumptionDeps, consumer: Consumer): Consumption {
  const stopping = new AbortController();
  const running = run(deps, consumer, stopping.signal);
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

async function run(deps: ConsumptionDeps, consumer: Consumer, stopping: AbortSignal): Promise<void> {
  let failures = 0;
  while (!stopping.aborted) {
    try {
      await session(deps, consumer, stopping, () => {
        failures = 0;
      });
    } catch (error) {
      failures += 1;
      if (!(error instanceof HandlingFailed)) {
        deps.onDown(error);
        consumer.onDown?.();
      }
      await pause(deps.clock, backoffMs(BACKOFF, failures, deps.random()), stopping);
    }
  }
}

/** The handler failed, not Kafka. */
class HandlingFailed extends Error {
  override readonly name = "HandlingFailed";
}

/** The running handler of a session. */
type Turn = { current: Promise<void>; failed: boolean; leaving: boolean };

/** The lifetime of one member. Rejects with the reason of its end; resolves when it was stopped. */
async function session(
  { client, clock, logger, onUp }: ConsumptionDeps,
  { group, handle }: Consumer,
  stopping: AbortSignal,
  onWorking: () => void,
): Promise<void> {
  const { openMember } = await client;
  const watchdog = startWatchdog(clock);
  const turn: Turn = { current: Promise.resolve(), failed: false, leaving: false };
  const member = openMember({
    group,
    handle: (messages) => {
      const handling = handle(messages);
      turn.current = handling.then(
        () => {
          turn.failed = false;
        },
        () => {
          turn.failed = true;
        },
      );
      return handling;
    },
    isLeaving: () => turn.leaving,
    onAnswer: () => {
      watchdog.reset();
      onWorking();
      onUp();
    },
    onActivity: watchdog.reset,
    onLost: watchdog.fail,
  });
  try {
    await Promise.race([within(clock, JOIN_MS, "joining the group", member.join()), watchdog.lost, aborted(stopping)]);
    await Promise.race([watchdog.lost, aborted(stopping)]);
  } catch (error) {
    throw turn.failed ? new HandlingFailed("messages could not be handled", { cause: error }) : error;
  } finally {
    watchdog.stop();
    // The running handler ends before this member leaves, and no other is started.
    turn.leaving = true;
    await turn.current;
    await within(clock, GOODBYE_MS, "leaving the group", member.leave()).catch((err: unknown) =>
      logger.debug({ err }, "a consumer did not leave its group cleanly"),
    );
  }
}

type Watchdog = {
  /** Rejects when the member has failed or become silent. */
  readonly lost: Promise<never>;
  readonly reset: () => void;
  readonly fail: (reason: Error) => void;
  readonly stop: () => void;
};

function startWatchdog(clock: Timers): Watchdog {
  const { promise: lost, reject: fail } = Promise.withResolvers<never>();
  lost.catch(() => {}); // It may reject before it is awaited; the awaiting code still gets the rejection.
  let stop = (): void => {};
  let isStopped = false;
  const reset = (): void => {
    stop();
    if (isStopped) return;
    stop = clock.after(SILENCE_MS, () => fail(new Error(`the consumer was silent for ${SILENCE_MS / 1_000} s`)));
  };
  reset();
  return {
    lost,
    reset,
    fail,
    stop: () => {
      isStopped = true;
      stop();
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

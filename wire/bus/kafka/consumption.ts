// Reads from Kafka as a member of a group, until stopped: a consumer that crashed, was removed from the group or became
// silent is replaced after a pause by a new one, which resumes at the committed offset.

import { backoffMs } from "@gantry/runtime/backoff.ts";
import { pause, type Timers } from "@gantry/runtime/clock.ts";
import { within } from "@gantry/runtime/deadline.ts";
import { every } from "@gantry/runtime/periodic.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { EachBatchPayload, Kafka, Consumer as KafkaConsumer, KafkaMessage } from "kafkajs";
import type { BusMessage, Consumer, Consumption } from "../bus.ts";
import type { KafkaConfig } from "./config.ts";

export type ConsumptionDeps = {
  readonly kafka: Kafka;
  readonly config: KafkaConfig;
  readonly clock: Timers;
  readonly random: () => number;
  readonly logger: Logger;
  readonly onUp: () => void;
  readonly onDown: (error: unknown) => void;
};

const SESSION_MS = 10_000;
const HEARTBEAT_MS = 1_000;
const FETCH_WAIT_MS = 500;
const JOIN_MS = 45_000;
/** A consumer without an answer to a fetch or a heartbeat for this long counts as lost. */
const SILENCE_MS = 60_000;
const GOODBYE_MS = 8_000;
const BACKOFF = { firstMs: 500, maxMs: 15_000, jitter: "half" } as const;
const CHUNK = 100;

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

/** The lifetime of one kafkajs consumer. Rejects with the reason of its end; resolves when it was stopped. */
async function session(
  deps: ConsumptionDeps,
  { group, handle }: Consumer,
  stopping: AbortSignal,
  onWorking: () => void,
): Promise<void> {
  const { kafka, config, clock, logger } = deps;
  const member = kafka.consumer({
    groupId: group,
    sessionTimeout: SESSION_MS,
    heartbeatInterval: HEARTBEAT_MS,
    rebalanceTimeout: 2 * SESSION_MS,
    maxWaitTimeInMs: FETCH_WAIT_MS,
    allowAutoTopicCreation: false,
    // `run` restarts after a crash; kafkajs would do so silently, and not in all cases.
    retry: { retries: 3, initialRetryTime: 200, maxRetryTime: 2_000, restartOnFailure: async () => false },
  });
  const signs = watch(member, deps, onWorking);
  const turn: Turn = { current: Promise.resolve(), failed: false, leaving: false };
  const begin = async (): Promise<void> => {
    await member.connect();
    await member.subscribe({ topics: [config.topic], fromBeginning: true });
    await member.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 1,
      eachBatch: (payload) => readBatch(payload, handle, turn, clock, signs.sign),
    });
  };
  try {
    await Promise.race([within(clock, JOIN_MS, "joining the group", begin()), signs.lost, aborted(stopping)]);
    await Promise.race([signs.lost, aborted(stopping)]);
  } catch (error) {
    throw turn.failed ? new HandlingFailed("messages could not be handled", { cause: error }) : error;
  } finally {
    signs.stop();
    // The running handler ends before this member leaves, and no other is started.
    turn.leaving = true;
    await turn.current;
    await within(clock, GOODBYE_MS, "leaving the group", member.disconnect()).catch((err: unknown) =>
      logger.debug({ err }, "a consumer did not leave its group cleanly"),
    );
  }
}

async function readBatch(
  { batch, resolveOffset, commitOffsetsIfNecessary, heartbeat, isRunning, isStale }: EachBatchPayload,
  handle: Consumer["handle"],
  turn: Turn,
  clock: Timers,
  sign: () => void,
): Promise<void> {
  const { topic, partition } = batch;
  for (let from = 0; from < batch.messages.length; from += CHUNK) {
    if (turn.leaving || !isRunning() || isStale()) return;
    const chunk = batch.messages.slice(from, from + CHUNK);
    const handling = handle(chunk.map(toMessage));
    turn.current = handling.then(
      () => {
        turn.failed = false;
      },
      () => {
        turn.failed = true;
      },
    );
    await alive(clock, heartbeat, handling, sign);
    const last = chunk.at(-1)?.offset ?? batch.lastOffset();
    resolveOffset(last);
    const next = String(BigInt(last) + 1n);
    await commitOffsetsIfNecessary({ topics: [{ topic, partitions: [{ partition, offset: next }] }] });
    await heartbeat();
  }
}

type Signs = {
  /** Rejects when the consumer has crashed or become silent. */
  readonly lost: Promise<never>;
  readonly sign: () => void;
  readonly stop: () => void;
};

function watch(member: KafkaConsumer, { clock, onUp }: ConsumptionDeps, onWorking: () => void): Signs {
  let stopWatching = (): void => {};
  let sign = (): void => {};
  const lost = new Promise<never>((_, reject) => {
    sign = () => {
      stopWatching();
      stopWatching = clock.after(SILENCE_MS, () =>
        reject(new Error(`the consumer was silent for ${SILENCE_MS / 1_000} s`)),
      );
    };
    member.on(member.events.CRASH, ({ payload }) => reject(payload.error));
  });
  lost.catch(() => {}); // It may reject before it is awaited; the awaiting code still gets the rejection.
  const onAnswer = (): void => {
    sign();
    onWorking();
    onUp();
  };
  member.on(member.events.HEARTBEAT, onAnswer);
  member.on(member.events.FETCH, onAnswer);
  member.on(member.events.GROUP_JOIN, sign);
  sign();
  return { lost, sign: () => sign(), stop: () => stopWatching() };
}

/** Sends heartbeats while messages are handled: a slow handler must not count as dead. */
async function alive(
  clock: Timers,
  heartbeat: () => Promise<void>,
  handling: Promise<void>,
  sign: () => void,
): Promise<void> {
  const stop = every(clock, HEARTBEAT_MS, () => {
    sign();
    // A failed heartbeat means that the group has removed this member; the refused commit reports it.
    heartbeat().catch(() => {});
  });
  try {
    await handling;
  } finally {
    stop();
  }
}

function toMessage({ key, value, headers }: KafkaMessage): BusMessage {
  const texts = Object.entries(headers ?? {}).flatMap(([name, held]) => {
    const first = Array.isArray(held) ? held[0] : held;
    return first === undefined ? [] : [[name, first.toString()] as const];
  });
  return { key: key?.toString() ?? "", value: value?.toString() ?? "", headers: Object.fromEntries(texts) };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

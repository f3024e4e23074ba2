// A member of a group, with kafkajs.

import type { Timers } from "@gantry/runtime/clock.ts";
import { every } from "@gantry/runtime/periodic.ts";
import type { EachBatchPayload, Kafka, KafkaMessage } from "kafkajs";
import type { BusMessage } from "../../bus.ts";
import {
  CHUNK,
  FETCH_WAIT_MS,
  type GroupMember,
  HEARTBEAT_MS,
  type MemberTask,
  REBALANCE_MS,
  RETRIES,
  SESSION_MS,
} from "../kafka-client.ts";

type Deps = { readonly kafka: Kafka; readonly topic: string; readonly clock: Timers };

export function openMember({ kafka, topic, clock }: Deps, task: MemberTask): GroupMember {
  const member = kafka.consumer({
    groupId: task.group,
    sessionTimeout: SESSION_MS,
    heartbeatInterval: HEARTBEAT_MS,
    rebalanceTimeout: REBALANCE_MS,
    maxWaitTimeInMs: FETCH_WAIT_MS,
    allowAutoTopicCreation: false,
    // The bus replaces a member that crashed; kafkajs would do so silently, and not in all cases.
    retry: { retries: RETRIES, initialRetryTime: 200, maxRetryTime: 2_000, restartOnFailure: async () => false },
  });
  member.on(member.events.CRASH, ({ payload }) => task.onLost(payload.error));
  member.on(member.events.HEARTBEAT, task.onAnswer);
  member.on(member.events.FETCH, task.onAnswer);
  member.on(member.events.GROUP_JOIN, task.onActivity);
  return {
    join: async () => {
      await member.connect();
      await member.subscribe({ topics: [topic], fromBeginning: true });
      await member.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: 1,
        eachBatch: (payload) => readBatch(payload, task, clock),
      });
    },
    leave: () => member.disconnect(),
  };
}

async function readBatch(
  { batch, resolveOffset, commitOffsetsIfNecessary, heartbeat, isRunning, isStale }: EachBatchPayload,
  task: MemberTask,
  clock: Timers,
): Promise<void> {
  const { topic, partition } = batch;
  for (let from = 0; from < batch.messages.length; from += CHUNK) {
    if (task.isLeaving() || !isRunning() || isStale()) return;
    const chunk = batch.messages.slice(from, from + CHUNK);
    await keepAlive(clock, heartbeat, task.handle(chunk.map(toMessage)), task.onActivity);
    const last = chunk.at(-1)?.offset ?? batch.lastOffset();
    resolveOffset(last);
    const next = String(BigInt(last) + 1n);
    await commitOffsetsIfNecessary({ topics: [{ topic, partitions: [{ partition, offset: next }] }] });
    await heartbeat();
  }
}

/** Sends heartbeats while messages are handled: a slow handler must not count as dead. */
async function keepAlive(
  clock: Timers,
  heartbeat: () => Promise<void>,
  handling: Promise<void>,
  onActivity: () => void,
): Promise<void> {
  const stop = every(clock, HEARTBEAT_MS, () => {
    onActivity();
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

// The event bus in memory, for tests: with outages and the two faults that a publisher cannot distinguish.

import { GantryError } from "@gantry/core/errors.ts";
import type { BusHealth, BusMessage, Consumer, Consumption, EventBus } from "./bus.ts";

/** The next publish rejects. `lost`: nothing of it is stored. `unanswered`: all of it is stored. */
export type PublishFault = "lost" | "unanswered";

export type MemoryBus = EventBus & {
  /** All messages, by partition. */
  readonly partitions: readonly (readonly BusMessage[])[];
  readonly failNextPublish: (fault: PublishFault) => void;
  /** While the bus is down every publish rejects and nothing is delivered. */
  readonly setDown: (down: boolean) => void;
};

type Group = { readonly committed: number[]; readonly members: Member[] };
type Member = { readonly consumer: Consumer; wake: () => void; isStopped: boolean };

/** What all members read. */
type Topic = { readonly partitions: BusMessage[][]; readonly groups: Map<string, Group>; isDown: boolean };

const PAGE = 100;

export function openMemoryBus(partitionCount = 3): MemoryBus {
  const partitions: BusMessage[][] = Array.from({ length: partitionCount }, () => []);
  const topic: Topic = { partitions, groups: new Map(), isDown: false };
  const consumptions = new Set<Consumption>();
  const faults: PublishFault[] = [];
  let closed = false;

  const health = (): BusHealth => (topic.isDown ? { up: false, problem: "It is set down." } : { up: true });
  const assertUp = (): void => {
    if (closed) throw unavailable("It is closed.");
    if (topic.isDown) throw unavailable("It is set down.");
  };
  return {
    partitions,
    publish: async (messages) => {
      assertUp();
      const fault = faults.shift();
      if (fault === "lost") throw unavailable("The batch was lost.");
      for (const message of messages) partitions[partitionOf(message.key, partitionCount)]?.push(message);
      wakeAll(topic);
      if (fault === "unanswered") throw unavailable("The answer was lost.");
    },
    consume: (consumer) => {
      if (closed) throw unavailable("It is closed.");
      const consumption: Consumption = join(topic, consumer, () => consumptions.delete(consumption));
      consumptions.add(consumption);
      return consumption;
    },
    checkTopic: async () => assertUp(),
    health,
    close: async () => {
      closed = true;
      await Promise.all([...consumptions].map((one) => one.stop()));
    },
    failNextPublish: (fault) => void faults.push(fault),
    setDown: (value) => {
      topic.isDown = value;
      if (value)
        for (const { members } of topic.groups.values()) for (const { consumer } of members) consumer.onDown?.();
      wakeAll(topic);
    },
  };
}

/** Adds a member to its group; the partitions are shared out anew whenever one joins or leaves. */
function join(topic: Topic, consumer: Consumer, onStopped: () => void): Consumption {
  const group = topic.groups.get(consumer.group) ?? { committed: topic.partitions.map(() => 0), members: [] };
  topic.groups.set(consumer.group, group);
  const member: Member = { consumer, wake: () => {}, isStopped: false };
  group.members.push(member);
  const running = Promise.resolve().then(() => read(topic, group, member));
  wakeAll(topic);
  return {
    stop: async () => {
      member.isStopped = true;
      member.wake();
      await running;
      onStopped();
      const at = group.members.indexOf(member);
      if (at >= 0) group.members.splice(at, 1);
      wakeAll(topic);
    },
  };
}

async function read(topic: Topic, group: Group, member: Member): Promise<void> {
  while (!member.isStopped) {
    const at = nextPartition(topic, group, member);
    if (at === undefined) {
      await new Promise<void>((resolve) => {
        member.wake = resolve;
      });
      continue;
    }
    const from = group.committed[at] ?? 0;
    const messages = (topic.partitions[at] ?? []).slice(from, from + PAGE);
    const done = await member.consumer.handle(messages).then(
      () => true,
      () => false,
    );
    // Yields to the event loop, so that a handler that always fails does not block the process.
    if (done) group.committed[at] = Math.max(group.committed[at] ?? 0, from + messages.length);
    else await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A partition of this member that has new messages. */
function nextPartition({ partitions, isDown }: Topic, group: Group, member: Member): number | undefined {
  const mine = group.members.indexOf(member);
  const found = partitions.findIndex(
    (messages, at) => at % group.members.length === mine && (group.committed[at] ?? 0) < messages.length,
  );
  return isDown || found < 0 ? undefined : found;
}

function wakeAll({ groups }: Topic): void {
  for (const { members } of groups.values()) for (const member of members) member.wake();
}

function partitionOf(key: string, count: number): number {
  let sum = 0;
  for (const byte of Buffer.from(key)) sum = (sum * 31 + byte) % 1_000_003;
  return sum % count;
}

function unavailable(problem: string): GantryError {
  return new GantryError("unavailable", { what: "The bus", problem });
}

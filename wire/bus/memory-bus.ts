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
type Member = { readonly consumer: Consumer; wake: () => void };

export function openMemoryBus(partitionCount = 3): MemoryBus {
  const partitions: BusMessage[][] = Array.from({ length: partitionCount }, () => []);
  const groups = new Map<string, Group>();
  const consumptions = new Set<Consumption>();
  const faults: PublishFault[] = [];
  let down = false;
  let closed = false;

  const health = (): BusHealth => (down ? { up: false, problem: "It is set down." } : { up: true });
  const assertUp = (): void => {
    if (closed) throw unavailable("It is closed.");
    if (down) throw unavailable("It is set down.");
  };
  const wakeAll = (): void => {
    for (const group of groups.values()) for (const member of group.members) member.wake();
  };

  const consume = (consumer: Consumer): Consumption => {
    if (closed) throw unavailable("It is closed.");
    const group = groups.get(consumer.group) ?? { committed: partitions.map(() => 0), members: [] };
    groups.set(consumer.group, group);
    const member: Member = { consumer, wake: () => {} };
    group.members.push(member);
    let stopped = false;

    /** A partition of this member that has new messages. */
    const next = (): number | undefined => {
      const mine = group.members.indexOf(member);
      const isNext = (messages: readonly BusMessage[], at: number): boolean =>
        at % group.members.length === mine && (group.committed[at] ?? 0) < messages.length;
      const found = partitions.findIndex(isNext);
      return down || found < 0 ? undefined : found;
    };
    const run = async (): Promise<void> => {
      while (!stopped) {
        const at = next();
        if (at === undefined) {
          await new Promise<void>((resolve) => {
            member.wake = resolve;
          });
          continue;
        }
        const from = group.committed[at] ?? 0;
        const messages = (partitions[at] ?? []).slice(from, from + 100);
        const done = await consumer.handle(messages).then(
          () => true,
          () => false,
        );
        // Yields to the event loop, so that a handler that always fails does not block the process.
        if (done) group.committed[at] = Math.max(group.committed[at] ?? 0, from + messages.length);
        else await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const running = Promise.resolve().then(run);
    const consumption: Consumption = {
      stop: async () => {
        stopped = true;
        member.wake();
        await running;
        consumptions.delete(consumption);
        const at = group.members.indexOf(member);
        if (at >= 0) group.members.splice(at, 1);
        wakeAll();
      },
    };
    consumptions.add(consumption);
    wakeAll();
    return consumption;
  };

  return {
    partitions,
    publish: async (messages) => {
      assertUp();
      const fault = faults.shift();
      if (fault === "lost") throw unavailable("The batch was lost.");
      for (const message of messages) partitions[partitionOf(message.key, partitionCount)]?.push(message);
      wakeAll();
      if (fault === "unanswered") throw unavailable("The answer was lost.");
    },
    consume,
    checkTopic: async () => assertUp(),
    health,
    close: async () => {
      closed = true;
      await Promise.all([...consumptions].map((one) => one.stop()));
    },
    failNextPublish: (fault) => void faults.push(fault),
    setDown: (value) => {
      down = value;
      if (down) for (const { members } of groups.values()) for (const { consumer } of members) consumer.onDown?.();
      wakeAll();
    },
  };
}

function partitionOf(key: string, count: number): number {
  let sum = 0;
  for (const byte of Buffer.from(key)) sum = (sum * 31 + byte) % 1_000_003;
  return sum % count;
}

function unavailable(problem: string): GantryError {
  return new GantryError("unavailable", { what: "The bus", problem });
}

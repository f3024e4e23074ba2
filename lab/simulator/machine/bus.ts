// The simulated bus: one topic with partitions, on a machine of its own that outlives every process. It can be away, answer
// late or never, take a batch that its sender has given up, and forget how far a reader has read.

import { GantryError } from "@gantry/core/errors.ts";
import type { BusMessage, Consumer, EventBus } from "@gantry/wire/bus/bus.ts";
import type { ViolationSink } from "../violation.ts";
import type { Process, Simulation } from "./process.ts";

export type BusFaultProfile = {
  away: boolean;
  /** Probabilities: a batch is lost; its answer is lost; it arrives long after its sender has given it up. */
  lost: number;
  unanswered: number;
  late: number;
  /** Probability that messages which were handled are delivered again. */
  forgotten: number;
};

export const NO_BUS_FAULTS: Readonly<BusFaultProfile> = { away: false, lost: 0, unanswered: 0, late: 0, forgotten: 0 };

export type SimBus = {
  readonly faultProfile: BusFaultProfile;
  /** The bus as one process sees it, with the delays of its connection. */
  readonly seenBy: (process: Process) => Pick<EventBus, "publish" | "checkTopic" | "consume">;
  /** Number of the last event of a task on the bus. */
  readonly reached: (task: string) => number;
};

const PARTITIONS = 3;
const GIVEN_UP_MS = 30_000;
const MAX_BATCH = 100;

export function createBus(simulation: Simulation, invariants: () => ViolationSink): SimBus {
  const { timeline, trace } = simulation;
  const random = simulation.random.fork("bus");
  const faultProfile: BusFaultProfile = { ...NO_BUS_FAULTS };
  const partitions: BusMessage[][] = Array.from({ length: PARTITIONS }, () => []);
  const committed = partitions.map(() => 0);
  const reached = new Map<string, number>();
  let wakeReaders: () => void = () => {};

  const keep = (messages: readonly BusMessage[]): void => {
    for (const message of messages) {
      const [task, number] = [message.key, Number(message.headers.taskseq)];
      const last = reached.get(task) ?? 0;
      if (number > last + 1) invariants().violated("events-without-gap", `${task}: ${number} after ${last} on the bus`);
      reached.set(task, Math.max(last, number));
      partitions[partitionOf(task)]?.push(message);
    }
    trace.line(`bus takes ${messages.length}`);
    wakeReaders();
  };
  const publish = (process: Process, messages: readonly BusMessage[]): Promise<void> =>
    new Promise((resolve, reject) => {
      const sentMs = timeline.nowMs();
      const refuse = (problem: string, ms: number): void => void process.deliverIn(ms, () => reject(away(problem)));
      timeline.at(sentMs + random.between(0.2, 5), () => {
        if (faultProfile.away) return refuse("It is away.", random.chance(0.5) ? 5 : GIVEN_UP_MS);
        if (random.chance(faultProfile.lost)) return refuse("The batch was lost.", GIVEN_UP_MS);
        if (random.chance(faultProfile.late)) {
          timeline.at(sentMs + random.between(10_000, 2 * GIVEN_UP_MS), () => keep(messages));
          return refuse("No answer came.", GIVEN_UP_MS);
        }
        keep(messages);
        if (random.chance(faultProfile.unanswered)) return refuse("The answer was lost.", GIVEN_UP_MS);
        process.deliverIn(random.between(0.2, 5), resolve);
      });
    });

  const consume = (process: Process, { handle, onDown }: Consumer): void => {
    let busy = false;
    const next = (): void => {
      if (busy || !process.isAlive()) return;
      if (faultProfile.away) onDown?.();
      const at = partitions.findIndex((all, index) => all.length > (committed[index] ?? 0));
      if (faultProfile.away || at < 0) return;
      busy = true;
      const from = committed[at] ?? 0;
      const messages = (partitions[at] ?? []).slice(from, from + random.int(1, MAX_BATCH));
      const done = (isKept: boolean, pauseMs: number): void => {
        if (isKept && !random.chance(faultProfile.forgotten)) committed[at] = from + messages.length;
        process.deliverIn(pauseMs, () => {
          busy = false;
          next();
        });
      };
      handle(messages).then(
        () => done(true, random.between(0.2, 5)),
        () => done(false, random.between(100, 2_000)),
      );
    };
    const look = (): void => {
      next();
      process.deliverIn(1_000, look);
    };
    wakeReaders = () => void process.deliverIn(random.between(0.2, 20), next);
    process.deliverIn(random.between(1, 100), look);
  };

  return {
    faultProfile,
    reached: (task) => reached.get(task) ?? 0,
    seenBy: (process) => ({
      publish: (messages) => publish(process, messages),
      checkTopic: () =>
        new Promise((resolve, reject) =>
          process.deliverIn(random.between(0.2, 5), () =>
            faultProfile.away ? reject(away("It is away.")) : resolve(),
          ),
        ),
      consume: (consumer) => {
        consume(process, consumer);
        // Readers end only with their process.
        return { stop: async () => {} };
      },
    }),
  };
}

function partitionOf(key: string): number {
  return Buffer.from(key).reduce((sum, byte) => (sum * 31 + byte) % 1_000_003, 7) % PARTITIONS;
}

function away(problem: string): GantryError {
  return new GantryError("unavailable", { what: "The bus", problem });
}

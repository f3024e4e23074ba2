// A task-agent without HTTP and disk, for tests that make its journal fail and its time pass.

import { randomUUID } from "node:crypto";
import type { Pipeline } from "@gantry/core/pipeline/pipeline.ts";
import { job, pipeline } from "@gantry/core/task/task.fixture.ts";
import type { Journal, StreamAppend } from "@gantry/journal/journal.ts";
import { type MemoryStore, openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import { openAgent } from "./agent.ts";
import { agentConfig } from "./config.ts";
import type { LogStore } from "./logs/log-store.ts";
import type { Definition } from "./tasks/definitions.ts";
import { startTask } from "./tasks/start-task.ts";
import { AGENT_INDEXES, type TaskRecord } from "./tasks/tasks.ts";

const silent = (): void => {};
const logger = { debug: silent, info: silent, warn: silent, error: silent };
const noLogs: LogStore = {
  append: async () => 0,
  read: async () => ({ bytes: Buffer.alloc(0), size: 0, final: false }),
  close: async () => {},
};

export type WorldOptions = {
  readonly around?: (journal: Journal) => Journal;
  /** What an earlier world left behind. */
  readonly store?: MemoryStore;
  /** Version of the only pipeline; others are not known. */
  readonly version?: string;
  /** Do tasks run one after the other? */
  readonly grouped?: boolean;
  /** The name of this agent, where several share the store. */
  readonly name?: string;
};

export async function openWorld({ around, store, version = "sha256:0", grouped = true, name }: WorldOptions = {}) {
  const clock = new SteppedClock();
  const memory = openMemoryJournal({ indexes: AGENT_INDEXES, clock, ...(store ? { store } : {}) });
  const journal = around?.(memory) ?? memory;
  const concurrency: Pipeline["concurrency"] = grouped ? { group: "one at a time", policy: "queue" } : undefined;
  const definition: Definition = { pipeline: pipeline([job("only")], { concurrency }), version };
  const agent = await openAgent({
    config: agentConfig.parse({ data: "/", portalUrl: "http://portal", token: "0".repeat(16), runnerTokens: {} }),
    journal,
    definitions: {
      list: () => [definition],
      current: () => definition,
      pinned: async (wanted) => {
        if (wanted !== version) throw new Error(`the definition ${wanted} is not in the journal`);
        return definition.pipeline;
      },
      steps: [],
    },
    logs: noLogs,
    logger,
    clock,
    newId: randomUUID,
    ...(name === undefined ? {} : { name }),
  });
  const start = (idempotencyKey: string): Promise<TaskRecord> =>
    startTask(
      { ...agent, journal, portalUrl: "http://portal", newId: randomUUID },
      { pipeline: "test", params: {}, principal: "dev", idempotencyKey },
    );
  return { agent, failNextAppend: memory.failNextAppend, wake: memory.wake, clock, start };
}

/** Holds one append back until it is let go. */
export function holdAppend(journal: Journal, which: (batch: readonly StreamAppend[]) => boolean) {
  const held = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  const append: Journal["append"] = async (batch) => {
    if (which(batch)) {
      reached.resolve();
      await held.promise;
    }
    return journal.append(batch);
  };
  return { journal: { ...journal, append }, reached: reached.promise, letGo: held.resolve };
}

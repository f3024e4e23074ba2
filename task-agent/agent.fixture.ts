// A task-agent without HTTP and disk, for tests that make its journal fail and move its clock.

import { randomUUID } from "node:crypto";
import type { Pipeline } from "@gantry/core/pipeline/pipeline.ts";
import { job, pipeline } from "@gantry/core/task/task.fixture.ts";
import type { Journal, StreamAppend } from "@gantry/journal/journal.ts";
import { type MemoryStore, openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import { openAgent } from "./agent.ts";
import { agentConfig } from "./config.ts";
import type { LogStore } from "./logs/log-store.ts";
import { AGENT_INDEXES } from "./store/indexes.ts";
import type { Definition } from "./tasks/definitions.ts";
import { startTask } from "./tasks/start-task.ts";
import type { TaskRecord } from "./tasks/task-store.ts";

const silent = (): void => {};
const logger = { debug: silent, info: silent, warn: silent, error: silent };
export const FENCE_KEY = new Uint8Array(32);

const noLogs: LogStore = {
  append: async () => 0,
  read: async () => ({ bytes: Buffer.alloc(0), size: 0, final: false }),
  close: async () => {},
};

export type TestAgentOptions = {
  /** Wraps the journal, for example to make it fail. */
  readonly wrapJournal?: (journal: Journal) => Journal;
  /** The store of an earlier agent, or of another agent at the same time. */
  readonly store?: MemoryStore;
  /** Version of the only pipeline. No other version is known. */
  readonly version?: string;
  /** Tasks run one after the other. Default: true. */
  readonly grouped?: boolean;
  /** The name of this agent where several share the store. */
  readonly name?: string;
};

export async function openTestAgent({
  wrapJournal,
  store,
  version = "sha256:0",
  grouped = true,
  name,
}: TestAgentOptions = {}) {
  const clock = new SteppedClock();
  const memory = openMemoryJournal({ indexes: AGENT_INDEXES, clock, ...(store ? { store } : {}) });
  const journal = wrapJournal?.(memory) ?? memory;
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
    fenceKey: FENCE_KEY,
    ...(name === undefined ? {} : { name }),
  });
  const start = (idempotencyKey: string): Promise<TaskRecord> =>
    startTask(
      { ...agent, journal, portalUrl: "http://portal", newId: randomUUID },
      { pipeline: "test", params: {}, principal: "dev", idempotencyKey },
    );
  return { agent, failNextAppend: memory.failNextAppend, wake: memory.wake, clock, start };
}

/** Holds back the appends that `which` selects, until `release`. `reached` resolves at the first one. */
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
  return { journal: { ...journal, append }, reached: reached.promise, release: held.resolve };
}

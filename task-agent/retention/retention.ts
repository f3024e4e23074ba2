// Retention put together: who sweeps when, what it tells, and what is read again of what has left.

import { dirname, join } from "node:path";
import type { RetentionPolicy } from "@gantry/core/retention/policy.ts";
import { openArchiveWriter } from "@gantry/journal/archive/archive.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import { openPeriodic } from "@gantry/runtime/periodic.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { Alarms } from "../alarms.ts";
import type { AgentConfig } from "../config.ts";
import { openReaders, type Readers } from "../events/readers.ts";
import { RELAY_STREAM } from "../events/relay.ts";
import type { Definitions } from "../tasks/definitions.ts";
import type { Tasks } from "../tasks/tasks.ts";
import { decideReadUpTo, type Stay } from "./decide-retention.ts";
import { sweepLogs } from "./log-retention.ts";
import { openTaskArchive, TASKS, type TaskArchive } from "./task-archive.ts";
import { sweepTasks } from "./task-retention.ts";

export type RetentionState = {
  /** Since the start. */
  readonly archivedTasks: number;
  readonly removedLogs: number;
  readonly failures: number;
  /** When the last pass went through, and when the oldest task was requested, ms since 1970. */
  readonly sweptAt: number | undefined;
  readonly oldest: number | undefined;
  /** Tasks that were old enough and stayed at the last pass, by why. */
  readonly stayed: ReadonlyMap<Stay, number>;
  readonly longestRemovalMs: number;
};

export type Retention = {
  readonly readers: Readers;
  readonly archive: TaskArchive;
  readonly state: () => RetentionState;
  /** One pass now; rejects when it fails. Periodic at once become one. */
  readonly sweep: () => Promise<void>;
  /** Periodic from time to time, until `close`. */
  readonly start: () => void;
  /** Resolves when the piece of work that is under way is done. */
  readonly close: () => Promise<void>;
};

export type OpenRetentionDeps = {
  readonly config: Pick<AgentConfig, "archive" | "logs" | "data" | "events">;
  /** Asked at every pass. */
  readonly policy: () => RetentionPolicy;
  readonly journal: Journal;
  readonly tasks: Tasks;
  readonly definitions: Definitions;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly alarms: Alarms;
  /** Between 0 and 1: agents that start together need not sweep together. */
  readonly random: () => number;
  /** This agent among those that share the journal. */
  readonly name: string | undefined;
};

const NOTHING_YET: RetentionState = {
  archivedTasks: 0,
  removedLogs: 0,
  failures: 0,
  sweptAt: undefined,
  oldest: undefined,
  stayed: new Map(),
  longestRemovalMs: 0,
};

export function openRetention(deps: OpenRetentionDeps): Retention {
  const { config, journal, tasks, clock, logger } = deps;
  const folder = archiveFolder(config);
  const logs = logFolder(config);
  const readers = openReaders(journal, clock);
  const archive = openTaskArchive(folder, deps.definitions);
  const writer = openArchiveWriter({ folder, kind: TASKS, writer: deps.name, nowMs: clock.nowMs });
  let state = NOTHING_YET;

  const readUpTo = async (now: number): Promise<number> => {
    const relay = config.events.kafka && (await journal.load(RELAY_STREAM));
    const place = config.events.kafka ? ((relay?.snapshot as { after: number } | undefined)?.after ?? 0) : undefined;
    return decideReadUpTo(await readers.all(), place, now);
  };
  const pass = async (): Promise<void> => {
    const shared = { journal, tasks, policy: deps.policy, rest: passes.rest, isStopping: passes.isStopping };
    const swept = await sweepTasks({ ...shared, archive: writer, readUpTo, clock });
    const removed = await sweepLogs({ ...shared, logs, archive: folder, writer: deps.name, archived: archive });
    const { archived, stayed, oldest, longestRemovalMs } = swept;
    state = {
      ...state,
      archivedTasks: state.archivedTasks + archived,
      removedLogs: state.removedLogs + removed,
      sweptAt: clock.nowMs(),
      oldest,
      stayed,
      longestRemovalMs: Math.max(state.longestRemovalMs, longestRemovalMs),
    };
    if (archived + removed > 0) logger.info({ tasks: archived, logs: removed }, "old tasks have left for the archive");
  };
  const passes = openPeriodic({
    clock,
    random: deps.random,
    pass: async () => {
      try {
        await pass();
      } catch (error) {
        state = { ...state, failures: state.failures + 1 };
        throw error;
      }
    },
    onFailed: (err) =>
      deps.alarms.raise("retention-failed", { err }, "old tasks cannot leave the journal; nothing was removed unsaved"),
  });

  return {
    readers,
    archive,
    state: () => state,
    sweep: passes.run,
    start: passes.start,
    close: passes.close,
  };
}

/** Agents that share a journal share the folder of the logs, and so what is beside it. */
export function archiveFolder(config: Pick<AgentConfig, "archive" | "logs" | "data">): string {
  return config.archive ?? join(dirname(logFolder(config)), "archive");
}

export function logFolder({ logs, data }: Pick<AgentConfig, "logs" | "data">): string {
  return logs ?? join(data, "logs");
}

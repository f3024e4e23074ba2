// Retention: when tasks and logs are moved to the archive, and its counters.

import { dirname, join } from "node:path";
import type { RetentionPolicy } from "@gantry/core/retention/policy.ts";
import { openArchiveWriter } from "@gantry/journal/archive/archive.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import { openPeriodic } from "@gantry/runtime/periodic.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { Alarms } from "../alarms.ts";
import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import { sweepBuilds } from "../builds/remove-old-builds.ts";
import type { AgentConfig } from "../config.ts";
import { openReaders, type Readers } from "../events/readers.ts";
import { relayStream } from "../events/relay.ts";
import { removeExpiredEnrolments } from "../identity/identities.ts";
import { storeMs } from "../store/store-time.ts";
import type { Definitions } from "../tasks/definitions.ts";
import type { Tasks } from "../tasks/tasks.ts";
import { sweepDeliveries } from "../webhooks/remove-old-deliveries.ts";
import { decideReadUpTo, type KeepReason } from "./decide-retention.ts";
import { sweepLogs } from "./log-retention.ts";
import { openTaskArchive, TASKS, type TaskArchive } from "./task-archive.ts";
import { type SweepResult, sweepTasks } from "./task-retention.ts";

export type RetentionState = {
  /** The counters are since the start. */
  readonly archivedTasks: number;
  readonly removedLogs: number;
  readonly failures: number;
  /** When the last pass succeeded, ms since 1970. */
  readonly sweptAt: number | undefined;
  /** When the oldest task was requested, ms since 1970. */
  readonly oldest: number | undefined;
  /** Tasks that were old enough and stayed in the journal at the last pass, by reason. */
  readonly kept: ReadonlyMap<KeepReason, number>;
  readonly longestRemovalMs: number;
};

export type Retention = {
  readonly readers: Readers;
  readonly archive: TaskArchive;
  readonly state: () => RetentionState;
  /** One pass now; rejects when it fails. If a pass is in progress, waits for that one. */
  readonly sweep: () => Promise<void>;
  /** Starts hourly passes, until `close`. */
  readonly start: () => void;
  /** Resolves when no work is in progress any more. */
  readonly close: () => Promise<void>;
};

export type OpenRetentionDeps = {
  readonly config: Pick<AgentConfig, "archive" | "logs" | "data" | "events">;
  /** Called at every pass. */
  readonly policy: () => RetentionPolicy;
  readonly journal: Journal;
  readonly tasks: Tasks;
  readonly definitions: Definitions;
  readonly artifacts?: ArtifactStore | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly alarms: Alarms;
  /** Between 0 and 1: agents that start together do not sweep at the same time. */
  readonly random: () => number;
  /** The name of this agent where several share the journal. */
  readonly name: string | undefined;
};

const INITIAL_STATE: RetentionState = {
  archivedTasks: 0,
  removedLogs: 0,
  failures: 0,
  sweptAt: undefined,
  oldest: undefined,
  kept: new Map(),
  longestRemovalMs: 0,
};

export function openRetention(deps: OpenRetentionDeps): Retention {
  const { config, journal, tasks, clock, logger } = deps;
  const folder = archiveFolder(config);
  const logs = logFolder(config);
  const readers = openReaders(journal, clock);
  const archive = openTaskArchive(folder, deps.definitions);
  const writer = openArchiveWriter({ folder, kind: TASKS, writer: deps.name, nowMs: clock.nowMs });
  let state = INITIAL_STATE;

  const readUpTo = async (now: number): Promise<number> => {
    const relay = config.events.kafka && ((await relayStream.load(journal))?.state.after ?? 0);
    return decideReadUpTo(await readers.all(), relay, now);
  };
  const pass = async (): Promise<void> => {
    const shared = { journal, tasks, policy: deps.policy, rest: passes.rest, isStopping: passes.isStopping };
    const swept = await sweepTasks({ ...shared, archive: writer, readUpTo, clock });
    const removed = await sweepLogs({ ...shared, logs, archive: folder, writer: deps.name, archived: archive });
    await removeExpiredEnrolments(journal, clock.nowMs());
    await sweepBuilds(journal, { nowMs: clock.nowMs(), rest: passes.rest, isStopping: passes.isStopping });
    // Their time was told when they were saved.
    await deps.artifacts?.sweep(await storeMs(journal));
    const { enabled, webhooks } = deps.policy();
    if (enabled)
      await sweepDeliveries(journal, webhooks.days, {
        ...{ nowMs: clock.nowMs(), rest: passes.rest, isStopping: passes.isStopping },
      });
    state = stateAfter(state, swept, removed, clock.nowMs());
    const moved = { tasks: swept.archived, logs: removed };
    if (moved.tasks + moved.logs > 0) logger.info(moved, "old tasks and logs were moved to the archive");
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
      deps.alarms.raise(
        "retention-failed",
        { err },
        "old tasks cannot be archived; nothing was removed without a copy",
      ),
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

function stateAfter(before: RetentionState, swept: SweepResult, removedLogs: number, nowMs: number): RetentionState {
  return {
    ...before,
    archivedTasks: before.archivedTasks + swept.archived,
    removedLogs: before.removedLogs + removedLogs,
    sweptAt: nowMs,
    oldest: swept.oldest,
    kept: swept.kept,
    longestRemovalMs: Math.max(before.longestRemovalMs, swept.longestRemovalMs),
  };
}

/** Agents that share a journal share the folder of the logs, so the default is beside that folder. */
export function archiveFolder(config: Pick<AgentConfig, "archive" | "logs" | "data">): string {
  return config.archive ?? join(dirname(logFolder(config)), "archive");
}

export function logFolder({ logs, data }: Pick<AgentConfig, "logs" | "data">): string {
  return logs ?? join(data, "logs");
}

// When the recovery file is written and used: what was committed goes in, and what a failover lost is put back. Without a
// `localFile` in the options nothing is recorded and nothing is repaired.

import type { Clock } from "@gantry/runtime/clock.ts";
import { textOf } from "./client.ts";
import type { Connection } from "./connection.ts";
import type { Connections } from "./connections.ts";
import type { HighWaterMarks } from "./high-water-marks.ts";
import type { Keys } from "./keys.ts";
import { distrust, MAINTENANCE_EVERY_MS, maintain, TRUST_MICROS } from "./maintenance.ts";
import type { RedisOptions } from "./options.ts";
import type { Reader } from "./reader.ts";
import { recordCommit } from "./record-commit.ts";
import { openRecoveryFile, type RecoveryFile } from "./recovery-file.ts";
import { repair } from "./repair.ts";
import type { Committed } from "./writer.ts";

export type Recovery = {
  readonly floors: RecoveryFile["floors"];
  /** A new connection has taken over the store: puts back what is missing. Rejects when the store fails meanwhile. */
  readonly onEntered: (connection: Connection, marks: HighWaterMarks) => Promise<void>;
  /** Never throws: a commit stands even when the file cannot be written. */
  readonly onCommitted: (committed: readonly Committed[], reader: Pick<Reader, "events">) => void;
  readonly onRemoved: (streams: readonly string[]) => void;
  /** Records the time (store time, microseconds) ahead of its use. */
  readonly reserve: (micros: number, seq: number) => void;
  /** Once a minute: drops streams that need not be kept any more. Rejects when the store fails meanwhile. */
  readonly maintain: (connections: Connections) => Promise<void>;
  readonly close: () => void;
};

export type RecoveryDeps = {
  readonly options: RedisOptions;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly waitReplicas: number;
  readonly waitMs: number;
};

/** Throws `store-busy` when another process has the file, and the file system's error when it cannot be used. */
export function makeRecovery(deps: RecoveryDeps): Recovery {
  const { localFile } = deps.options;
  return localFile === undefined ? NO_RECOVERY : withFile(deps, localFile);
}

const NO_RECOVERY: Recovery = {
  floors: { seq: 0, micros: 0 },
  onEntered: async () => {},
  onCommitted: () => {},
  onRemoved: () => {},
  reserve: () => {},
  maintain: async () => {},
  close: () => {},
};

function withFile({ options, keys, clock, waitReplicas, waitMs }: RecoveryDeps, localFile: string): Recovery {
  const file = openRecoveryFile(localFile, clock);
  const report = options.report ?? (() => {});
  const keep = options.keep ?? (() => false);
  let isBroken = false;
  let maintainedMs = clock.monotonicMs();

  /** The file cannot be written. Redis still has everything, so this is reported once and nothing is refused. */
  const onError = (error: unknown): void => {
    const problem = `The local recovery file is incomplete: ${textOf(error)}`;
    if (!isBroken) report({ kind: "degraded", address: localFile, problem });
    isBroken = true;
  };
  const attempt = (write: () => void): void => {
    try {
      write();
    } catch (error) {
      onError(error);
    }
  };

  return {
    floors: file.floors,
    onEntered: async (connection, marks) => {
      const isSameStore = file.checked?.store === connection.store;
      if (isSameStore && marks.micros - file.floors.micros > TRUST_MICROS) await distrust({ keys, file }, connection);
      const isRepaired = await repair({ keys, file, clock, waitReplicas, waitMs, report }, connection);
      if (isRepaired) attempt(() => file.setChecked(connection));
    },
    onCommitted: (committed, reader) => {
      for (const one of committed) recordCommit({ file, reader, keep, onError }, one);
      attempt(file.flush);
    },
    onRemoved: (streams) => attempt(() => file.forget(streams)),
    reserve: (micros, seq) => attempt(() => file.reserve(micros, seq)),
    maintain: async (connections) => {
      if (clock.monotonicMs() - maintainedMs < MAINTENANCE_EVERY_MS) return;
      maintainedMs = clock.monotonicMs();
      await maintain({ keys, file, keep }, await connections.ready());
    },
    close: file.close,
  };
}

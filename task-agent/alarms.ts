// Problems that need an operator, because no part of the system can repair them. Logged, and counted for the metrics.

import type { Logger } from "@gantry/runtime/process/logger.ts";

export type AlarmKind =
  /** A runner presents a fence that this store never gave: the store was restored from an older copy. */
  | "store-rolled-back"
  /** The journal has lost acknowledged writes. They were restored from this agent's file, or cannot be restored. */
  | "store-lost-writes"
  /** An attempt was reported twice with different results. */
  | "report-differs"
  /** A canceled job was given up; its runner never confirmed that it stopped. */
  | "cancel-unconfirmed"
  /** Old tasks or logs cannot be archived, for example because the disk is full. Nothing was removed without a copy. */
  | "retention-failed"
  /** The pipeline files have mistakes or cannot be read: the last good set stays in force. */
  | "pipelines-refused"
  /** Processes of a job survived SIGKILL on a runner. */
  | "kill-failed";

export type Alarms = {
  readonly raise: (kind: AlarmKind, fields: object, text: string) => void;
  /** How often each alarm was raised since the start. */
  readonly counts: () => ReadonlyMap<AlarmKind, number>;
};

export function openAlarms(logger: Pick<Logger, "error">): Alarms {
  const counts = new Map<AlarmKind, number>();
  return {
    raise: (kind, fields, text) => {
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      logger.error({ alarm: kind, ...fields }, text);
    },
    counts: () => counts,
  };
}

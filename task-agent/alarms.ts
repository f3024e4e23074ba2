// What an operator must know of, because no part of the system can put it right. Told by the log and counted for metrics.

import type { Logger } from "@gantry/runtime/process/logger.ts";

export type AlarmKind =
  /** A runner shows a fence that this store never gave: the store was set back to an older copy. */
  | "store-rolled-back"
  /** The journal had lost acknowledged writes: they were put back from this agent's file, or cannot be. */
  | "store-lost-writes"
  /** One attempt was reported in two ways. */
  | "report-differs"
  /** A canceled job was given up without its runner having said that it stopped. */
  | "cancel-unconfirmed"
  /** Old tasks or logs cannot be moved to the archive: its disk is full, say. Nothing was removed unsaved. */
  | "retention-failed"
  /** Processes of a job survived SIGKILL on a runner. */
  | "kill-failed";

export type Alarms = {
  readonly raise: (kind: AlarmKind, fields: object, text: string) => void;
  /** How often each was raised since the start. */
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

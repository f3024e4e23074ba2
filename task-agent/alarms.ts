// Problems that need an operator, because no part of the system can repair them. Logged, and counted for the metrics.

import type { Clock } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";

export type AlarmKind =
  /** A runner presents a fence that this store issued but no longer knows: the store was restored from an older copy. */
  | "store-rolled-back"
  /**
   * A runner presents a fence without proof that it was issued: it is forged, or comes from an older runner after a restore.
   */
  | "fence-unproven"
  /** The journal has lost acknowledged writes. They were restored from this agent's file, or cannot be restored. */
  | "store-lost-writes"
  /** An attempt was reported twice with different results. */
  | "report-differs"
  /** A canceled job was given up; its runner never confirmed that it stopped. */
  | "cancel-unconfirmed"
  /** Old tasks or logs cannot be archived, for example because the disk is full. Nothing was removed without a copy. */
  | "retention-failed"
  /** The pipeline files have mistakes or cannot be read: the last valid set stays in force. */
  | "pipelines-refused"
  /** A webhook sends more than it may: its secret may be in other hands. */
  | "deliveries-limited"
  /** Processes of a job survived SIGKILL on a runner. */
  | "kill-failed";

export type Alarms = {
  /** Does nothing if many alarms of this kind were raised recently, because runners can cause some kinds at will. */
  readonly raise: (kind: AlarmKind, fields: object, text: string) => void;
  /** How often each alarm was raised since the start. */
  readonly counts: () => ReadonlyMap<AlarmKind, number>;
};

/** The most alarms of one kind in `PERIOD_MS`. The next one after that says how many were suppressed. */
const MAX_IN_PERIOD = 20;
const PERIOD_MS = 60_000;

export function openAlarms(logger: Pick<Logger, "error">, clock: Pick<Clock, "monotonicMs">): Alarms {
  const counts = new Map<AlarmKind, number>();
  const periods = new Map<AlarmKind, { readonly sinceMs: number; raised: number; leftOut: number }>();
  return {
    raise: (kind, fields, text) => {
      const now = clock.monotonicMs();
      const before = periods.get(kind);
      const isOver = !before || now - before.sinceMs >= PERIOD_MS;
      const period = isOver ? { sinceMs: now, raised: 0, leftOut: 0 } : before;
      periods.set(kind, period);
      if (period.raised >= MAX_IN_PERIOD) {
        period.leftOut += 1;
        return;
      }
      period.raised += 1;
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      const leftOut = isOver && before && before.leftOut > 0 ? { left_out_before: before.leftOut } : {};
      logger.error({ alarm: kind, ...fields, ...leftOut }, text);
    },
    counts: () => counts,
  };
}

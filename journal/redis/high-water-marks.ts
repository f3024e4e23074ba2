// The highest counters this process has seen. Every script gets them, so that a store that a failover rolled back, or that
// was emptied, never gives the same seq or the same time twice.

import type { Clock } from "@gantry/runtime/clock.ts";

export type HighWaterMarks = {
  readonly seq: number;
  readonly acked: number;
  readonly micros: number;
  readonly sawSeq: (seq: number) => void;
  readonly sawAcked: (seq: number) => void;
  readonly sawTime: (micros: number) => void;
  /** The store has just answered with its time. */
  readonly heardTime: (micros: number) => void;
  /**
   * The store's time: its last answer plus the time that has passed here since, so never ahead of the store.
   * Undefined when the last answer is so old that the two clocks may have drifted apart.
   */
  readonly recentTime: () => number | undefined;
};

const RECENT_MS = 1_000;

export function makeHighWaterMarks(
  from: { readonly seq: number; readonly micros: number },
  clock: Pick<Clock, "monotonicMs">,
): HighWaterMarks {
  let { seq, micros } = from;
  let acked = 0;
  let heard = { micros: 0, atMs: Number.NEGATIVE_INFINITY };
  return {
    get seq() {
      return seq;
    },
    get acked() {
      return acked;
    },
    get micros() {
      return micros;
    },
    sawSeq: (one) => {
      seq = Math.max(seq, one);
    },
    sawAcked: (one) => {
      acked = Math.max(acked, one);
    },
    sawTime: (one) => {
      micros = Math.max(micros, one);
    },
    heardTime: (one) => {
      micros = Math.max(micros, one);
      heard = { micros: one, atMs: clock.monotonicMs() };
    },
    recentTime: () => {
      const sinceMs = clock.monotonicMs() - heard.atMs;
      if (sinceMs > RECENT_MS) return undefined;
      micros = Math.max(micros, heard.micros + Math.floor(sinceMs * 1_000));
      return micros;
    },
  };
}

// What this agent has seen of the store's counters. They go into every script, so that a store that was rolled back by
// a failover, or emptied, never gives the same seq or the same time once more.

import type { Clock } from "@gantry/runtime/clock.ts";

export type HighWaterMarks = {
  readonly seq: number;
  readonly acked: number;
  readonly micros: number;
  readonly sawSeq: (seq: number) => void;
  readonly sawAcked: (seq: number) => void;
  readonly sawTime: (micros: number) => void;
  /** The store has just said that it is so late. */
  readonly heardTime: (micros: number) => void;
  /**
   * How late it is in the store: what it said last, and what has passed here since, so never more than it would say itself.
   * Undefined when it has said nothing for so long that two clocks may differ.
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

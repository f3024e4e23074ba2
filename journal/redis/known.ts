// What this agent has seen of the store's counters. They go into every script, so that a store that was rolled back by
// a failover, or emptied, never gives the same seq or the same time once more.

export type Known = {
  readonly seq: number;
  readonly acked: number;
  readonly micros: number;
  readonly sawSeq: (seq: number) => void;
  readonly sawAcked: (seq: number) => void;
  readonly sawTime: (micros: number) => void;
};

export function makeKnown(from: { readonly seq: number; readonly micros: number }): Known {
  let { seq, micros } = from;
  let acked = 0;
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
  };
}

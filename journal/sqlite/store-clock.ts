// Time that never goes back, even after a crash or when the machine's clock is set back. A horizon ahead of the time is
// stored, once per second of use instead of once per answer; after a restart the time continues from there.

import type { StatementSync } from "node:sqlite";
import type { Clock } from "@gantry/runtime/clock.ts";

export type StoreClock = {
  /** The next microsecond that was never given out. Call it inside a transaction, before `reserveAhead`. */
  readonly tick: () => number;
  /** Whether the next `reserveAhead` could raise the stored horizon. */
  readonly isNearHorizon: () => boolean;
  /** Raises the stored horizon when the time comes near it, as part of the caller's transaction. */
  readonly reserveAhead: () => void;
  /** The next microsecond; raises the stored horizon if needed. */
  readonly now: () => number;
  /** Reads the stored horizon again after a rollback. */
  readonly reread: () => void;
  /** Raises the stored horizon now. Throws when the file cannot be written. */
  readonly reserve: () => void;
  /** Stores the exact time, so that a clean end leaves no gap. */
  readonly close: () => void;
};

const RESERVE_MICROS = 1_000_000;
/** More than passes between the question and the answer. */
const SLACK_MICROS = RESERVE_MICROS / 20;

export function makeStoreClock(read: StatementSync, write: StatementSync, clock: Clock): StoreClock {
  const readHorizon = (): number => Number(read.get()?.horizon);
  let horizon = readHorizon();
  let last = horizon;

  const tick = (): number => {
    last = Math.max(last + 1, Math.floor(clock.nowMs() * 1_000));
    return last;
  };
  const reserve = (): void => {
    write.run(last + RESERVE_MICROS);
    horizon = last + RESERVE_MICROS;
  };
  return {
    tick,
    reserve,
    isNearHorizon: () => Math.max(last, clock.nowMs() * 1_000) + RESERVE_MICROS / 2 + SLACK_MICROS > horizon,
    reserveAhead: () => {
      if (last + RESERVE_MICROS / 2 > horizon) reserve();
    },
    now: () => {
      const now = tick();
      if (now > horizon) reserve();
      return now;
    },
    reread: () => {
      horizon = readHorizon();
    },
    close: () => void write.run(last),
  };
}

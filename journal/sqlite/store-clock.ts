// Time that never goes back, also over a crash and when the machine's clock is set back: it is written down ahead of
// itself, once per second of use and not once per answer, and goes on from there after a restart.

import type { StatementSync } from "node:sqlite";
import type { Clock } from "@gantry/runtime/clock.ts";

export type StoreClock = {
  /** The next microsecond that was never answered; inside a transaction, before `reserveAhead`. */
  readonly tick: () => number;
  /** Writes the time ahead of itself when little is left; part of the caller's transaction. */
  readonly reserveAhead: () => void;
  /** The next microsecond, written down if need be. */
  readonly now: () => number;
  /** After a transaction was rolled back: what was written down is read again. */
  readonly reread: () => void;
  /** Writes the time ahead now; throws when the file cannot be written. */
  readonly reserve: () => void;
  /** A clean end leaves no gap. */
  readonly close: () => void;
};

const RESERVE_MICROS = 1_000_000;

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

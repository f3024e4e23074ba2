// A clock that a test moves: both times, or only the wall clock.

import type { Clock } from "./clock.ts";

type Timer = { readonly at: number; readonly run: () => void };

export class SteppedClock implements Clock {
  #monotonic = 0;
  #wall = Date.UTC(2026, 0, 1);
  #timers: Timer[] = [];

  nowMs = (): number => this.#wall;
  monotonicMs = (): number => this.#monotonic;
  after = (ms: number, run: () => void): (() => void) => {
    const timer = { at: this.#monotonic + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  };

  /** Sets the wall clock; monotonic time and timers are not affected. */
  jumpWall(ms: number): void {
    this.#wall += ms;
  }

  /** Fires the timers in order; the work that one starts runs before the next one fires. */
  async pass(ms: number): Promise<void> {
    const end = this.#monotonic + ms;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const [next] = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.#to(Math.max(this.#monotonic, next.at));
      next.run();
    }
    this.#to(end);
  }

  #to(monotonic: number): void {
    this.#wall += monotonic - this.#monotonic;
    this.#monotonic = monotonic;
  }
}

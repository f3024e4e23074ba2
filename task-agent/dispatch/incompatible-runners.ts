// Runners that wanted to sign in and cannot, because their version and this agent's do not get along: what waits for a
// runner of their site says so. They try again all the time, so whoever is not heard of is not there any more.

import { explain, type GantryError } from "@gantry/core/errors.ts";
import type { Clock } from "@gantry/runtime/clock.ts";

export type IncompatibleRunners = {
  readonly note: (site: string, runner: string, error: GantryError) => void;
  /** A sentence about them, or undefined when there is none. */
  readonly at: (site: string) => string | undefined;
};

const MAX_KEPT = 1_000;

export function openIncompatibleRunners(clock: Pick<Clock, "monotonicMs">, keptMs: number): IncompatibleRunners {
  const seen = new Map<string, { readonly site: string; readonly text: string; readonly atMs: number }>();
  return {
    note: (site, runner, error) => {
      const { message, why, todo } = explain(error);
      seen.delete(runner);
      seen.set(runner, { site, text: `${message} ${why} ${todo}`, atMs: clock.monotonicMs() });
      const [oldest] = seen.keys();
      if (seen.size > MAX_KEPT && oldest !== undefined) seen.delete(oldest);
    },
    at: (site) => {
      const since = clock.monotonicMs() - keptMs;
      const found = [...seen.values()].filter((one) => one.site === site && one.atMs > since);
      return found.at(-1)?.text;
    },
  };
}

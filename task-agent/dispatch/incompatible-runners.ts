// Runners that cannot sign in because their version and this agent's are incompatible. Jobs that wait for a runner of
// their site say so. Such runners keep trying, so one that has been silent for a while is gone.

import { explain, type GantryError } from "@gantry/core/errors.ts";
import type { Clock } from "@gantry/runtime/clock.ts";

export type IncompatibleRunners = {
  readonly add: (site: string, runner: string, error: GantryError) => void;
  /** A sentence about the newest of them at this site; undefined when there is none. */
  readonly at: (site: string) => string | undefined;
};

const MAX_KEPT = 1_000;

/** `forgetAfterMs`: a runner that has not tried for this long counts as gone. */
export function openIncompatibleRunners(clock: Pick<Clock, "monotonicMs">, forgetAfterMs: number): IncompatibleRunners {
  const seen = new Map<string, { readonly site: string; readonly text: string; readonly atMs: number }>();
  return {
    add: (site, runner, error) => {
      const { message, why, todo } = explain(error);
      seen.delete(runner);
      seen.set(runner, { site, text: `${message} ${why} ${todo}`, atMs: clock.monotonicMs() });
      const [oldest] = seen.keys();
      if (seen.size > MAX_KEPT && oldest !== undefined) seen.delete(oldest);
    },
    at: (site) => {
      const since = clock.monotonicMs() - forgetAfterMs;
      const found = [...seen.values()].filter((one) => one.site === site && one.atMs > since);
      return found.at(-1)?.text;
    },
  };
}

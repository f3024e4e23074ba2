// How many tasks one person may start in a minute, where an administrator has set it. Counted by each agent for itself.

import { GantryError } from "@gantry/core/errors.ts";
import type { Clock } from "@gantry/runtime/clock.ts";

const WINDOW_MS = 60_000;

/** Counts one more task of somebody, or throws `too-many`. `limit` is asked every time; undefined: no limit. */
export function openRateLimit(
  clock: Pick<Clock, "monotonicMs">,
  limit: () => number | undefined,
): (who: string) => void {
  const started = new Map<string, number[]>();
  return (who) => {
    const most = limit();
    if (most === undefined) {
      started.clear();
      return;
    }
    const since = clock.monotonicMs() - WINDOW_MS;
    for (const [one, times] of started) if ((times.at(-1) ?? 0) <= since) started.delete(one);
    const recent = (started.get(who) ?? []).filter((at) => at > since);
    if (recent.length >= most) throw new GantryError("too-many", { who, limit: most });
    started.set(who, [...recent, clock.monotonicMs()]);
  };
}

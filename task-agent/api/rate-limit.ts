// Limits how many tasks one person may start per minute, if an administrator has set a limit. Each agent counts alone.

import { GantryError } from "@gantry/core/errors.ts";
import type { Clock } from "@gantry/runtime/clock.ts";

const WINDOW_MS = 60_000;

/** The answer counts a task of a person, or throws `too-many`. `limit` is read every time; undefined: no limit. */
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

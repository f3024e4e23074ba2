// Limits how many tasks may be started per minute: by one person, if an administrator has set a limit, and by the triggers of
// one app. Each agent counts alone.

import { GantryError } from "@gantry/core/errors.ts";
import type { Clock } from "@gantry/runtime/clock.ts";

const WINDOW_MS = 60_000;

/** The answer counts a task, or throws `refusal`. `limit` is read every time; undefined: no limit. */
export function openRateLimit(
  clock: Pick<Clock, "monotonicMs">,
  limit: () => number | undefined,
  refusal = (who: string, most: number): GantryError => new GantryError("too-many", { who, limit: most }),
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
    if (recent.length >= most) throw refusal(who, most);
    started.set(who, [...recent, clock.monotonicMs()]);
  };
}

/** The answer counts a task that a trigger of an app starts, or throws `limit-reached`. */
export function openTriggerLimit(clock: Pick<Clock, "monotonicMs">, perMinute: number): (app: string) => void {
  return openRateLimit(
    clock,
    () => perMinute,
    (app, limit) =>
      new GantryError("limit-reached", {
        who: `The app ${app}`,
        limit,
        what: "tasks of triggers in a minute",
        retryAfterS: WINDOW_MS / 1_000,
      }),
  );
}

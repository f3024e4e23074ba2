// The times that a schedule plans.

import { nextCronTime } from "./cron.ts";
import type { ScheduleTrigger } from "./trigger.ts";

type Times = Pick<ScheduleTrigger, "cron" | "onceMs" | "timeZone" | "untilMs">;

/** The first planned time after this one; undefined when there is none. Milliseconds since 1970. */
export function nextTime({ cron, onceMs, timeZone, untilMs = Infinity }: Times, afterMs: number): number | undefined {
  const next = cron === undefined ? onceMs : nextCronTime(cron, timeZone, afterMs);
  return next !== undefined && next > afterMs && next < untilMs ? next : undefined;
}

/** At most `count` planned times after this one, in order. */
export function nextTimes(schedule: Times, afterMs: number, count: number): readonly number[] {
  const times: number[] = [];
  for (let at = nextTime(schedule, afterMs); at !== undefined && times.length < count; at = nextTime(schedule, at))
    times.push(at);
  return times;
}

/** `2026-10-25 03:00 GMT+1`: in the zone, with what the zone is called at that time. */
export function inZone(ms: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZoneName: "short",
  }).formatToParts(ms);
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? "";
  return `${part("year")}-${part("month")}-${part("day")} ${part("hour")}:${part("minute")} ${part("timeZoneName")}`;
}

/** What identifies the times of a schedule: a schedule with other times is another one. */
export function scheduleKey({ cron, onceMs, timeZone, untilMs }: Times): string {
  return JSON.stringify([cron ?? null, onceMs ?? null, timeZone, untilMs ?? null]);
}

// Times of a cron expression in a time zone. The only file that knows the cron library. Pure: the library is never given a
// function to call, so it starts no timer.

import { Cron } from "croner";

/** Minutes, hours, days of the month, months, days of the week. */
const FIELDS = 5;

/** Why the text is no cron expression of five fields; undefined if it is one. */
export function cronProblem(cron: string): string | undefined {
  const fields = cron.trim().split(/\s+/);
  if (cron.trim().startsWith("@")) return "write the five fields instead of a name: `@daily` is `0 0 * * *`";
  if (fields.length !== FIELDS)
    return `a cron expression has ${FIELDS} fields (minute, hour, day of the month, month, day of the week), and this has ${fields.length}`;
  try {
    open(cron, "UTC");
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError || error instanceof Error)
      return `this is no cron expression: ${plain(error.message)}`;
    throw error;
  }
  return undefined;
}

/** Whether this is an IANA name such as Europe/Berlin, or UTC. An offset is none: it has no daylight saving. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** The first time after this one, in ms since 1970; undefined when there is none. The cron and the zone were checked. */
export function nextCronTime(cron: string, timeZone: string, afterMs: number): number | undefined {
  return open(cron, timeZone).nextRun(new Date(afterMs))?.getTime();
}

function open(cron: string, timezone: string): Cron {
  // Lists and ranges of hours are fixed times, as in the cron of Unix: in an hour that occurs twice they run once.
  return new Cron(cron.trim(), { timezone, paused: true, mode: "5-part", fixedTimeRule: "no-wildcard" });
}

function plain(message: string): string {
  return message.replace(/^CronPattern:\s*/, "").replace(/\.$/, "");
}

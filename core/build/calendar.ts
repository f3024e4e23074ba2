// When an environment takes deployments: its windows, and the freezes that close it. Pure: the time is an argument, ms since
// 1970, and time zones are those that JavaScript knows.

import { z } from "zod";

const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** A calendar that is still closed after so many openings and freezes never opens. */
const MAX_TURNS = 400;

const clock = (last: string) =>
  z.string().regex(new RegExp(`^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]${last})$`), 'must be a time of day such as "08:30"');
const timeZone = z.string().refine(isTimeZone, "must be the name of a time zone, such as Europe/Berlin or UTC");
const moment = z.iso.datetime({
  offset: true,
  error: "must be a time with its offset, such as 2026-12-20T18:00:00+01:00",
});

export const windowShape = z.strictObject({
  days: z
    .array(z.enum(DAYS))
    .min(1)
    .default([...DAYS]),
  from: clock(""),
  /** Not later than `from`: it ends on the next day. */
  to: clock("|24:00"),
  timeZone,
});
export const freezeShape = z.strictObject({
  from: moment,
  to: moment,
  reason: z.string().min(1).max(500),
  owner: z.string().min(1).max(200),
});
export type Window = z.output<typeof windowShape>;
export type Freeze = z.output<typeof freezeShape>;
export type Calendar = {
  readonly windows?: readonly Window[] | undefined;
  readonly freezes?: readonly Freeze[] | undefined;
};

/** `opensAt`: ms since 1970; undefined when it never opens. */
export type Closed = {
  readonly code: "window" | "freeze";
  readonly text: string;
  readonly opensAt: number | undefined;
};

/** Why `environment` takes no deployment at this time; undefined when it does. */
export function closedAt(environment: string, calendar: Calendar, now: number): Closed | undefined {
  const freeze = freezeAt(calendar, now);
  const opensAt = (): number | undefined => nextOpening(calendar, now);
  if (freeze) {
    const text = `Deployments to ${environment} are frozen by ${freeze.owner}: ${freeze.reason.replace(/\.$/, "")}.`;
    return { code: "freeze", text, opensAt: opensAt() };
  }
  if (isInWindow(calendar, now)) return undefined;
  const windows = (calendar.windows ?? []).map(windowInWords).join("; ");
  return {
    code: "window",
    text: `${environment} takes deployments only in its windows: ${windows}.`,
    opensAt: opensAt(),
  };
}

/** What is wrong with a freeze, as a sentence without a full stop. */
export function freezeProblem({ from, to }: Freeze): string | undefined {
  return Date.parse(from) < Date.parse(to) ? undefined : "`to` must be later than `from`";
}

function nextOpening(calendar: Calendar, now: number): number | undefined {
  let at = now;
  for (let turn = 0; turn < MAX_TURNS; turn += 1) {
    const freeze = freezeAt(calendar, at);
    if (freeze) at = Date.parse(freeze.to);
    else if (isInWindow(calendar, at)) return at;
    else at = nextStart(calendar.windows ?? [], at);
  }
  return undefined;
}

/** Of several, the one that ends last. */
function freezeAt({ freezes = [] }: Calendar, at: number): Freeze | undefined {
  const now = freezes.filter(({ from, to }) => Date.parse(from) <= at && at < Date.parse(to));
  return now.toSorted((a, b) => Date.parse(b.to) - Date.parse(a.to))[0];
}

function isInWindow({ windows = [] }: Calendar, at: number): boolean {
  return (
    windows.length === 0 ||
    windows.some((one) => {
      const local = at + offsetAt(at, one.timeZone);
      const minute = Math.floor((local % DAY_MS) / MINUTE_MS);
      const today = hasDay(one, dayOf(local));
      const [from, to] = [minuteOf(one.from), minuteOf(one.to)];
      if (from < to) return today && minute >= from && minute < to;
      return (today && minute >= from) || (hasDay(one, dayOf(local) - 1) && minute < to);
    })
  );
}

/** The first beginning of a window after `at`: at the latest in eight days. */
function nextStart(windows: readonly Window[], at: number): number {
  const starts = windows.flatMap((one) => {
    const first = dayOf(at + offsetAt(at, one.timeZone));
    return Array.from({ length: 9 }, (_, ahead) => first + ahead)
      .filter((day) => hasDay(one, day))
      .map((day) => utcOf(day * DAY_MS + minuteOf(one.from) * MINUTE_MS, one.timeZone))
      .filter((start) => start > at);
  });
  return Math.min(...starts);
}

/** Days since 1970 by the local calendar. */
function dayOf(local: number): number {
  return Math.floor(local / DAY_MS);
}

/** 1970-01-01 was a Thursday. */
function hasDay({ days }: Window, day: number): boolean {
  const name = DAYS[(((day + 4) % 7) + 7) % 7];
  return name !== undefined && days.includes(name);
}

function minuteOf(time: string): number {
  const [hours, minutes] = time.split(":");
  return Number(hours) * 60 + Number(minutes);
}

/** A local time that a change of the clock leaves out is taken as the time after the change. */
function utcOf(local: number, zone: string): number {
  const guess = local - offsetAt(local, zone);
  return Math.max(guess, local - offsetAt(guess, zone));
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** By how much the local clock is ahead of UTC, ms. */
function offsetAt(ms: number, zone: string): number {
  const format = formats.get(zone) ?? formatOf(zone);
  formats.set(zone, format);
  const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  const local = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
  return local - Math.floor(ms / 1_000) * 1_000;
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const number = "numeric" as const;
  const fields = { year: number, month: number, day: number, hour: number, minute: number, second: number };
  return new Intl.DateTimeFormat("en-US", { timeZone, hourCycle: "h23", ...fields });
}

function isTimeZone(name: string): boolean {
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}

function windowInWords({ days, from, to, timeZone }: Window): string {
  const every = days.length === DAYS.length ? "every day" : days.join(", ");
  return `${every} ${from} to ${to} (${timeZone})`;
}

// A year of schedules at two agents, in simulated time: some 3,000 tasks.

import assert from "node:assert/strict";
import { test } from "node:test";
import { every, TriggersFixture, tick } from "./triggers.fixture.ts";

test("A12, C9: a year in Berlin at two agents: every planned time starts one task, through both changes of the clock", async (t) => {
  const fixture = await TriggersFixture.open(t, {
    daily: every("30 2 * * *", "timeZone: Europe/Berlin"),
    hours: every("0 0,6,12,18 * * *", "timeZone: Europe/Berlin"),
    often: every("15 * * * 0", "timeZone: Europe/Berlin"),
  });
  fixture.setTime("2026-01-01T00:00:00+01:00");
  const agents = [await fixture.start(), await fixture.start()] as const;
  const end = Date.parse("2027-01-01T00:00:00+01:00");
  for (;;) {
    await tick(...agents);
    const times = (await agents[0].triggers.list({})).flatMap(({ nextAt }) => (nextAt ? [Date.parse(nextAt)] : []));
    const next = Math.min(...times);
    if (next >= end) break;
    fixture.setTime(new Date(next).toISOString());
  }
  const all = await fixture.started();
  const local = new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/Berlin", dateStyle: "short", timeStyle: "short" });
  const timesOf = (pipeline: string): string[] =>
    all.filter((one) => one.pipeline === pipeline).map(({ trigger }) => local.format(new Date(String(trigger.at))));
  const days = Array.from({ length: 365 }, (_, day) => new Date(Date.UTC(2026, 0, 1 + day)).toISOString().slice(0, 10));

  // 02:30 is missing on 29 March, and occurs twice on 25 October.
  assert.deepEqual(
    timesOf("daily"),
    days.map((day) => `${day} ${day === "2026-03-29" ? "03:00" : "02:30"}`),
  );
  const twice = all.filter(
    ({ pipeline, trigger }) => pipeline === "daily" && String(trigger.at).startsWith("2026-10-25"),
  );
  assert.deepEqual(
    twice.map(({ trigger }) => trigger.at),
    ["2026-10-25T00:30:00.000Z"],
  );
  // The first midnight is the time at which the agents begin.
  const four = days.flatMap((day) => ["00:00", "06:00", "12:00", "18:00"].map((time) => `${day} ${time}`));
  assert.deepEqual(timesOf("hours"), four.slice(1));
  // Every hour of each Sunday: one has 23 hours, one has 25.
  const sundays = new Map(days.filter((day) => new Date(day).getUTCDay() === 0).map((day) => [day, 24]));
  sundays.set("2026-03-29", 23).set("2026-10-25", 25);
  const counted = Map.groupBy(timesOf("often"), (time) => time.slice(0, 10));
  assert.deepEqual(new Map([...counted].map(([day, times]) => [day, times.length])), sundays);
});

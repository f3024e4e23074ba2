import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { testRuns } from "../test-runs.fixture.ts";
import { type Calendar, closedAt, type Window } from "./calendar.ts";
import { readEnvironments } from "./read-environments.ts";

const OFFICE: Window = {
  days: ["mon", "tue", "wed", "thu", "fri"],
  from: "09:00",
  to: "17:00",
  timeZone: "Europe/Berlin",
};
const at = (text: string): number => Date.parse(text);
const opens = (calendar: Calendar, now: string): string | undefined => {
  const closed = closedAt("prod", calendar, at(now));
  return closed && (closed.opensAt === undefined ? "never" : new Date(closed.opensAt).toISOString());
};

describe("I8: the windows of an environment", () => {
  test("are open from their beginning to before their end, by the clock of their time zone", () => {
    const calendar = { windows: [OFFICE] };
    assert.equal(opens(calendar, "2026-11-20T07:59:59Z"), "2026-11-20T08:00:00.000Z");
    assert.equal(opens(calendar, "2026-11-20T08:00:00Z"), undefined);
    assert.equal(opens(calendar, "2026-11-20T15:59:59Z"), undefined);
    assert.equal(opens(calendar, "2026-11-20T16:00:00Z"), "2026-11-23T08:00:00.000Z");
  });

  test("follow daylight saving: the same local time is another one in UTC", () => {
    assert.equal(opens({ windows: [OFFICE] }, "2026-03-27T20:00:00Z"), "2026-03-30T07:00:00.000Z");
    assert.equal(opens({ windows: [OFFICE] }, "2026-10-23T20:00:00Z"), "2026-10-26T08:00:00.000Z");
    // 02:30 does not exist on this Sunday.
    const night: Window = { days: ["sun"], from: "02:30", to: "04:00", timeZone: "Europe/Berlin" };
    assert.equal(opens({ windows: [night] }, "2026-03-28T20:00:00Z"), "2026-03-29T01:30:00.000Z");
  });

  test("may end on the next day", () => {
    const night: Window = { days: ["fri"], from: "22:00", to: "02:00", timeZone: "UTC" };
    assert.equal(opens({ windows: [night] }, "2026-11-21T01:59:00Z"), undefined);
    assert.equal(opens({ windows: [night] }, "2026-11-21T02:00:00Z"), "2026-11-27T22:00:00.000Z");
  });

  test("a freeze closes them, with its reason, until the first window after it", () => {
    const freezes = [
      { from: "2026-12-18T18:00:00+01:00", to: "2027-01-02T00:00:00+01:00", reason: "Holidays.", owner: "kim" },
    ];
    const closed = closedAt("prod", { windows: [OFFICE], freezes }, at("2026-12-21T10:00:00Z"));
    assert.equal(closed?.text, "Deployments to prod are frozen by kim: Holidays.");
    assert.equal(closed?.opensAt, at("2027-01-04T08:00:00Z"));
    assert.equal(closedAt("prod", { freezes }, at("2027-01-02T00:00:00Z")), undefined);
  });

  test("it is closed until the time that it says, and open then", () => {
    const day = fc.constantFrom("sun", "mon", "tue", "wed", "thu", "fri", "sat");
    const time = fc.integer({ min: 0, max: 1_439 }).map((minute) => {
      return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
    });
    const zone = fc.constantFrom("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata");
    const window = fc.record({ days: fc.array(day, { minLength: 1 }), from: time, to: time, timeZone: zone });
    const year = fc.integer({ min: at("2026-01-01T00:00:00Z"), max: at("2027-01-01T00:00:00Z") });
    const property = fc.property(fc.array(window, { minLength: 1, maxLength: 3 }), year, (windows, now) => {
      const closed = closedAt("prod", { windows: windows as Window[] }, now);
      if (!closed) return;
      assert.ok(closed.opensAt !== undefined && closed.opensAt > now && closed.opensAt < now + 9 * 86_400_000);
      assert.equal(closedAt("prod", { windows: windows as Window[] }, closed.opensAt), undefined);
      const between = now + Math.floor((closed.opensAt - now) / 2);
      assert.notEqual(closedAt("prod", { windows: windows as Window[] }, between), undefined);
    });
    fc.assert(property, { numRuns: testRuns(100) });
  });
});

test("I8: mistakes in the policy of an environment are reported together, each at its place", () => {
  const read = readEnvironments(
    "environments.yaml",
    `environments:
  prod:
    approval: { approvers: [ops], count: 2 }
    windows:
      - { days: [monday], from: "9", to: "17:00", timeZone: Mars/North }
    freezes:
      - { from: "2026-12-20", to: "2026-12-19T00:00:00Z", reason: x, owner: kim }
  two: { approval: { approvers: ["person:kim"], count: 2 }, frezes: [] }
`,
  );
  assert.ok("problems" in read);
  const found = read.problems.map(({ line, detail }) => `${line}: ${detail}`).join("\n");
  for (const one of [
    /3: .*group:NAME, person:NAME or role:NAME/,
    /5: .*mon/,
    /5: .*a time of day such as/,
    /5: .*the name of a time zone/,
    /7: .*a time with its offset/,
    /8: .*frezes.*did you mean freezes/,
  ])
    assert.match(found, one);
  const late = readEnvironments(
    "environments.yaml",
    `environments:
  prod:
    approval: { approvers: ["person:kim"], count: 2 }
    freezes: [{ from: "2026-12-20T00:00:00Z", to: "2026-12-19T00:00:00Z", reason: x, owner: kim }]
`,
  );
  assert.ok("problems" in late);
  assert.deepEqual(
    late.problems.map(({ line, detail }) => `${line}: ${detail}`),
    [
      "3: environments.prod.approval: there are fewer than 2 approvers, so nothing could be approved",
      "4: environments.prod.freezes.0: `to` must be later than `from`",
    ],
  );
});

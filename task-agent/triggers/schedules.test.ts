import assert from "node:assert/strict";
import { test } from "node:test";
import { decideCancel } from "@gantry/core/task/decide-task.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { every, LONG, type Process, SHORT, TriggersFixture, tick } from "./triggers.fixture.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A changed file counts when two readings in a row found the same content. */
async function settle(agent: Process): Promise<void> {
  await tick(agent);
  await tick(agent);
}

test("A11: a time in the future starts one task within two seconds of it, also after a restart", async (t) => {
  const fixture = await TriggersFixture.open(t, {
    once: `app: none\ntriggers: [{ schedule: { once: 2026-03-01T13:00:00+01:00 } }]\n${SHORT}`,
  });
  fixture.setTime("2026-03-01T11:58:00Z");
  const first = await fixture.start();
  await tick(first);
  const [scheduled] = await first.triggers.list({});
  assert.equal(scheduled?.id, "_:once:schedule-1");
  assert.equal(scheduled?.nextAt, "2026-03-01T12:00:00.000Z");
  assert.deepEqual(await fixture.started(), []);
  const second = await fixture.start();
  for (let seconds = 0; seconds < 200; seconds += 1) {
    await fixture.clock.pass(1_000);
    await tick(second);
  }
  const [task, ...others] = await fixture.started();
  assert.deepEqual(others, []);
  assert.ok(task && Date.parse(task.at) - Date.parse("2026-03-01T12:00:00Z") < 2_000, task?.at);
  assert.equal(task.trigger.at, "2026-03-01T12:00:00.000Z");
  const [done] = await second.triggers.list({});
  assert.equal(done?.nextAt, undefined);
  assert.equal(done?.last?.task, task.id);
});

test("A11: a time that has passed when the file is first read starts nothing, and says so", async (t) => {
  const fixture = await TriggersFixture.open(t, {
    once: `app: none\ntriggers: [{ schedule: { once: 2026-01-01T00:00:00Z } }]\n${SHORT}`,
  });
  fixture.setTime("2026-03-01T00:00:00Z");
  const agent = await fixture.start();
  await tick(agent);
  const [trigger] = await agent.triggers.list({});
  assert.deepEqual(await fixture.started(), []);
  assert.equal(trigger?.last?.nothing, "Its time had passed when the schedule was first read.");
});

test("A12: a schedule of every minute counts its tasks and ends at its `until`", async (t) => {
  const fixture = await TriggersFixture.open(t, { often: every("* * * * *", "until: 2026-03-01T00:05:00Z") });
  fixture.setTime("2026-03-01T00:00:30Z");
  const agent = await fixture.start();
  for (let seconds = 0; seconds < 600; seconds += 5) {
    await tick(agent);
    await fixture.clock.pass(5_000);
  }
  const started = await fixture.started();
  assert.deepEqual(
    started.map(({ trigger }) => [trigger.at, trigger.count]),
    [1, 2, 3, 4].map((minute) => [`2026-03-01T00:0${minute}:00.000Z`, minute]),
  );
  const [trigger] = await agent.triggers.list({});
  assert.equal(trigger?.nextAt, undefined);
  assert.equal(trigger?.count, 4);
});

test("C9: a planned time starts one task, wherever an agent is killed", async (t) => {
  for (let kill = 1; kill <= 6; kill += 1)
    for (const isCommitted of [false, true]) {
      const fixture = await TriggersFixture.open(t, { nightly: every("0 3 * * *") });
      fixture.setTime("2026-03-01T02:59:58Z");
      await tick(await fixture.start());
      await fixture.clock.pass(3_000);
      let appends = 0;
      const dying = await fixture.start((journal) => ({
        ...journal,
        append: async (batch, options) => {
          appends += 1;
          if (appends < kill) return journal.append(batch, options);
          if (appends === kill && isCommitted) await journal.append(batch, options);
          throw new Error("the process was killed");
        },
      }));
      await tick(dying).catch(() => {});
      const others = [await fixture.start(), await fixture.start()] as const;
      for (let seconds = 0; seconds < 30; seconds += 1) {
        await tick(...others);
        await fixture.clock.pass(1_000);
      }
      const started = await fixture.started();
      assert.deepEqual(
        started.map(({ trigger }) => trigger.at),
        ["2026-03-01T03:00:00.000Z"],
        `killed at append ${kill}, ${isCommitted ? "after" : "before"} it was committed`,
      );
      const [trigger] = await others[0].triggers.list({});
      assert.equal(trigger?.last?.task, started[0]?.id);
      assert.equal(trigger?.count, 1);
    }
});

test("C9: nothing starts while the store fails, and everything after", async (t) => {
  const fixture = await TriggersFixture.open(t, { nightly: every("0 3 * * *") });
  fixture.setTime("2026-03-01T02:59:58Z");
  let isDown = false;
  const failing = (journal: Journal): Journal => ({
    ...journal,
    append: (batch, options) => (isDown ? Promise.reject(new Error("down")) : journal.append(batch, options)),
  });
  const agent = await fixture.start(failing);
  await tick(agent);
  await fixture.clock.pass(3_000);
  isDown = true;
  await assert.rejects(tick(agent), /down/);
  assert.equal((await fixture.started()).length, 0);
  isDown = false;
  await tick(agent);
  assert.equal((await fixture.started()).length, 1);
});

for (const [catchUp, expected] of [
  ["none", []],
  ["latest", ["05:00"]],
  ["all", ["01:00", "02:00", "03:00", "04:00", "05:00"]],
] as const)
  test(`A11: after an outage \`catchUp: ${catchUp}\` makes up for ${expected.length} of five missed times`, async (t) => {
    const fixture = await TriggersFixture.open(t, { hourly: every("0 * * * *", `catchUp: ${catchUp}`) });
    fixture.setTime("2026-03-01T00:30:00Z");
    await tick(await fixture.start());
    fixture.setTime("2026-03-01T05:30:00Z");
    const agent = await fixture.start();
    await tick(agent);
    const started = (await fixture.started()).map(({ trigger }) => String(trigger.at).slice(11, 16));
    assert.deepEqual(started, expected);
    const [trigger] = await agent.triggers.list({});
    assert.equal(trigger?.nextAt, "2026-03-01T06:00:00.000Z");
    if (catchUp === "none")
      assert.equal(trigger?.last?.nothing, "5 times passed while no task-agent ran; `catchUp` is none.");
  });

test("A11: an outage of a year makes up for at most 100 times of the last week", async (t) => {
  const fixture = await TriggersFixture.open(t, { often: every("* * * * *", "catchUp: all") });
  fixture.setTime("2026-03-01T00:00:30Z");
  await tick(await fixture.start());
  fixture.setTime("2027-03-01T00:00:30Z");
  const agent = await fixture.start();
  await tick(agent);
  const started = await fixture.started();
  assert.equal(started.length, 100);
  assert.equal(started.at(-1)?.trigger.at, "2027-03-01T00:00:00.000Z");
});

test("A12: a time during the last task starts nothing, waits, or cancels it, as `overlap` says", async (t) => {
  const fixture = await TriggersFixture.open(t, {
    skip: every("*/10 * * * *", "overlap: skip", LONG),
    queue: every("*/10 * * * *", "overlap: queue", LONG),
    cancel: every("*/10 * * * *", "overlap: cancel-older", LONG),
  });
  fixture.setTime("2026-03-01T00:05:00Z");
  const agent = await fixture.start();
  for (let minutes = 0; minutes < 30; minutes += 1) {
    await tick(agent);
    await fixture.clock.pass(MINUTE);
  }
  const started = async (pipeline: string) => (await fixture.started()).filter((one) => one.pipeline === pipeline);
  const [skipped] = await started("skip");
  assert.equal((await started("skip")).length, 1);
  const triggers = await agent.triggers.list({});
  const of = (pipeline: string) => triggers.find((one) => one.pipeline === pipeline);
  assert.equal(of("skip")?.last?.nothing, `Task ${skipped?.id} of an earlier time has not ended. \`overlap\` is skip.`);
  assert.equal((await started("queue")).length, 1);
  assert.equal(of("queue")?.waiting, 2);
  const canceled = await started("cancel");
  assert.deepEqual(
    canceled.map(({ trigger }) => String(trigger.at).slice(11, 16)),
    ["00:10", "00:20", "00:30"],
  );
  const outcomes = await Promise.all(canceled.map(async ({ id }) => (await agent.tasks.read(id))?.state.outcome));
  assert.deepEqual(outcomes, ["canceled", "canceled", undefined]);
});

test("A12: a task that waited for its turn starts when the one before it has ended", async (t) => {
  const fixture = await TriggersFixture.open(t, { queue: every("*/10 * * * *", "overlap: queue", LONG) });
  fixture.setTime("2026-03-01T00:05:00Z");
  const agent = await fixture.start();
  for (let minutes = 0; minutes < 17; minutes += 1) {
    await tick(agent);
    await fixture.clock.pass(MINUTE);
  }
  const [first] = await fixture.started();
  assert.ok(first);
  await agent.tasks.change(first.id, ({ state }, now) => decideCancel(state, { by: "kim" }, now));
  await tick(agent);
  const [, second] = await fixture.started();
  assert.equal(second?.trigger.at, "2026-03-01T00:20:00.000Z");
});

test("C9: the jitter of a time is the same at every agent, and inside its limit", async (t) => {
  const fixture = await TriggersFixture.open(t, { spread: every("0 * * * *", "jitter: 30m") });
  fixture.setTime("2026-03-01T00:30:00Z");
  const agents = [await fixture.start(), await fixture.start()] as const;
  await tick(...agents);
  const next = await Promise.all(agents.map(async ({ triggers }) => (await triggers.list({}))[0]?.nextAt));
  assert.equal(next[0], next[1]);
  for (let minutes = 0; minutes < 24 * 60; minutes += 1) {
    await tick(...agents);
    await fixture.clock.pass(MINUTE);
  }
  const delays = (await fixture.started()).map(({ at, trigger }) => Date.parse(at) - Date.parse(String(trigger.at)));
  assert.equal(delays.length, 24);
  assert.ok(
    delays.every((ms) => ms >= 0 && ms < 31 * MINUTE),
    String(delays),
  );
  assert.ok(new Set(delays.map((ms) => Math.floor(ms / MINUTE))).size > 5, String(delays));
});

test("A12: a schedule that changes, disappears and comes back begins anew each time", async (t) => {
  const fixture = await TriggersFixture.open(t, { nightly: every("0 3 * * *"), other: every("0 4 * * *") });
  fixture.setTime("2026-03-01T00:00:00Z");
  const agent = await fixture.start();
  await tick(agent);
  await fixture.write({ nightly: every("0 5 * * *") });
  await settle(agent);
  const next = async () => (await agent.triggers.list({})).find(({ pipeline }) => pipeline === "nightly")?.nextAt;
  assert.equal(await next(), "2026-03-01T05:00:00.000Z");
  fixture.setTime("2026-03-01T05:00:01Z");
  await tick(agent);
  const of = async (pipeline: string) => (await fixture.started()).filter((one) => one.pipeline === pipeline);
  assert.deepEqual(
    (await of("nightly")).map(({ trigger }) => trigger.at),
    ["2026-03-01T05:00:00.000Z"],
  );

  await fixture.write({ nightly: `app: none\n${SHORT}` });
  await settle(agent);
  assert.equal((await agent.triggers.list({})).length, 1);
  fixture.setTime("2026-03-10T06:00:00Z");
  await tick(agent);
  await fixture.write({ nightly: every("0 5 * * *") });
  await settle(agent);
  assert.equal((await of("nightly")).length, 1);
  assert.equal(await next(), "2026-03-11T05:00:00.000Z");
});

test("A12: a bad cron is refused with line and column, and nothing is stored of it", async (t) => {
  const fixture = await TriggersFixture.open(t, { good: every("0 3 * * *") });
  const agent = await fixture.start();
  await tick(agent);
  await fixture.write({ bad: every("61 3 * * *") });
  await settle(agent);
  const [problem, ...others] = agent.definitions.refused()?.problems ?? [];
  assert.deepEqual(others, []);
  assert.deepEqual([problem?.file, problem?.line, problem?.column], ["bad.yaml", 4, 23]);
  assert.match(problem?.detail ?? "", /^this is no cron expression/);
  await fixture.clock.pass(DAY);
  await tick(agent);
  assert.deepEqual(
    (await agent.triggers.list({})).map(({ id }) => id),
    ["_:good:schedule-1"],
  );
});

test("A12: a paused schedule starts nothing and says by whom; resumed, it makes up for nothing", async (t) => {
  const fixture = await TriggersFixture.open(t, { hourly: every("0 * * * *", "catchUp: all") });
  fixture.setTime("2026-03-01T00:30:00Z");
  const agents = [await fixture.start(), await fixture.start()] as const;
  await tick(...agents);
  const id = "_:hourly:schedule-1";
  await agents[0].triggers.pause(id, { principal: "kim", reason: "the database moves" });
  for (let hours = 0; hours < 3; hours += 1) {
    await fixture.clock.pass(HOUR);
    await tick(...agents);
  }
  assert.deepEqual(await fixture.started(), []);
  const paused = await agents[1].triggers.view(id);
  assert.equal(paused.last?.nothing, "The trigger is paused by kim: the database moves.");
  assert.equal(paused.nextAt, undefined);
  const resumed = await agents[1].triggers.resume(id);
  assert.equal(resumed.paused, undefined);
  assert.equal(resumed.nextAt, "2026-03-01T04:00:00.000Z");
  await fixture.clock.pass(HOUR);
  await tick(...agents);
  assert.deepEqual(
    (await fixture.started()).map(({ trigger }) => trigger.at),
    ["2026-03-01T04:00:00.000Z"],
  );
});

test("A12: a schedule of a pipeline for apps starts a task for each app that it names, with its params", async (t) => {
  const fixture = await TriggersFixture.open(t, {
    nightly: `apps: ["label:nightly=yes"]
params: { day: { type: string, default: none } }
triggers:
  - schedule: { cron: "0 3 * * *" }
    when: app.name != "second"
    params: { day: "\${{ trigger.at }} of \${{ app.name }}" }
${SHORT}`,
  });
  fixture.setTime("2026-03-01T02:59:00Z");
  const agent = await fixture.start();
  for (const name of ["first", "second"]) await fixture.addApp(name, { labels: { nightly: "yes" } });
  await fixture.addApp("third");
  await tick(agent);
  await fixture.clock.pass(MINUTE);
  await tick(agent);
  const started = await fixture.started();
  const states = await Promise.all(started.map(async ({ id }) => (await agent.tasks.read(id))?.state));
  assert.deepEqual(
    states.map((state) => [state?.app, state?.params, state?.requestedBy]),
    [["first", { day: "2026-03-01T03:00:00.000Z of first" }, "trigger:schedule"]],
  );
  const triggers = await agent.triggers.list({});
  assert.deepEqual(
    triggers.map(({ id, last }) => [id, last?.nothing]),
    [
      ["first:nightly:schedule-1", undefined],
      ["second:nightly:schedule-1", "The condition of the trigger is not met: the name of the app is second."],
    ],
  );
});

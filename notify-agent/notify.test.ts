// The notify-agent from outside: a feed over real HTTP on one side, a messenger and a mail box on the other.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { overHttp } from "./api/routes.suite.ts";
import { NOTIFY_INDEXES } from "./deliveries/delivery.ts";
import { startNotifyAgent } from "./main.ts";
import {
  AGENT_TOKEN,
  deliveries,
  ended,
  feedEvent,
  inbox,
  START_MS,
  startFeed,
  TOKEN,
  until,
} from "./notify.fixture.ts";
import { openWorld, settled, tried } from "./notify-process.fixture.ts";

describe("telling people", () => {
  test("one message per event and rule on every channel, and the record of it", async (t) => {
    const world = await openWorld(t);
    const agent = await world.start();
    world.feed.add({ kind: "TaskRequested" });
    world.feed.add({ kind: "JobStarted", job: "deploy", attempt: 1 });
    world.feed.add({ ...ended("failed"), failedAt: { job: "deploy[tokyo]", step: "wait" } });
    // The same end again, as an agent that lost its answer may tell it.
    world.feed.add(ended("failed"));
    world.feed.add(ended("succeeded"), { task: "t02" });
    const all = await settled(agent, 6);

    assert.deepEqual(all.map((one) => one.key).sort(), [
      "task-ended/t01/inbox",
      "task-ended/t01/mail",
      "task-ended/t01/ops",
      "task-ended/t02/inbox",
      "task-ended/t02/mail",
      "task-ended/t02/ops",
    ]);
    assert.deepEqual(
      (await world.messages()).map((one) => [one.key, one.title]),
      [
        ["task-ended/t01/ops", "✕ Run CD: orders failed at deploy[tokyo]: wait"],
        ["task-ended/t02/ops", "✓ Run CD: orders succeeded"],
      ],
    );
    assert.deepEqual(
      (await world.mails()).map((one) => one.subject),
      ["[gantry] ✕ Run CD: orders failed at deploy[tokyo]: wait", "[gantry] ✓ Run CD: orders succeeded"],
    );
    assert.deepEqual(
      (await inbox(agent.url)).map((one) => [one.task, one.state]),
      [
        ["t02", "succeeded"],
        ["t01", "failed"],
      ],
    );
  });

  test("rules of the configuration decide, with their own receivers", async (t) => {
    const world = await openWorld(t, {
      rules: [
        {
          name: "mine",
          when: 'event.kind == "TaskEnded" && event.outcome == "failed"',
          oncePer: "task.app",
          send: [{ channel: "mail", to: 'task.requestedBy + "@corp.example"' }],
        },
      ],
    });
    const agent = await world.start();
    world.feed.add(ended("succeeded"));
    world.feed.add(ended("failed"), { task: "t02" });
    world.feed.add(ended("failed"), { task: "t03" });
    world.feed.add(ended("failed"), { task: "t04", app: "billing" });
    await settled(agent, 2);
    assert.deepEqual(
      (await world.mails()).map((one) => one.to),
      [["kim@corp.example"], ["kim@corp.example"]],
    );
  });

  test("a held job asks a person", async (t) => {
    const world = await openWorld(t);
    const agent = await world.start();
    world.feed.add({ kind: "JobHeld", job: "deploy[seoul]", reason: "The runner was lost after the push." });
    await settled(agent, 3);
    const [message] = await world.messages();
    assert.equal(message?.title, "? Run CD: orders: deploy[seoul] needs an answer");
    assert.match(message?.text ?? "", /The runner was lost after the push\.\nSomebody has to decide/);
  });

  test("what is too old to be news is passed over", async (t) => {
    const world = await openWorld(t);
    const agent = await world.start();
    world.clock.advance(4 * 24 * 3_600_000);
    world.feed.add(ended("failed"));
    world.feed.add(ended("failed"), { task: "t02" }, new Date(world.clock.nowMs()));
    await settled(agent, 3);
    assert.deepEqual(
      (await world.messages()).map((one) => one.key),
      ["task-ended/t02/ops"],
    );
  });

  test("events that nobody is told of cost no write, until there is time for it", async (t) => {
    const world = await openWorld(t);
    const agent = await world.start();
    world.feed.add({ kind: "StepStarted", job: "build", step: "compile" });
    await world.feed.awaited(1);
    assert.equal(await agent.journal.load("cursor/feed"), undefined);
    world.feed.answer();
    const kept = await until(agent.journal, () => agent.journal.load("cursor/feed"));
    assert.deepEqual(kept.snapshot, { after: 1 });
  });
});

describe("starting again", () => {
  test("nothing is told twice, and nothing that happened meanwhile is missed", async (t) => {
    const world = await openWorld(t);
    const first = await world.start();
    world.feed.add(ended("failed"));
    await settled(first, 3);
    await first.stop();
    world.feed.add(ended("succeeded"), { task: "t02" });
    const second = await world.start();
    await settled(second, 6);
    assert.deepEqual(
      (await world.messages()).map((one) => one.key),
      ["task-ended/t01/ops", "task-ended/t02/ops"],
    );
    assert.equal((await world.mails()).length, 2);
  });

  test("what was recorded and not sent is sent", async (t) => {
    const world = await openWorld(t);
    world.messenger.faults.add({ kind: "drop", match: "slack", times: 1 });
    const first = await world.start();
    world.feed.add(ended("failed"));
    await tried(first, "task-ended/t01/ops", 1);
    await first.stop();
    assert.deepEqual(await world.messages(), []);
    world.clock.advance(60_000);
    const second = await world.start();
    await settled(second, 3);
    assert.deepEqual(
      (await world.messages()).map((one) => one.key),
      ["task-ended/t01/ops"],
    );
  });

  test("a channel that is gone from the configuration ends its deliveries", async (t) => {
    const world = await openWorld(t);
    world.messenger.faults.add({ kind: "drop", match: "slack", times: 1 });
    const first = await world.start();
    world.feed.add(ended("failed"));
    await tried(first, "task-ended/t01/ops", 1);
    await settled(first, 3, ["delivered", "pending"]);
    await first.stop();
    const agent = await startNotifyAgent(
      { token: TOKEN, agent: { url: world.feed.url, token: AGENT_TOKEN } },
      {
        journal: openMemoryJournal({ indexes: NOTIFY_INDEXES, store: world.store }),
        clock: world.clock,
        logger: world.log.logger,
      },
    );
    const ops = (await deliveries(agent.url)).find((one) => one.channel === "ops");
    await agent.close();
    assert.equal(ops?.state, "refused");
    assert.match(ops?.problem ?? "", /no channel ops any more/);
  });
});

describe("channels that fail", () => {
  test("a channel that is down is tried again, later and later, until it is up; the others do not wait", async (t) => {
    const world = await openWorld(t);
    world.messenger.faults.add({ kind: "status", status: 503, match: "slack", times: 3 });
    const agent = await world.start();
    world.feed.add(ended("failed"));
    const waits: number[] = [];
    for (let tries = 1; tries <= 3; tries += 1) {
      const one = await tried(agent, "task-ended/t01/ops", tries);
      assert.equal(one.state, "pending");
      assert.match(one.problem ?? "", /status 503/);
      const waitMs = Date.parse(one.nextTryAt ?? "") - world.clock.nowMs();
      waits.push(waitMs);
      world.clock.advance(waitMs);
    }
    assert.deepEqual(waits, [2_000, 4_000, 8_000]);
    const all = await settled(agent, 3);
    assert.equal(all.find((one) => one.channel === "ops")?.tries, 4);
    assert.equal((await world.messages()).length, 1);
    assert.equal((await world.mails()).length, 1);
  });

  test("one message that is never taken does not hold up the next", async (t) => {
    const world = await openWorld(t);
    world.messenger.faults.add({ kind: "status", status: 500, match: "slack", times: 1 });
    const agent = await world.start();
    world.feed.add(ended("failed"));
    await tried(agent, "task-ended/t01/ops", 1);
    world.feed.add(ended("failed"), { task: "t02" });
    await tried(agent, "task-ended/t02/ops", 1);
    assert.deepEqual(
      (await world.messages()).map((one) => one.key),
      ["task-ended/t02/ops"],
    );
  });

  test("410 is refused, recorded, and not tried again", async (t) => {
    const world = await openWorld(t);
    world.messenger.faults.add({ kind: "status", status: 410, body: "channel_is_archived", match: "slack", times: 1 });
    const agent = await world.start();
    world.feed.add(ended("failed"));
    const all = await settled(agent, 3, ["delivered", "refused"]);
    const ops = all.find((one) => one.channel === "ops");
    assert.equal(ops?.state, "refused");
    assert.equal(ops?.problem, "status 410: channel_is_archived");
    assert.equal(ops?.nextTryAt, undefined);
    world.clock.advance(10 * 24 * 3_600_000);
    assert.equal((await world.messages()).length, 0);
  });

  test("an answer that was lost leads to a second message with the same key", async (t) => {
    const world = await openWorld(t);
    world.messenger.faults.add({ kind: "drop-answer", match: "slack", times: 1 });
    const agent = await world.start();
    world.feed.add(ended("failed"));
    await tried(agent, "task-ended/t01/ops", 1);
    world.clock.advance(2_000);
    await settled(agent, 3);
    assert.deepEqual(
      (await world.messages()).map((one) => one.key),
      ["task-ended/t01/ops", "task-ended/t01/ops"],
    );
  });

  test("a mail server that says later gets the same Message-ID again", async (t) => {
    const world = await openWorld(t);
    world.box.refuse(451, "try later", 1);
    const agent = await world.start();
    world.feed.add(ended("failed"));
    const one = await tried(agent, "task-ended/t01/mail", 1);
    assert.match(one.problem ?? "", /try later/);
    world.clock.advance(2_000);
    await settled(agent, 3);
    assert.equal((await world.mails()).length, 1);
  });

  test("after three days it is given up, and the record says why", async (t) => {
    const world = await openWorld(t, { delivery: { firstRetryMs: 60_000, maxRetryMs: 6 * 3_600_000 } });
    world.messenger.faults.add({ kind: "status", status: 500, body: "rollup_error", match: "slack", times: 10_000 });
    const agent = await world.start();
    world.feed.add(ended("failed"));
    for (let tries = 1; ; tries += 1) {
      const one = await tried(agent, "task-ended/t01/ops", tries);
      if (one.state !== "pending") {
        assert.equal(one.state, "given-up");
        assert.match(one.problem ?? "", /rollup_error/);
        assert.ok(world.clock.nowMs() - START_MS <= 72 * 3_600_000);
        assert.ok(one.tries > 10);
        break;
      }
      world.clock.advance(Date.parse(one.nextTryAt ?? "") - world.clock.nowMs());
    }
  });

  test("a result that could not be recorded is recorded later, and the message is not sent again", async (t) => {
    const world = await openWorld(t);
    world.failAfterSending = true;
    const agent = await world.start();
    world.feed.add(ended("failed"));
    await until(agent.journal, async () => (world.log.lines.some((line) => line.level === "error") ? true : undefined));
    assert.deepEqual((await deliveries(agent.url)).find((one) => one.channel === "ops")?.state, "pending");
    world.clock.advance(5_000);
    await settled(agent, 3);
    assert.equal((await world.messages()).length, 1);
  });
});

describe("the feed", () => {
  test("a task-agent that is not there yet is waited for; the log says it once", async (t) => {
    const world = await openWorld(t);
    const { port } = world.feed;
    await world.feed.close();
    const agent = await world.start();
    for (let n = 0; n < 5; n += 1) {
      await world.clock.whenAwaited();
      if (n < 4) world.clock.advance(60_000);
    }
    const back = await startFeed([feedEvent(1, ended("failed"))], port);
    t.after(() => back.close());
    world.clock.advance(60_000);
    await settled(agent, 3);
    const warnings = world.log.lines.filter((line) => line.message.includes("the feed cannot be read"));
    assert.equal(warnings.length, 1);
    assert.ok(world.log.lines.some((line) => line.message.includes("is back")));
  });

  test("a feed that begins anew is read from its start", async (t) => {
    const world = await openWorld(t);
    const agent = await world.start();
    for (let n = 0; n < 5; n += 1) world.feed.add({ kind: "JobStarted", job: "a" });
    world.feed.add(ended("failed"));
    await settled(agent, 3);
    world.feed.forget();
    world.feed.add(ended("failed"), { task: "t99" });
    await settled(agent, 6);
    assert.equal((await world.messages()).length, 2);
  });

  test("an append whose answer was lost loses nothing and doubles nothing", async (t) => {
    for (const fault of ["lost", "unanswered"] as const) {
      const world = await openWorld(t);
      const agent = await world.start();
      agent.journal.failNextAppend(fault);
      world.feed.add(ended("failed"));
      await world.clock.whenAwaited();
      world.clock.advance(60_000);
      await settled(agent, 3);
      assert.equal((await world.messages()).length, 1, fault);
      assert.equal((await world.mails()).length, 1, fault);
    }
  });
});

overHttp();

// The notify-agent from outside: a feed over real HTTP on one side, a messenger and a mail box on the other.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { type MemoryJournal, newMemoryStore, openMemoryJournal } from "@gantry/journal/memory.ts";
import { type LabMail, startMailBox } from "@gantry/lab/world/mail.ts";
import { type LabMessage, startMessenger } from "@gantry/lab/world/messenger.ts";
import type { DeliveryView } from "@gantry/wire/views.ts";
import type { NotifyConfigInput } from "./config.ts";
import { NOTIFY_INDEXES } from "./delivery.ts";
import { startNotifyAgent } from "./main.ts";
import {
  AGENT_TOKEN,
  deliveries,
  ended,
  feedEvent,
  get,
  handClock,
  inbox,
  keepLog,
  START_MS,
  startFeed,
  TOKEN,
  until,
} from "./notify.fixture.ts";

type World = Awaited<ReturnType<typeof openWorld>>;

/** Feed, messenger and mail box, and a notify-agent that can be started again on the same journal. */
async function openWorld(t: TestContext, more: Partial<NotifyConfigInput> = {}) {
  const dir = await mkdtemp(join(tmpdir(), "gantry-notify-"));
  const messenger = await startMessenger({ name: "messenger", dir });
  const box = await startMailBox({ name: "mail", dir });
  const feed = await startFeed();
  const clock = handClock();
  const store = newMemoryStore();
  const log = keepLog();
  const closers: (() => Promise<void>)[] = [];
  t.after(async () => {
    for (const close of closers) await close();
    await Promise.all([feed.close(), messenger.close(), box.close()]);
    await rm(dir, { recursive: true, force: true });
  });

  const world = { failAfterSending: false };

  const start = async (): Promise<{ url: string; journal: MemoryJournal; stop: () => Promise<void> }> => {
    const journal = openMemoryJournal({ indexes: NOTIFY_INDEXES, store, clock: { ...clock, after: realAfter } });
    const config: NotifyConfigInput = {
      token: TOKEN,
      agent: { url: feed.url, token: AGENT_TOKEN },
      channels: {
        ops: { kind: "messenger", preset: "slack", url: `${messenger.url}/slack/services/T/B/secretOfTheHook` },
        mail: {
          kind: "mail",
          host: "127.0.0.1",
          port: box.smtpPort,
          tls: "if-offered",
          from: "g@corp.example",
          to: ["ops@corp.example"],
        },
      },
      ...more,
    };
    const watched: typeof fetch = async (input, init) => {
      const answer = await fetch(input, init);
      if (world.failAfterSending && String(input).includes("slack")) {
        world.failAfterSending = false;
        journal.failNextAppend("lost");
      }
      return answer;
    };
    const agent = await startNotifyAgent(config, {
      journal,
      clock,
      logger: log.logger,
      random: () => 1,
      fetch: watched,
    });
    let stopped = false;
    const stop = async (): Promise<void> => {
      if (!stopped) await agent.close();
      stopped = true;
    };
    closers.push(stop);
    return { url: agent.url, journal, stop };
  };
  return Object.assign(world, {
    feed,
    messenger,
    box,
    clock,
    store,
    log,
    start,
    messages: async (): Promise<readonly LabMessage[]> =>
      ((await (await fetch(`${messenger.url}/_lab/messages`)).json()) as { items: LabMessage[] }).items,
    mails: async (): Promise<readonly LabMail[]> =>
      ((await (await fetch(`${box.url}/_lab/mails`)).json()) as { items: LabMail[] }).items,
  });
}

/** The journal's waits go by real time; only the agent's are moved by hand. */
function realAfter(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

type Running = Awaited<ReturnType<World["start"]>>;

/** Waits until so many deliveries exist and none of them is pending with a try ahead that is due. */
function settled(
  agent: Running,
  count: number,
  states: readonly DeliveryView["state"][] = ["delivered"],
): Promise<readonly DeliveryView[]> {
  return until(agent.journal, async () => {
    const all = await deliveries(agent.url);
    return all.length === count && all.every((one) => states.includes(one.state)) ? all : undefined;
  });
}

function tried(agent: Running, key: string, tries: number): Promise<DeliveryView> {
  return until(agent.journal, async () =>
    (await deliveries(agent.url)).find((one) => one.key === key && one.tries >= tries),
  );
}

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

describe("over HTTP", () => {
  test("the inbox can be followed by its ids", async (t) => {
    const world = await openWorld(t);
    const agent = await world.start();
    const first = inbox(agent.url, "?after=&wait=10000");
    world.feed.add(ended("failed"));
    const [one] = await first;
    assert.ok(one);
    assert.equal(one.url, "https://portal.example/tasks/t01");
    const next = inbox(agent.url, `?after=${one.id}&wait=10000`);
    world.feed.add(ended("succeeded"), { task: "t02" });
    assert.deepEqual(
      (await next).map((item) => item.task),
      ["t02"],
    );
    assert.deepEqual(await inbox(agent.url, `?after=${(await next)[0]?.id}`), []);
  });

  test("pages, newest first", async (t) => {
    const world = await openWorld(t, { channels: {}, rules: undefined });
    const agent = await world.start();
    for (let n = 1; n <= 7; n += 1) world.feed.add(ended("failed"), { task: `t${n}` });
    await settled(agent, 7);
    const seen: string[] = [];
    let cursor = "";
    do {
      const page = await get<{ items: { task: string }[]; nextCursor?: string }>(agent.url, `inbox?limit=3${cursor}`);
      seen.push(...page.items.map((item) => item.task));
      cursor = page.nextCursor ? `&cursor=${page.nextCursor}` : "";
    } while (cursor !== "");
    assert.deepEqual(seen, ["t7", "t6", "t5", "t4", "t3", "t2", "t1"]);
  });

  test("a channel can be tried out", async (t) => {
    const world = await openWorld(t);
    const agent = await world.start();
    const ask = (name: string, token = TOKEN): Promise<Response> =>
      fetch(`${agent.url}/notify/v1/channels/${name}/test`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
      });
    assert.deepEqual(await (await ask("ops")).json(), { kind: "delivered" });
    assert.match((await world.messages())[0]?.title ?? "", /^✓ Gantry can speak through ops/);
    world.messenger.faults.add({ kind: "status", status: 404, body: "no_service", match: "slack", times: 1 });
    assert.deepEqual(await (await ask("ops")).json(), { kind: "refused", problem: "status 404: no_service" });
    assert.equal((await ask("nobody")).status, 404);
    assert.equal((await ask("ops", "wrong-token-wrong-token")).status, 401);
  });

  test("only with the token, except for health and metrics; strange queries are refused", async (t) => {
    const world = await openWorld(t);
    const agent = await world.start();
    for (const path of ["inbox", "deliveries"]) {
      assert.equal((await fetch(`${agent.url}/notify/v1/${path}`)).status, 401);
      await assert.rejects(get(agent.url, path, AGENT_TOKEN), /401/);
    }
    for (const query of [
      "limit=0",
      "limit=x",
      "cursor=%%",
      "cursor=x",
      "after=abc",
      "wait=5",
      "after=1&cursor=x",
      "x=1",
    ]) {
      await assert.rejects(get(agent.url, `inbox?${query}`), /400/, query);
    }
    world.feed.add(ended("failed"));
    await settled(agent, 3);
    assert.equal((await fetch(`${agent.url}/livez`)).status, 200);
    assert.equal((await fetch(`${agent.url}/readyz`)).status, 200);
    const metrics = await (await fetch(`${agent.url}/metrics`)).text();
    assert.match(metrics, /gantry_notifications_total\{channel="ops",result="delivered"\} 1/);
    assert.match(metrics, /gantry_feed_up 1/);
    assert.doesNotMatch(metrics, /t01/);
  });
});

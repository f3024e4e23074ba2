// The notify-agent as a black box: a fake feed over real HTTP, a fake messenger and a fake mail server.

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
import { settled, startTestEnvironment, tried } from "./notify-process.fixture.ts";

describe("notifications", () => {
  test("one message per event and rule on every channel, with a record", async (t) => {
    const env = await startTestEnvironment(t);
    const agent = await env.start();
    env.feed.add({ kind: "TaskRequested" });
    env.feed.add({ kind: "JobStarted", job: "deploy", attempt: 1 });
    env.feed.add({ ...ended("failed"), failedAt: { job: "deploy[tokyo]", step: "wait" } });
    // The same event again, as an agent may send it whose response was lost.
    env.feed.add(ended("failed"));
    env.feed.add(ended("succeeded"), { task: "t02" });
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
      (await env.messages()).map((one) => [one.key, one.title]),
      [
        ["task-ended/t01/ops", "✕ Run CD: orders failed at deploy[tokyo]: wait"],
        ["task-ended/t02/ops", "✓ Run CD: orders succeeded"],
      ],
    );
    assert.deepEqual(
      (await env.mails()).map((one) => one.subject),
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

  test("the configured rules decide, with their own receivers", async (t) => {
    const env = await startTestEnvironment(t, {
      rules: [
        {
          name: "mine",
          when: 'event.kind == "TaskEnded" && event.outcome == "failed"',
          oncePer: "task.app",
          send: [{ channel: "mail", to: 'task.requestedBy + "@corp.example"' }],
        },
      ],
    });
    const agent = await env.start();
    env.feed.add(ended("succeeded"));
    env.feed.add(ended("failed"), { task: "t02" });
    env.feed.add(ended("failed"), { task: "t03" });
    env.feed.add(ended("failed"), { task: "t04", app: "billing" });
    await settled(agent, 2);
    assert.deepEqual(
      (await env.mails()).map((one) => one.to),
      [["kim@corp.example"], ["kim@corp.example"]],
    );
  });

  test("a held job sends a message", async (t) => {
    const env = await startTestEnvironment(t);
    const agent = await env.start();
    env.feed.add({ kind: "JobHeld", job: "deploy[seoul]", reason: "The runner was lost after the push." });
    await settled(agent, 3);
    const [message] = await env.messages();
    assert.equal(message?.title, "? Run CD: orders: deploy[seoul] needs an answer");
    assert.match(message?.text ?? "", /The runner was lost after the push\.\nA person has to decide/);
  });

  test("I7: a request for an approval says what is asked, of whom and until when, and links to the task", async (t) => {
    const env = await startTestEnvironment(t);
    const agent = await env.start();
    const question = "Deploy orders #12 to prod (seoul)?";
    const asked = {
      job: "deploy[seoul]",
      plan: "sha256:1",
      question,
      approvers: ["group:ops"],
      until: Date.UTC(2026, 10, 27, 7),
    };
    env.feed.add({ kind: "ApprovalRequested", ...asked });
    await settled(agent, 3);
    const [message] = await env.messages();
    assert.equal(message?.title, "⏸ Run CD: orders: deploy[seoul] waits for an approval");
    assert.match(message?.text ?? "", /Deploy orders #12 to prod \(seoul\)\?\nThe links show /);
    assert.match(message?.text ?? "", /\nOpen the task$/);
    const [item] = await inbox(agent.url, "?after=");
    assert.equal(item?.url, "https://portal.example/tasks/t01");
    assert.equal(item?.text, question, "the inbox shows no links, so it speaks of none");
    assert.deepEqual(
      item?.facts.filter(([name]) => ["Who may answer", "Until"].includes(name)),
      [
        ["Who may answer", "group:ops"],
        ["Until", "2026-11-27 07:00 UTC"],
      ],
    );
    env.feed.add({
      kind: "ApprovalAnswered",
      job: "deploy[seoul]",
      by: "kim",
      answer: "reject",
      reason: "The tests are red",
    });
    await settled(agent, 6);
    assert.equal((await env.messages())[1]?.title, "✕ Run CD: orders: kim rejected deploy[seoul]");
  });

  test("events that are too old are ignored", async (t) => {
    const env = await startTestEnvironment(t);
    const agent = await env.start();
    env.clock.advance(4 * 24 * 3_600_000);
    env.feed.add(ended("failed"));
    env.feed.add(ended("failed"), { task: "t02" }, new Date(env.clock.nowMs()));
    await settled(agent, 3);
    assert.deepEqual(
      (await env.messages()).map((one) => one.key),
      ["task-ended/t02/ops"],
    );
  });

  test("events without deliveries are not written until the feed is idle", async (t) => {
    const env = await startTestEnvironment(t);
    const agent = await env.start();
    env.feed.add({ kind: "StepStarted", job: "build", step: "compile" });
    await env.feed.awaited(1);
    assert.equal(await agent.journal.load("cursor/feed"), undefined);
    env.feed.answer();
    const kept = await until(agent.journal, () => agent.journal.load("cursor/feed"));
    assert.deepEqual(kept.snapshot, { after: 1 });
  });

  test("I7: those who are asked later get a message of their own, with the links", async (t) => {
    const env = await startTestEnvironment(t, {
      rules: [
        {
          name: "leads",
          when: 'event.kind == "ApprovalEscalated" && "group:leads" in event.approvers',
          oncePer: 'task.id + "/" + event.job + "/" + string(event.at)',
          send: [{ channel: "mail", to: '"leads@corp.example"' }, { channel: "inbox" }],
        },
      ],
    });
    const agent = await env.start();
    const asked = { job: "deploy[seoul]", plan: "sha256:1", question: "Go?", until: Date.UTC(2026, 10, 27, 7) };
    env.feed.add({ kind: "ApprovalRequested", ...asked, approvers: ["group:ops"] });
    env.feed.add({ kind: "ApprovalEscalated", ...asked, approvers: ["group:leads"], escalated: [0] });
    await settled(agent, 2);
    const [mail] = await env.mails();
    assert.deepEqual(mail?.to, ["leads@corp.example"]);
    assert.match(mail.subject, /deploy\[seoul\] still waits for an approval, and more people are asked$/);
    assert.match(mail.text, /answer\?job=deploy%5Bseoul%5D&plan=sha256%3A1&answer=approve/);
    assert.equal((await inbox(agent.url))[0]?.text, "Go?");
  });
});

describe("a restart", () => {
  test("sends nothing twice, and misses no event", async (t) => {
    const env = await startTestEnvironment(t);
    const first = await env.start();
    env.feed.add(ended("failed"));
    await settled(first, 3);
    await first.stop();
    env.feed.add(ended("succeeded"), { task: "t02" });
    const second = await env.start();
    await settled(second, 6);
    assert.deepEqual(
      (await env.messages()).map((one) => one.key),
      ["task-ended/t01/ops", "task-ended/t02/ops"],
    );
    assert.equal((await env.mails()).length, 2);
  });

  test("sends what was recorded but not sent", async (t) => {
    const env = await startTestEnvironment(t);
    env.messenger.faults.add({ kind: "drop", match: "slack", times: 1 });
    const first = await env.start();
    env.feed.add(ended("failed"));
    await tried(first, "task-ended/t01/ops", 1);
    await first.stop();
    assert.deepEqual(await env.messages(), []);
    env.clock.advance(60_000);
    const second = await env.start();
    await settled(second, 3);
    assert.deepEqual(
      (await env.messages()).map((one) => one.key),
      ["task-ended/t01/ops"],
    );
  });

  test("a mail program shows the mails of one task as one conversation, also after a restart", async (t) => {
    const mail = (name: string, kind: string, to?: string) => ({
      name,
      when: `event.kind == "${kind}"`,
      oncePer: "task.id",
      send: [{ channel: "mail", ...(to === undefined ? {} : { to: JSON.stringify(to) }) }],
    });
    const rules = [
      mail("asked", "TaskRequested"),
      mail("ended", "TaskEnded"),
      mail("kim", "TaskEnded", "kim@corp.example"),
    ];
    const env = await startTestEnvironment(t, { rules });
    const first = await env.start();
    env.feed.add({ kind: "TaskRequested" });
    env.feed.add({ kind: "TaskRequested" }, { task: "t02" });
    await settled(first, 2);
    await first.stop();
    const agent = await env.start();
    env.feed.add(ended("failed"));
    env.feed.add(ended("succeeded"), { task: "t02" });
    await settled(agent, 6);
    const mails = await env.mails();
    const ofReader = (to: string) => mails.filter((one) => one.to.includes(to));
    for (const [reader, conversations] of [
      [mails[0]?.to[0] ?? "", [2, 2]],
      ["kim@corp.example", [1, 1]],
    ] as const) {
      const seen = new Map<string, { subject: string; count: number }>();
      for (const one of ofReader(reader)) {
        // As mail programs do it: what it answers must be there, and the subject must be the same.
        const root = one.headers.references?.split(/\s+/).find((id) => seen.has(id));
        assert.equal(one.headers["in-reply-to"], root, "it answers a mail that this reader has");
        const known = root === undefined ? undefined : seen.get(root);
        if (known) {
          assert.equal(one.subject, `Re: ${known.subject}`);
          known.count += 1;
        } else seen.set(one.messageId, { subject: one.subject, count: 1 });
      }
      assert.deepEqual(
        Array.from(seen.values(), ({ count }) => count),
        conversations,
        reader,
      );
    }
  });

  test("ends the deliveries of a channel that is no longer configured", async (t) => {
    const env = await startTestEnvironment(t);
    env.messenger.faults.add({ kind: "drop", match: "slack", times: 1 });
    const first = await env.start();
    env.feed.add(ended("failed"));
    await tried(first, "task-ended/t01/ops", 1);
    await settled(first, 3, ["delivered", "pending"]);
    await first.stop();
    const agent = await startNotifyAgent(
      { token: TOKEN, agent: { url: env.feed.url, token: AGENT_TOKEN } },
      {
        journal: openMemoryJournal({ indexes: NOTIFY_INDEXES, store: env.store }),
        clock: env.clock,
        logger: env.log.logger,
      },
    );
    const ops = (await deliveries(agent.url)).find((one) => one.channel === "ops");
    await agent.close();
    assert.equal(ops?.state, "refused");
    assert.match(ops?.problem ?? "", /channel ops is no longer configured/);
  });
});

describe("channels that fail", () => {
  test("a channel that is down is retried with growing delays; the other channels do not wait", async (t) => {
    const env = await startTestEnvironment(t);
    env.messenger.faults.add({ kind: "status", status: 503, match: "slack", times: 3 });
    const agent = await env.start();
    env.feed.add(ended("failed"));
    const waits: number[] = [];
    for (let tries = 1; tries <= 3; tries += 1) {
      const one = await tried(agent, "task-ended/t01/ops", tries);
      assert.equal(one.state, "pending");
      assert.match(one.problem ?? "", /status 503/);
      const waitMs = Date.parse(one.nextTryAt ?? "") - env.clock.nowMs();
      waits.push(waitMs);
      env.clock.advance(waitMs);
    }
    assert.deepEqual(waits, [2_000, 4_000, 8_000]);
    const all = await settled(agent, 3);
    assert.equal(all.find((one) => one.channel === "ops")?.tries, 4);
    assert.equal((await env.messages()).length, 1);
    assert.equal((await env.mails()).length, 1);
  });

  test("Teams that throttles gets the card later, with a button that opens the task", async (t) => {
    const env = await startTestEnvironment(t);
    const url = `${env.messenger.url}/teams/workflows/7/triggers/manual?sig=secretOfTheWorkflow`;
    env.messenger.faults.add({
      kind: "status",
      status: 429,
      body: { error: { code: "429" } },
      match: "teams",
      times: 1,
    });
    const agent = await env.start({ channels: { teams: { kind: "messenger", preset: "teams", url } } });
    env.feed.add(ended("failed"));
    const first = await tried(agent, "task-ended/t01/teams", 1);
    assert.match(first.problem ?? "", /^status 429/);
    env.clock.advance(Date.parse(first.nextTryAt ?? "") - env.clock.nowMs());
    const all = await settled(agent, 2);
    assert.equal(all.find(({ channel }) => channel === "teams")?.tries, 2);
    const [card, ...more] = await env.messages();
    assert.equal(more.length, 0);
    assert.equal(card?.service, "teams");
    assert.match(JSON.stringify(card.body), /"type":"Action\.OpenUrl","title":"[^"]+","url":"[^"]+\/tasks\/t01"/);
  });

  test("a message that is never accepted does not block the next one", async (t) => {
    const env = await startTestEnvironment(t);
    env.messenger.faults.add({ kind: "status", status: 500, match: "slack", times: 1 });
    const agent = await env.start();
    env.feed.add(ended("failed"));
    await tried(agent, "task-ended/t01/ops", 1);
    env.feed.add(ended("failed"), { task: "t02" });
    await tried(agent, "task-ended/t02/ops", 1);
    assert.deepEqual(
      (await env.messages()).map((one) => one.key),
      ["task-ended/t02/ops"],
    );
  });

  test("410 is a refusal: recorded, and not retried", async (t) => {
    const env = await startTestEnvironment(t);
    env.messenger.faults.add({ kind: "status", status: 410, body: "channel_is_archived", match: "slack", times: 1 });
    const agent = await env.start();
    env.feed.add(ended("failed"));
    const all = await settled(agent, 3, ["delivered", "refused"]);
    const ops = all.find((one) => one.channel === "ops");
    assert.equal(ops?.state, "refused");
    assert.equal(ops?.problem, "status 410: channel_is_archived");
    assert.equal(ops?.nextTryAt, undefined);
    env.clock.advance(10 * 24 * 3_600_000);
    assert.equal((await env.messages()).length, 0);
  });

  test("a lost response leads to a second message with the same key", async (t) => {
    const env = await startTestEnvironment(t);
    env.messenger.faults.add({ kind: "drop-answer", match: "slack", times: 1 });
    const agent = await env.start();
    env.feed.add(ended("failed"));
    await tried(agent, "task-ended/t01/ops", 1);
    env.clock.advance(2_000);
    await settled(agent, 3);
    assert.deepEqual(
      (await env.messages()).map((one) => one.key),
      ["task-ended/t01/ops", "task-ended/t01/ops"],
    );
  });

  test("a mail server that rejects temporarily gets the same Message-ID again", async (t) => {
    const env = await startTestEnvironment(t);
    env.box.refuse(451, "try later", 1);
    const agent = await env.start();
    env.feed.add(ended("failed"));
    const one = await tried(agent, "task-ended/t01/mail", 1);
    assert.match(one.problem ?? "", /try later/);
    env.clock.advance(2_000);
    await settled(agent, 3);
    assert.equal((await env.mails()).length, 1);
  });

  test("after three days the delivery is given up, and the record says why", async (t) => {
    const env = await startTestEnvironment(t, { delivery: { firstRetryMs: 60_000, maxRetryMs: 6 * 3_600_000 } });
    env.messenger.faults.add({ kind: "status", status: 500, body: "rollup_error", match: "slack", times: 10_000 });
    const agent = await env.start();
    env.feed.add(ended("failed"));
    for (let tries = 1; ; tries += 1) {
      const one = await tried(agent, "task-ended/t01/ops", tries);
      if (one.state !== "pending") {
        assert.equal(one.state, "given-up");
        assert.match(one.problem ?? "", /rollup_error/);
        assert.ok(env.clock.nowMs() - START_MS <= 72 * 3_600_000);
        assert.ok(one.tries > 10);
        break;
      }
      env.clock.advance(Date.parse(one.nextTryAt ?? "") - env.clock.nowMs());
    }
  });

  test("a result that could not be recorded is recorded later, without sending again", async (t) => {
    const env = await startTestEnvironment(t);
    env.failAfterSending = true;
    const agent = await env.start();
    env.feed.add(ended("failed"));
    await until(agent.journal, async () => (env.log.lines.some((line) => line.level === "error") ? true : undefined));
    assert.deepEqual((await deliveries(agent.url)).find((one) => one.channel === "ops")?.state, "pending");
    env.clock.advance(5_000);
    await settled(agent, 3);
    assert.equal((await env.messages()).length, 1);
  });
});

describe("the feed", () => {
  test("a task-agent that is not running yet is waited for, with one line in the log", async (t) => {
    const env = await startTestEnvironment(t);
    const { port } = env.feed;
    await env.feed.close();
    const agent = await env.start();
    for (let n = 0; n < 5; n += 1) {
      await env.clock.whenAwaited();
      if (n < 4) env.clock.advance(60_000);
    }
    const back = await startFeed([feedEvent(1, ended("failed"))], port);
    t.after(() => back.close());
    env.clock.advance(60_000);
    await settled(agent, 3);
    const warnings = env.log.lines.filter((line) => line.message.includes("the feed of the task-agent cannot be read"));
    assert.equal(warnings.length, 1);
    assert.ok(env.log.lines.some((line) => line.message.includes("answers again")));
  });

  test("a feed that has started anew is read from its beginning", async (t) => {
    const env = await startTestEnvironment(t);
    const agent = await env.start();
    for (let n = 0; n < 5; n += 1) env.feed.add({ kind: "JobStarted", job: "a" });
    env.feed.add(ended("failed"));
    await settled(agent, 3);
    env.feed.forget();
    env.feed.add(ended("failed"), { task: "t99" });
    await settled(agent, 6);
    assert.equal((await env.messages()).length, 2);
  });

  test("an append with a lost result loses and repeats nothing", async (t) => {
    for (const fault of ["lost", "unanswered"] as const) {
      const env = await startTestEnvironment(t);
      const agent = await env.start();
      agent.journal.failNextAppend(fault);
      env.feed.add(ended("failed"));
      await env.clock.whenAwaited();
      env.clock.advance(60_000);
      await settled(agent, 3);
      assert.equal((await env.messages()).length, 1, fault);
      assert.equal((await env.mails()).length, 1, fault);
    }
  });
});

overHttp();

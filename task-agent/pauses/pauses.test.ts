// What is paused, over HTTP with a clock that the test moves: jobs that run go on, others wait; restarts and several agents.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { ProtocolFixture } from "../runner-protocol/protocol.fixture.ts";
import { AGENT_INDEXES } from "../store/indexes.ts";
import { openPauses } from "./pauses.ts";

const MINUTE = 60_000;
const TWO = `name: two
app: none
jobs:
  first: { site: seoul, mode: lenient, retrySafe: true, steps: [{ run: "true" }] }
  second: { needs: first, site: seoul, mode: lenient, retrySafe: true, steps: [{ run: "true" }] }
`;

test("a job that runs goes on, and the next one waits, also after a restart, until the pause ends by itself", async (t) => {
  const agent = await ProtocolFixture.open(t, { two: TWO });
  const { id } = await agent.request("two");
  let runner = await agent.runner();
  const first = await runner.takeJob();
  await runner.start(first.ref);
  const until = new Date(agent.clock.nowMs() + 5 * MINUTE).toISOString();
  const what = { of: "pipeline", name: "two", principal: "kim" } as const;
  await agent.client.pause({ ...what, reason: "Audit", until });
  await runner.report(first.ref, { outcome: "succeeded", outputs: {}, progress: 0 });
  await agent.waitForEvent(id, "JobWaiting");
  const { waiting, state } = await agent.client.task(id);
  assert.deepEqual([state, waiting?.code, waiting?.until], ["waiting", "paused", until]);
  await agent.restart();
  const [pause] = (await agent.client.pauses()).items;
  assert.deepEqual([pause?.by, pause?.reason, pause?.until], ["kim", "Audit", until]);
  runner = await agent.runner("seoul-2");
  await agent.clock.pass(2 * MINUTE);
  assert.equal((await agent.client.task(id)).jobs[1]?.attempt, 0);
  await agent.clock.pass(3 * MINUTE);
  runner = await agent.runner("seoul-3");
  assert.equal((await runner.takeJob()).ref.job, "second");
  assert.deepEqual((await agent.client.pauses()).items, []);
});

test("an offer that no runner has claimed yet is taken back", async (t) => {
  const agent = await ProtocolFixture.open(t, { two: TWO });
  const { id } = await agent.request("two");
  const runner = await agent.runner();
  const [offer] = await runner.poll(2);
  assert.ok(offer);
  await agent.client.pause({ of: "site", name: "seoul", principal: "kim", reason: "Audit" });
  await assert.rejects(runner.claim(offer), { code: "offer-gone" });
  assert.equal((await agent.job(id)).attempt, 0);
  await agent.client.resume({ of: "site", name: "seoul", principal: "kim" });
  assert.equal((await runner.takeJob()).ref.task, id);
});

test("two agents pause at the same time, and both have both", async () => {
  const journal = openMemoryJournal({ indexes: AGENT_INDEXES });
  const [one, other] = [await openPauses(journal), await openPauses(journal)];
  const about = { by: "kim", reason: "Audit" };
  await Promise.all([one.pause({ of: "app", name: "a" }, about), other.pause({ of: "app", name: "b" }, about)]);
  const job = { pipeline: "ci", site: "seoul", queues: [] };
  for (const pauses of [one, other]) {
    await pauses.refresh();
    for (const app of ["a", "b"]) assert.equal(pauses.blockOf({ ...job, app })?.code, "paused", app);
    assert.equal(pauses.blockOf({ ...job, app: "c" }), undefined);
  }
  await other.resume({ of: "app", name: "a" }, "lee");
  await one.refresh();
  assert.equal(one.blockOf({ ...job, app: "a" }), undefined);
});

test("a pause is in force when it is answered, although a look at the store that began before ends after it", async () => {
  const journal = openMemoryJournal({ indexes: AGENT_INDEXES });
  const slow = Promise.withResolvers<void>();
  let isSlow = false;
  const pauses = await openPauses({
    ...{ append: journal.append, now: journal.now },
    load: async (stream) => {
      const loaded = await journal.load(stream);
      if (isSlow) {
        isSlow = false;
        await slow.promise;
      }
      return loaded;
    },
  });
  isSlow = true;
  const looking = pauses.refresh();
  await pauses.pause({ of: "app", name: "orders" }, { by: "kim", reason: "Audit" });
  slow.resolve();
  await looking;
  const job = { app: "orders", pipeline: "cd", site: "seoul", queues: [] };
  assert.equal(pauses.blockOf(job)?.code, "paused");
});

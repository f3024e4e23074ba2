import assert from "node:assert/strict";
import { test } from "node:test";
import { ProtocolFixture } from "../runner-protocol/protocol.fixture.ts";

test("A7: a runner says which jobs it runs, a job of it can be stopped, and an unknown task cannot", async (t) => {
  const agent = await ProtocolFixture.open(t);
  const { task, runner, ref } = await agent.running("safe");
  const running = async () => (await agent.client.runners()).items.find(({ name }) => name === "seoul-1")?.running;
  assert.deepEqual(await running(), [{ task, job: "work" }]);
  await agent.client.cancel(task, { principal: "dev" });
  await runner.report(ref, { outcome: "canceled", outputs: {}, progress: 0 });
  assert.deepEqual([await running(), (await agent.client.task(task)).state], [[], "canceled"]);
  await assert.rejects(agent.client.cancel("t404", { principal: "dev" }), { code: "not-found" });
});

const obeys = ["stop"];

test("A7: a stop reaches the process that was asked for it after a reconnect and a restart of the task-agent", async (t) => {
  const agent = await ProtocolFixture.open(t);
  const runner = await agent.runner("seoul-1", [], { obeys, registration: 1 });
  const ask = { to: "stop", reason: "new disk", principal: "kim" } as const;
  assert.equal((await agent.client.askRunner("seoul-1", ask)).asked?.state, "stopping");
  await agent.restart();
  const back = await agent.runner("seoul-1", [], { obeys, bootId: runner.bootId, registration: 2 });
  assert.deepEqual((await back.pollAll()).stop, { now: false, reason: "kim: new disk" });
  // The answer may have been lost.
  assert.deepEqual((await back.pollAll()).stop, { now: false, reason: "kim: new disk" });

  const next = await agent.runner("seoul-1", [], { obeys });
  await agent.request("safe");
  const reply = await next.pollAll();
  assert.deepEqual([reply.offers.length, reply.stop], [1, undefined]);
  assert.equal((await agent.client.runner("seoul-1")).asked, undefined);
});

test("A7: a runner that finishes its jobs polls no more, and learns with a renewal that it must stop at once", async (t) => {
  const agent = await ProtocolFixture.open(t);
  const runner = await agent.runner("seoul-1", [], { obeys });
  const { id } = await agent.request("safe");
  const { ref } = await runner.takeJob();
  await runner.start(ref);
  const why = { reason: "it hangs", principal: "kim" };
  await agent.client.askRunner("seoul-1", { to: "stop", ...why });
  await agent.client.askRunner("seoul-1", { to: "stop-now", ...why });
  // A weaker request changes nothing.
  assert.equal((await agent.client.askRunner("seoul-1", { to: "stop", ...why })).asked?.to, "stop-now");
  assert.deepEqual((await runner.renew(ref)).stop, { now: true, reason: "kim: it hangs" });
  const { jobs } = await agent.client.runner("seoul-1");
  assert.deepEqual([jobs[0]?.task, jobs[0]?.attempt, jobs[0]?.lease.mode], [id, 1, "lenient"]);
  for (const to of ["drain", "work"] as const)
    await assert.rejects(agent.client.askRunner("seoul-1", { to, ...why }), { code: "conflict" });
});

test("A7: a runner out of service can be neither shown nor stopped", async (t) => {
  const agent = await ProtocolFixture.open(t);
  await agent.runner("seoul-1", [], { obeys });
  await agent.client.removeRunner("seoul-1");
  await assert.rejects(agent.client.runner("seoul-1"), { code: "not-found" });
  const ask = { to: "stop", reason: "x", principal: "kim" } as const;
  await assert.rejects(agent.client.askRunner("seoul-1", ask), { code: "conflict" });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { ProtocolFixture } from "./protocol.fixture.ts";

const obeys = ["stop", "log"];
const asked = { from: "latest", lines: 200 } as const;

test("A7: a runner is asked for its log once, at its open poll, and its lines cannot control a terminal", async (t) => {
  const agent = await ProtocolFixture.open(t);
  const runner = await agent.runner("seoul-1", [], { obeys });
  const open = runner.pollAll();
  const reading = agent.client.runnerLog("seoul-1", asked);
  const { log } = await open;
  assert.ok(log);
  assert.deepEqual({ from: log.from, lines: log.lines }, asked);
  await assert.rejects(agent.client.runnerLog("seoul-1", asked), { code: "conflict" });
  // Not of this runner, and not asked for: ignored.
  const other = await agent.runner("seoul-2", [], { obeys });
  await other.sendOwnLog({ id: log.id, lines: ["forged"], held: 1, dropped: 0 });
  await runner.sendOwnLog({ id: "another", lines: ["old"], held: 1, dropped: 0 });
  await runner.sendOwnLog({ id: log.id, lines: ["one\ntwo\u001b[2J\u202e"], held: 7, dropped: 3 });
  const lines = ["one\\ntwo\\u001b[2J\\u202e"];
  assert.deepEqual(await reading, { runner: "seoul-1", from: "latest", lines, held: 7, dropped: 3 });
});

test("A7: a runner that finishes its jobs is asked for its log with a renewal", async (t) => {
  const agent = await ProtocolFixture.open(t);
  const runner = await agent.runner("seoul-1", [], { obeys });
  await agent.request("safe");
  const { ref } = await runner.takeJob();
  const reading = agent.client.runnerLog("seoul-1", asked);
  let { log } = await runner.renew(ref);
  while (!log) ({ log } = await runner.renew(ref));
  await runner.sendOwnLog({ id: log.id, lines: ["a"], held: 1, dropped: 0 });
  assert.deepEqual((await reading).lines, ["a"]);
});

test("A7: a runner that does not answer is an error after 20 s, and one that is not signed in at once", async (t) => {
  const agent = await ProtocolFixture.open(t);
  const runner = await agent.runner("seoul-1", [], { obeys });
  const open = runner.pollAll();
  const reading = agent.client.runnerLog("seoul-1", asked);
  const failed = assert.rejects(reading, (error: Error & { code: string; entry: { status: number } }) => {
    assert.deepEqual([error.code, error.entry.status], ["runner-silent", 504]);
    assert.match(error.message, /Runner seoul-1 did not answer within 20 s/);
    return true;
  });
  await open;
  await agent.clock.pass(20_000);
  await failed;
  await agent.request("safe");
  const next = await runner.pollAll();
  assert.deepEqual([next.offers.length, next.log], [1, undefined]);

  await agent.restart();
  await assert.rejects(agent.client.runnerLog("seoul-1", asked), { code: "runner-silent" });
  await assert.rejects(agent.client.runnerLog("seoul-9", asked), { code: "not-found" });
});

test("A7: what is too large of a runner's log is refused", async (t) => {
  const agent = await ProtocolFixture.open(t);
  const runner = await agent.runner("seoul-1", [], { obeys });
  const log = { id: "x", held: 1, dropped: 0 };
  await assert.rejects(runner.sendOwnLog({ ...log, lines: ["x".repeat(8_193)] }), { code: "bad-request" });
  await assert.rejects(runner.sendOwnLog({ ...log, lines: Array(1_001).fill("x") }), { code: "bad-request" });
});

// What people and calendars hold, over HTTP: restarts, the end of the time, and a policy that changes.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { ProtocolFixture } from "../runner-protocol/protocol.fixture.ts";

const REMIND = 30_000;

test("I8: a request for an approval survives a restart: it is reminded of once, and expires with a reason", async (t) => {
  const agent = await ProtocolFixture.open(t);
  const { id } = await agent.request("asks");
  assert.equal((await agent.job(id)).waiting?.code, "approval");
  await agent.restart();
  await agent.clock.pass(REMIND + 1_000);
  await agent.waitForEvent(id, "ApprovalReminded");
  await agent.restart(REMIND);
  await agent.clock.pass(2_000);
  await agent.waitForEvent(id, "TaskEnded");
  const { state, failure } = await agent.client.task(id);
  assert.deepEqual([state, failure?.code], ["failed", "approval-expired"]);
  const kinds = await agent.kinds(id);
  assert.equal(
    kinds.filter((kind) => /^Approval/.test(kind)).join(),
    "ApprovalRequested,ApprovalReminded,ApprovalExpired",
  );
  assert.deepEqual((await agent.client.approvals({ limit: 10 })).items, []);
});

test("I8: when nobody has answered for a while, more people are asked once, also after a restart, and may approve", async (t) => {
  const agent = await ProtocolFixture.open(t);
  const { id } = await agent.request("escalates");
  const asked = async () => (await agent.client.approvals({ limit: 10 })).items[0] ?? assert.fail();
  const { plan, demands, requestedAt } = await asked();
  const escalates = { at: new Date(Date.parse(requestedAt) + 20_000).toISOString(), to: ["person:sam"] };
  assert.deepEqual(demands[0]?.escalates, escalates);
  const answer = { principal: "sam", answer: "approve" as const, plan };
  await assert.rejects(agent.client.answerApproval(id, "work", answer), /sam/);
  await agent.restart();
  await agent.clock.pass(21_000);
  await agent.waitForEvent(id, "ApprovalEscalated");
  await agent.clock.pass(2_000);
  const now = await asked();
  assert.equal(now.plan, plan, "what was asked is the same");
  assert.deepEqual([now.demands[0]?.approvers, now.demands[0]?.escalates], [["person:lee", "person:sam"], undefined]);
  assert.match((await agent.job(id)).waiting?.text ?? "", /^Waiting for the approval of person:lee or person:sam\.$/);
  assert.equal((await agent.kinds(id)).filter((kind) => kind === "ApprovalEscalated").length, 1);
  await agent.client.answerApproval(id, "work", answer);
  const runner = await agent.runner();
  await runner.start((await runner.takeJob()).ref);
});

test("I8: an approved job starts once, also when the answer is repeated and the agent restarts", async (t) => {
  const agent = await ProtocolFixture.open(t);
  const { id } = await agent.request("asks");
  const runner = await agent.runner();
  const [asked] = (await agent.client.approvals({ limit: 10 })).items;
  assert.equal(asked?.task, id);
  const answer = { principal: "kim", answer: "approve" as const, plan: asked.plan };
  await Promise.all([agent.client.answerApproval(id, "work", answer), agent.client.answerApproval(id, "work", answer)]);
  const job = await runner.takeJob();
  await runner.start(job.ref);
  await agent.restart();
  await agent.client.answerApproval(id, "work", answer);
  const kinds = await agent.kinds(id);
  assert.equal(kinds.filter((kind) => kind === "JobClaimed" || kind === "ApprovalAnswered").length, 2);
  await assert.rejects(agent.client.answerApproval(id, "work", { ...answer, principal: "lee" }), /kim/);
});

test("I8: a freeze that is declared later holds a job that no runner has taken, and its end lets it go", async (t) => {
  const agent = await ProtocolFixture.open(t);
  const { id } = await agent.request("placed");
  /** The agent looks at the folder every second of its clock, but reads the files in the time of the machine. */
  const policy = async (text: string, kind: string, times: number): Promise<void> => {
    await writeFile(join(agent.data, "environments.yaml"), `environments: { prod: { ${text} } }\n`);
    const seen = async (): Promise<number> => (await agent.kinds(id)).filter((one) => one === kind).length;
    for (let second = 0; second < 200 && (await seen()) < times; second += 1) await agent.clock.pass(1_000);
    assert.equal(await seen(), times);
  };
  assert.notEqual((await agent.job(id)).waiting?.code, "freeze");
  const freeze = '{ from: "2000-01-01T00:00:00Z", to: "2999-01-01T00:00:00Z", reason: Audit, owner: lee }';
  await policy(`freezes: [${freeze}]`, "JobGated", 1);
  const { waiting } = await agent.job(id);
  assert.deepEqual(
    [waiting?.text, waiting?.until],
    ["Deployments to prod are frozen by lee: Audit.", "2999-01-01T00:00:00.000Z"],
  );
  await policy("requires: {}", "JobReady", 2);
  const runner = await agent.runner();
  assert.equal((await runner.takeJob()).ref.task, id);
});

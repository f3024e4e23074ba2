import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { script, TOKEN } from "../fake-agent.fixture.ts";
import { openUnprotectedRunner } from "../runner.fixture.ts";

test("a task-agent that was unreachable gets everything, in order, when it is reachable again", async (t) => {
  const { agent, data } = await openUnprotectedRunner(t);
  const job = agent.offer({
    steps: [
      script("one", "echo one; touch ../../../one; until [ -e ../../../go ]; do sleep 0.02; done"),
      script("two", 'i=0; while [ $i -lt 2000 ]; do echo "line $i"; i=$((i+1)); done; touch ../../../done'),
      script("three", "echo three", { when: "always" }),
    ],
  });
  await agent.until("the first line", () => agent.log(job, "one") === "one\n");
  await agent.goDown();
  await writeFile(join(data, "go"), "");
  await agent.open();
  const report = await agent.reported(job);
  assert.equal(report.outcome, "succeeded");
  const received = job.progress.map(({ kind, step }) => `${step} ${kind}`);
  const expected = ["one", "two", "three"].flatMap((step) => [`${step} step-started`, `${step} step-ended`]);
  assert.deepEqual(received, expected);
  assert.equal(report.progress, expected.length);
  const lines = Array.from({ length: 2_000 }, (_, index) => `line ${index}\n`);
  assert.equal(agent.log(job, "two"), lines.join(""));
});

test("when every answer is lost once, nothing is done or reported twice", async (t) => {
  const { agent, data } = await openUnprotectedRunner(t);
  const seen = new Set<string>();
  agent.fault = (path) => {
    if (path === "poll" || seen.has(path)) return "none";
    seen.add(path);
    return "drop-answer";
  };
  const job = agent.offer({
    steps: [script("one", "echo once >> ../../../ran; echo hello"), script("two", "echo bye")],
  });
  assert.equal((await agent.reported(job)).outcome, "succeeded");
  assert.equal(job.progress.length, 4);
  assert.equal(agent.log(job, "one"), "hello\n");
  assert.equal(agent.log(job, "two"), "bye\n");
  assert.ok(seen.has("claim") && seen.has("start") && seen.has("progress") && seen.has("report"));
  assert.equal(await readFile(join(data, "ran"), "utf8"), "once\n");
});

test("after a restart of the task-agent the runner opens a new session, and the work continues under the same lease", async (t) => {
  const { agent } = await openUnprotectedRunner(t);
  const job = agent.offer({ steps: [script("work", "echo on; until [ -e ../../../go ]; do sleep 0.02; done")] });
  await agent.until("the script to run", () => agent.log(job, "work") === "on\n");
  agent.forgetSessions();
  const again = await agent.until("another session", () => agent.sessions.at(1));
  assert.deepEqual(again.running, [{ ref: job.ref, started: true }]);
  assert.equal(again.bootId, agent.sessions[0]?.bootId);
  agent.cancel(job);
  assert.equal((await agent.reported(job)).outcome, "canceled");
});

test("a runner is registered when its first session is open, not when it has started", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-token-"));
  t.after(() => rm(folder, { recursive: true }));
  const token = join(folder, "token");
  await writeFile(token, "the token of another runner");
  const { agent, runner, lines } = await openUnprotectedRunner(t, { config: { token: { file: token } } });
  let isRegistered = false;
  void runner.registered.then(() => {
    isRegistered = true;
  });
  await agent.until("a refusal", () => lines.some((line) => line.startsWith("could not open a session")));
  assert.equal(isRegistered, false);
  await writeFile(token, TOKEN);
  await runner.registered;
});

test("a runner that was replaced by a newer process stops its work and ends", async (t) => {
  const { agent, runner } = await openUnprotectedRunner(t);
  const job = agent.offer({ steps: [script("work", "echo on; sleep 300")] });
  await agent.until("the script to run", () => agent.log(job, "work") === "on\n");
  agent.supersede();
  await assert.rejects(runner.ended, { code: "session-gone" });
  assert.equal(runner.busy(), 0);
  assert.equal(job.report, undefined);
});

test("an offer is declined when there is no free slot any more", async (t) => {
  const { agent } = await openUnprotectedRunner(t, { config: { slots: 1 } });
  const first = agent.offer({ steps: [script("work", "echo on; until [ -e ../../../go ]; do sleep 0.02; done")] });
  await agent.until("the script to run", () => agent.log(first, "work") === "on\n");
  agent.ignoresSlots = true;
  const second = agent.offer({ steps: [script("work", "true")] }, { job: "other" });
  await agent.until("the second to be declined", () => second.state === "declined");
  agent.ignoresSlots = false;
  agent.cancel(first);
  await agent.reported(first);
  const third = agent.offer({ steps: [script("work", "true")] }, { job: "third" });
  assert.equal((await agent.reported(third)).outcome, "succeeded");
});

test("when the task-agent has lost a part of a log, the upload continues from its offset", async (t) => {
  const { agent, data } = await openUnprotectedRunner(t);
  const text = randomBytes(2_500_000).toString("base64");
  await writeFile(join(data, "text"), text);
  const job = agent.offer({
    steps: [script("work", "echo begin; until [ -e ../../../go ]; do sleep 0.02; done; cat ../../../text; echo end")],
  });
  const log = await agent.until("the first bytes", () => agent.log(job, "work") === "begin\n" && job.logs.get("work"));
  log.bytes = log.bytes.subarray(0, 3);
  await writeFile(join(data, "go"), "");
  await agent.reported(job);
  assert.equal(agent.log(job, "work"), `begin\n${text}end\n`);
  assert.ok(log.final);
});

test("a runner that is asked to end finishes its work and takes no more", async (t) => {
  const { agent, runner, data } = await openUnprotectedRunner(t);
  const job = agent.offer({ steps: [script("work", "echo on; until [ -e ../../../go ]; do sleep 0.02; done")] });
  await agent.until("the script to run", () => agent.log(job, "work") === "on\n");
  const closed = runner.close();
  const late = agent.offer({ steps: [script("work", "true")] }, { job: "late" });
  await writeFile(join(data, "go"), "");
  assert.equal((await agent.reported(job)).outcome, "succeeded");
  await closed;
  assert.ok(late.state === "offered" || late.state === "declined");
});

test("work that does not end in time is given back to the task-agent at once", async (t) => {
  const { agent, runner } = await openUnprotectedRunner(t);
  const job = agent.offer({ steps: [script("work", "echo on; sleep 300")] });
  await agent.until("the script to run", () => agent.log(job, "work") === "on\n");
  await runner.close({ drainMs: 10 });
  assert.equal(job.state, "lost");
  assert.deepEqual(agent.sessions.at(-1)?.running, []);
});

// `failFast` and `maxParallel` as runners and people see them. Row A4.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ProtocolFixture } from "./protocol.fixture.ts";

const PIPELINE = `name: many
app: none
jobs:
  test:
    site: seoul
    each: [a, b, c]
    maxParallel: 2
    failFast: true
    steps: [{ id: make, title: Make, run: "true" }]
`;

test("when one job of a list fails, the runner of another is told to stop it, and the page says why (A4)", async (t) => {
  const fixture = await ProtocolFixture.open(t, { many: PIPELINE });
  const { id } = await fixture.request("many");
  const [one, other] = [await fixture.runner("seoul-1"), await fixture.runner("seoul-2")];
  const [a, b] = [await one.takeJob(), await other.takeJob()];
  await one.start(a.ref);
  await other.start(b.ref);
  const states = async () => (await fixture.client.task(id)).jobs.map(({ state }) => state);
  const waiting = (await fixture.client.task(id)).jobs[2]?.waiting;
  assert.deepEqual(waiting?.code, "max-parallel");
  assert.equal(waiting?.text, "Of the jobs of test, at most 2 run at the same time.");

  const open = other.pollAll(0, 20_000);
  await one.report(a.ref, { outcome: "failed", failure: { code: "script-failed", message: "exit code 1" } });
  const why = "test[a] ended as failed and the job has failFast";
  assert.deepEqual(
    (await open).cancels.map(({ ref, reason }) => [ref.job, reason]),
    [["test[b]", `canceled, because ${why}`]],
  );
  assert.equal((await other.heartbeat(b.ref)).state, "cancel");
  assert.deepEqual(await states(), ["failed", "running", "canceled"]);
  await other.report(b.ref, { outcome: "canceled" });
  const ended = await fixture.client.task(id);
  assert.equal(ended.state, "failed");
  assert.deepEqual(
    ended.jobs.map(({ canceledBecause }) => canceledBecause),
    [undefined, why, why],
  );
});

test("an agent that was restarted still tells the runner to stop the job", async (t) => {
  const fixture = await ProtocolFixture.open(t, { many: PIPELINE });
  await fixture.request("many");
  const [one, other] = [await fixture.runner("seoul-1"), await fixture.runner("seoul-2")];
  const [a, b] = [await one.takeJob(), await other.takeJob()];
  await one.start(a.ref);
  await other.start(b.ref);
  await one.report(a.ref, { outcome: "failed", failure: { code: "script-failed", message: "exit code 1" } });
  await fixture.restart();
  const back = await fixture.runner("seoul-2", [{ ref: b.ref, started: true }], { bootId: other.bootId });
  assert.deepEqual(
    back.directives.map((one) => one.do),
    ["cancel"],
  );
});

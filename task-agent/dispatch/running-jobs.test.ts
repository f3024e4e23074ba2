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

// What the portal shows about a job that waits for a runner, and which runner gets it when one has just lost it.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ProtocolFixture } from "../runner-protocol/protocol.fixture.ts";
import { chooseRunner, type RunnerFacts } from "./decide-runner.ts";

describe("waiting after a restart of the task-agent", () => {
  test("a task does not show that no runner has ever registered when two are known", async (t) => {
    const fixture = await ProtocolFixture.open(t);
    await fixture.runner("seoul-1");
    await fixture.runner("seoul-2");
    await fixture.clock.pass(60_000);
    const old = await fixture.request("safe");
    await fixture.waitForEvent(old.id, "JobWaiting");
    await fixture.restart(5_000);
    const { id } = await fixture.request("safe");
    await fixture.waitForEvent(id, "JobWaiting");
    await fixture.waitForEvent(old.id, "JobWaiting", 2);
    for (const task of [old.id, id]) {
      const { waiting } = await fixture.job(task);
      assert.equal(waiting?.code, "site-offline");
      assert.equal(
        waiting?.text,
        "Waiting for site seoul: none of its 2 runners has signed in since the task-agent started at 2026-01-01T00:01:05.000Z.",
      );
    }
  });

  test("a runner that was taken out of service is not waited for", async (t) => {
    const fixture = await ProtocolFixture.open(t);
    await fixture.runner("seoul-1");
    await fetch(`${fixture.agent.url}/agent/v1/runners/seoul-1/remove`, {
      method: "POST",
      headers: { authorization: "Bearer platform-token-of-this-test" },
    });
    await fixture.restart();
    const { id } = await fixture.request("safe");
    await fixture.waitForEvent(id, "JobWaiting");
    assert.equal((await fixture.job(id)).waiting?.text, "Waiting for a runner at seoul: none has ever registered.");
  });
});

describe("a runner that lost a job", () => {
  test("a stopped runner is not offered the job that it lost", async (t) => {
    const fixture = await ProtocolFixture.open(t);
    const { task, runner } = await fixture.running("strict");
    const stopped = runner.pollAll(1, 20_000);
    const other = await fixture.runner("seoul-2");
    await fixture.clock.pass(121_000);
    await fixture.waitForEvent(task, "AttemptLost");
    assert.equal((await other.takeJob()).ref.attempt, 2);
    assert.deepEqual((await stopped).offers, []);
  });

  test("it gets the job when it is the only one, and has asked for work again", async (t) => {
    const fixture = await ProtocolFixture.open(t);
    const { task, runner } = await fixture.running("strict");
    await fixture.clock.pass(121_000);
    await fixture.waitForEvent(task, "AttemptLost");
    assert.equal((await runner.takeJob()).ref.attempt, 2);
  });

  test("it is offered the job in its open poll when it has asked for work all the time, because it is not stopped", async (t) => {
    const fixture = await ProtocolFixture.open(t);
    const { task, runner } = await fixture.running("strict");
    await fixture.clock.pass(115_000);
    const open = runner.pollAll(1, 20_000);
    // The poll is open when this one has its answer.
    await fixture.client.tasks({});
    await fixture.clock.pass(6_000);
    await fixture.waitForEvent(task, "AttemptLost");
    assert.equal((await open).offers[0]?.ref.attempt, 2);
  });

  test("it does not get the job again because its mirror is warm", () => {
    const job = { site: "seoul", labels: [], app: "orders" };
    const warm = runner("seoul-1", { warm: ["orders"], free: 2 });
    const cold = runner("seoul-2", { polling: false, free: 1 });
    assert.equal(chosen(chooseRunner(job, [warm, cold])), "seoul-1");
    assert.equal(chosen(chooseRunner({ ...job, lostBy: ["seoul-1"] }, [warm, cold])), "seoul-2");
    assert.equal(chosen(chooseRunner({ ...job, lostBy: ["seoul-1"] }, [warm])), "seoul-1");
  });
});

function chosen(choice: ReturnType<typeof chooseRunner>): string {
  return choice.kind === "chosen" ? choice.runner : choice.code;
}

function runner(name: string, part: Partial<RunnerFacts>): RunnerFacts {
  return {
    runner: name,
    session: name,
    site: "seoul",
    labels: [],
    slots: 2,
    free: 1,
    alive: true,
    polling: true,
    warm: [],
    lastHeard: "2026-01-01T00:00:00.000Z",
    ...part,
  };
}

// Lost replies of the journal, tasks that end at an unlucky moment, and tasks that cannot be read: what was committed must
// take effect all the same.

import assert from "node:assert/strict";
import { test } from "node:test";
import { newMemoryStore } from "@gantry/journal/memory/memory.ts";
import { holdAppend, openTestAgent } from "../agent.fixture.ts";

test("a task is offered to runners when the reply to its commit was lost", async () => {
  const { agent, failNextAppend, start } = await openTestAgent();
  failNextAppend("unanswered");
  await assert.rejects(start("a"), /answer was lost/);
  await agent.tick();
  assert.equal(agent.dispatch.waitingCount(), 1);
  assert.equal((await start("a")).state.phase, "running");
});

test("the next task of a group starts although the journal failed when it should have started", async () => {
  for (const fault of ["lost", "unanswered"] as const) {
    const { agent, failNextAppend, clock, start } = await openTestAgent();
    const [first, second] = [await start("a"), await start("b")];
    assert.equal(second.state.phase, "queued");
    await clock.pass(0);
    // The commit of the end succeeds; the one after it fails.
    await agent.tasks.change(first.state.id, () => cancel);
    failNextAppend(fault);
    await clock.pass(0);
    await agent.tick();
    await clock.pass(0);
    assert.equal((await agent.tasks.read(second.state.id))?.state.phase, "running", fault);
    assert.equal(agent.dispatch.waitingCount(), 1, fault);
  }
});

const cancel = { events: [{ kind: "TaskCancelRequested", at: 1, by: "dev" }] } as const;

test("a task starts when the task before it ended while the new one was being queued", async () => {
  let hold: ReturnType<typeof holdAppend> | undefined;
  const { agent, clock, start } = await openTestAgent({
    wrapJournal: (journal) => {
      let requests = 0;
      hold = holdAppend(
        journal,
        (batch) =>
          batch.some(({ expected, stream }) => expected === 0 && stream.startsWith("task/")) && ++requests === 2,
      );
      return hold.journal;
    },
  });
  const first = await start("a");
  const second = start("b");
  await hold?.reached;
  await agent.tasks.change(first.state.id, () => cancel);
  await clock.pass(0);
  hold?.release();
  const { id } = (await second).state;
  await clock.pass(0);
  assert.equal((await agent.tasks.read(id))?.state.phase, "running");
});

test("a task starts when the task before it is canceled just after the first task of the group ended", async () => {
  let hold: ReturnType<typeof holdAppend> | undefined;
  let ids: readonly string[] = [];
  const { agent, clock, start } = await openTestAgent({
    wrapJournal: (journal) => {
      hold = holdAppend(journal, (batch) => batch[0]?.stream === `task/${ids[1]}`);
      return hold.journal;
    },
  });
  const all = [await start("a"), await start("b"), await start("c")];
  ids = all.map(({ state }) => state.id);
  const [first = "", second = "", third = ""] = ids;
  // The second task is being canceled when the first one ends and the agent looks for the next task to start.
  const canceling = agent.tasks.change(second, () => cancel);
  await hold?.reached;
  await agent.tasks.change(first, () => cancel);
  await clock.pass(0);
  hold?.release();
  await canceling;
  await clock.pass(0);
  assert.equal((await agent.tasks.read(third))?.state.phase, "running");
});

test("a task that cannot be read does not hold up other tasks, neither at the start nor later", async () => {
  const store = newMemoryStore();
  const before = await openTestAgent({ store, grouped: false });
  await before.start("a");
  const { agent, clock, start } = await openTestAgent({ store, grouped: false, version: "sha256:1" });
  await start("b");
  await clock.pass(0);
  assert.equal(agent.dispatch.waitingCount(), 1);
  const waiting = (await agent.tasks.read((await start("b")).state.id))?.state.jobs.only?.waiting?.code;
  assert.equal(waiting, "no-runner");
});

// A journal whose answers get lost, tasks that end just then, and tasks that cannot be read: what was committed must come
// about all the same.

import assert from "node:assert/strict";
import { test } from "node:test";
import { newMemoryStore } from "@gantry/journal/memory/memory.ts";
import { holdAppend, openWorld } from "../agent.fixture.ts";

test("a task whose request was committed without an answer is offered to runners", async () => {
  const { agent, failNextAppend, start } = await openWorld();
  failNextAppend("unanswered");
  await assert.rejects(start("a"), /answer was lost/);
  await agent.tick();
  assert.equal(agent.dispatch.waitingCount(), 1);
  assert.equal((await start("a")).state.phase, "running");
});

test("the next task of a group begins although the journal failed when its turn came", async () => {
  for (const fault of ["lost", "unanswered"] as const) {
    const { agent, failNextAppend, clock, start } = await openWorld();
    const [first, second] = [await start("a"), await start("b")];
    assert.equal(second.state.phase, "queued");
    await clock.pass(0);
    // The commit of the end itself is answered; the one after it is not.
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

test("a task begins when the one before it ended while it was being put behind it", async () => {
  let hold: ReturnType<typeof holdAppend> | undefined;
  const { agent, clock, start } = await openWorld({
    around: (journal) => {
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
  hold?.letGo();
  const { id } = (await second).state;
  await clock.pass(0);
  assert.equal((await agent.tasks.read(id))?.state.phase, "running");
});

test("a task begins when of the two before it the nearer was canceled just after the other had ended", async () => {
  let hold: ReturnType<typeof holdAppend> | undefined;
  let ids: readonly string[] = [];
  const { agent, clock, start } = await openWorld({
    around: (journal) => {
      hold = holdAppend(journal, (batch) => batch[0]?.stream === `task/${ids[1]}`);
      return hold.journal;
    },
  });
  const all = [await start("a"), await start("b"), await start("c")];
  ids = all.map(({ state }) => state.id);
  const [first = "", second = "", third = ""] = ids;
  // The second is already being canceled when the first ends and looks for whom to let begin.
  const canceling = agent.tasks.change(second, () => cancel);
  await hold?.reached;
  await agent.tasks.change(first, () => cancel);
  await clock.pass(0);
  hold?.letGo();
  await canceling;
  await clock.pass(0);
  assert.equal((await agent.tasks.read(third))?.state.phase, "running");
});

test("a task that cannot be read holds up no other, neither at the start nor later", async () => {
  const store = newMemoryStore();
  const before = await openWorld({ store, grouped: false });
  await before.start("a");
  const { agent, clock, start } = await openWorld({ store, grouped: false, version: "sha256:1" });
  await start("b");
  await clock.pass(0);
  assert.equal(agent.dispatch.waitingCount(), 1);
  const waiting = (await agent.tasks.read((await start("b")).state.id))?.state.jobs.only?.waiting?.code;
  assert.equal(waiting, "no-runner");
});

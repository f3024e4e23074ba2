// A journal whose answers get lost, and tasks that end just then: what was committed must come about all the same.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { job, pipeline } from "@gantry/core/task/task.fixture.ts";
import type { Journal, StreamAppend } from "@gantry/journal/journal.ts";
import { openMemoryJournal } from "@gantry/journal/memory.ts";
import { SteppedClock } from "@gantry/journal/stepped-clock.fixture.ts";
import { openAgent } from "./agent.ts";
import { agentConfig } from "./config.ts";
import type { LogStore } from "./log-store.ts";
import { startTask } from "./start-task.ts";
import { AGENT_INDEXES } from "./tasks.ts";

const silent = (): void => {};
const logger = { debug: silent, info: silent, warn: silent, error: silent };
const noLogs: LogStore = {
  append: async () => 0,
  read: async () => ({ bytes: Buffer.alloc(0), size: 0, final: false }),
  close: async () => {},
};

async function openWorld(around: (journal: Journal) => Journal = (journal) => journal) {
  const clock = new SteppedClock();
  const memory = openMemoryJournal({ indexes: AGENT_INDEXES, clock });
  const journal = around(memory);
  const definition = {
    pipeline: pipeline([job("only")], { concurrency: { group: "one at a time", policy: "queue" } }),
    version: "sha256:0",
  };
  const agent = await openAgent({
    config: agentConfig.parse({ data: "/", portalUrl: "http://portal", token: "0".repeat(16), runnerTokens: {} }),
    journal,
    definitions: {
      list: () => [definition],
      current: () => definition,
      pinned: async () => definition.pipeline,
      steps: [],
    },
    logs: noLogs,
    logger,
    clock,
    newId: randomUUID,
  });
  const start = (idempotencyKey: string) =>
    startTask(
      { ...agent, journal, portalUrl: "http://portal", newId: randomUUID },
      { pipeline: "test", params: {}, principal: "dev", idempotencyKey },
    );
  return { agent, failNextAppend: memory.failNextAppend, clock, start };
}

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

/** Holds one append back until it is let go. */
function holdAppend(journal: Journal, which: (batch: readonly StreamAppend[]) => boolean) {
  const held = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  const append: Journal["append"] = async (batch) => {
    if (which(batch)) {
      reached.resolve();
      await held.promise;
    }
    return journal.append(batch);
  };
  return { journal: { ...journal, append }, reached: reached.promise, letGo: held.resolve };
}

const cancel = { events: [{ kind: "TaskCancelRequested", at: 1, by: "dev" }] } as const;

test("a task begins when the one before it ended while it was being put behind it", async () => {
  let hold: ReturnType<typeof holdAppend> | undefined;
  const { agent, clock, start } = await openWorld((journal) => {
    let requests = 0;
    hold = holdAppend(
      journal,
      (batch) => batch.some(({ expected, stream }) => expected === 0 && stream.startsWith("task/")) && ++requests === 2,
    );
    return hold.journal;
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
  const { agent, clock, start } = await openWorld((journal) => {
    hold = holdAppend(journal, (batch) => batch[0]?.stream === `task/${ids[1]}`);
    return hold.journal;
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

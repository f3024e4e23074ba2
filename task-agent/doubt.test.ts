// A journal whose answers get lost: what was committed all the same must come about.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { job, pipeline } from "@gantry/core/task/task.fixture.ts";
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

async function openWorld() {
  const clock = new SteppedClock();
  const journal = openMemoryJournal({ indexes: AGENT_INDEXES, clock });
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
  return { agent, journal, clock, start };
}

test("a task whose request was committed without an answer is offered to runners", async () => {
  const { agent, journal, start } = await openWorld();
  journal.failNextAppend("unanswered");
  await assert.rejects(start("a"), /answer was lost/);
  await agent.tick();
  assert.equal(agent.dispatch.waitingCount(), 1);
  assert.equal((await start("a")).state.phase, "running");
});

test("the next task of a group begins although the journal failed when its turn came", async () => {
  for (const fault of ["lost", "unanswered"] as const) {
    const { agent, journal, clock, start } = await openWorld();
    const [first, second] = [await start("a"), await start("b")];
    assert.equal(second.state.phase, "queued");
    await clock.pass(0);
    const cancel = { events: [{ kind: "TaskCancelRequested", at: 1, by: "dev" }] } as const;
    const ending = agent.tasks.change(first.state.id, () => cancel);
    // The commit of the end itself is answered; the one after it is not.
    await ending;
    journal.failNextAppend(fault);
    await clock.pass(0);
    await agent.tick();
    await clock.pass(0);
    assert.equal((await agent.tasks.read(second.state.id))?.state.phase, "running", fault);
    assert.equal(agent.dispatch.waitingCount(), 1, fault);
  }
});

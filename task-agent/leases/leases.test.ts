// Leases after a start of the agent.

import assert from "node:assert/strict";
import { test } from "node:test";
import { job, pipeline } from "@gantry/core/task/task.fixture.ts";
import { openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import { openAlarms } from "../alarms.ts";
import { agentConfig } from "../config.ts";
import { AGENT_INDEXES } from "../store/indexes.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import type { Tasks } from "../tasks/tasks.ts";
import { openLeases } from "./leases.ts";

const config = agentConfig.parse({
  data: "/",
  portalUrl: "http://portal",
  token: "0".repeat(16),
  runnerTokens: {},
});
const lease = { runner: "seoul-1", claimedAt: 0, started: true };
const state = { id: "t1", jobs: { only: { key: "only", id: "only", fence: 1, attempt: 1, site: "seoul", lease } } };
const record = { state, pipeline: pipeline([job("only", { mode: "strict" })]), version: 1 } as unknown as TaskRecord;

test("after a slow start of the store, a lease gets its full time from the moment when runners can renew again", async () => {
  const clock = new SteppedClock();
  const memory = openMemoryJournal({ indexes: AGENT_INDEXES, clock });
  const lost: string[] = [];
  const tasks = {
    now: async () => clock.nowMs(),
    change: async (id: string) => {
      lost.push(id);
      return record;
    },
  } as Partial<Tasks> as Tasks;
  let isSlow = true;
  const append: typeof memory.append = async (batch) => {
    if (isSlow) await clock.pass(8_000);
    return memory.append(batch);
  };
  const alarms = openAlarms({ error: () => {} }, clock);
  const leases = openLeases({ tasks, journal: { ...memory, append }, config, clock, alarms });
  leases.onTaskChanged(record);
  await leases.recover();
  isSlow = false;

  await clock.pass(config.lease.strict.reassignAfterMs - 1_000);
  await leases.sweep();
  assert.deepEqual(lost, []);
  await clock.pass(2_000);
  await leases.sweep();
  assert.deepEqual(lost, ["t1"]);
});

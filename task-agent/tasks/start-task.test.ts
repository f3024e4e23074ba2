import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { AGENT_INDEXES } from "../store/indexes.ts";
import { openDefinitions } from "./definitions.ts";
import { startTask } from "./start-task.ts";
import { openTasks } from "./tasks.ts";

const PIPELINE = `
name: free
title: Free
button: Run free
app: none
jobs:
  work: { site: seoul, steps: [{ id: make, title: Make, run: "true" }] }
`;

test("a hundred concurrent requests with one key start one task, also without a concurrency group", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-start-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "free.yaml"), PIPELINE);
  const journal = openMemoryJournal({ indexes: AGENT_INDEXES });
  const definitions = await openDefinitions(folder, [], journal);
  const deps = { journal, definitions, tasks: openTasks(journal, definitions), portalUrl: "http://portal", newId };
  const request = { pipeline: "free", params: {}, idempotencyKey: "one", principal: "dev" };
  const started = await Promise.all(Array.from({ length: 100 }, () => startTask(deps, request)));
  assert.equal(new Set(started.map(({ state }) => state.id)).size, 1);
});

let ids = 0;
function newId(): string {
  ids += 1;
  return ids.toString(16).padStart(12, "0");
}

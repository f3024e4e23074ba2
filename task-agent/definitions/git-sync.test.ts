import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { StepDescription } from "@gantry/core/pipeline/pipeline.ts";
import { newMemoryStore, openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import { openAlarms } from "../alarms.ts";
import { AGENT_INDEXES } from "../store/indexes.ts";
import { openDefinitions } from "../tasks/definitions.ts";
import { openTasks } from "../tasks/tasks.ts";
import { readBuiltIn } from "./built-in-pipelines.ts";
import { unpack } from "./bundle.ts";
import { openGitSync } from "./git-sync.ts";

const SHIPPED = fileURLToPath(new URL("../../pipelines/", import.meta.url));
const EVERY_MS = 60_000;

async function twoAgents(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "gantry-git-sync-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "a.yaml"), 'name: a\napp: none\njobs:\n  work: { site: s, steps: [{ run: "x" }] }\n');
  const steps = JSON.parse(await readFile(join(SHIPPED, "catalogue.json"), "utf8")) as StepDescription[];
  const clock = new SteppedClock();
  const store = newMemoryStore();
  const open = async () => {
    const journal = openMemoryJournal({ indexes: AGENT_INDEXES, store, clock });
    const definitions = await openDefinitions(folder, steps, journal, { git: true });
    const tasks = openTasks(journal, definitions, { shared: true });
    const sync = openGitSync({
      ...{ journal, definitions, tasks, portalUrl: "http://portal", newId: randomUUID },
      config: { repository: { project: "P", slug: "definitions", branch: "main" }, everyMs: EVERY_MS },
      pipeline: await readBuiltIn(join(SHIPPED, "platform/definitions-sync.yaml"), steps),
      alarms: openAlarms({ error: () => {} }, clock),
    });
    return { journal, sync };
  };
  return { clock, agents: [await open(), await open()] as const };
}

test("of two agents that find the repository due at the same time, one task is started", async (t) => {
  const { clock, agents } = await twoAgents(t);
  const [{ journal, sync }, other] = agents;
  const count = async (): Promise<number> => (await journal.find({ index: "tasks", limit: 10 })).items.length;
  await Promise.all([sync.tick(), other.sync.tick()]);
  assert.equal(await count(), 1);
  await clock.pass(2 * EVERY_MS);
  await Promise.all([sync.tick(), other.sync.tick()]);
  assert.equal(await count(), 1, "no other one while it is pending");
  const asked = await Promise.all([sync.request("kim"), other.sync.request("lee")]);
  assert.deepEqual(new Set(asked.map(({ state }) => state.id)).size, 1, "it has not begun, so it serves both");
  assert.equal(await count(), 1);
});

test("files that a runner has made up are no set", async () => {
  const problem = async (bundle: unknown): Promise<string> => {
    const read = await unpack(bundle);
    return "problem" in read ? read.problem : "";
  };
  assert.match(await problem(undefined), /nothing/);
  assert.match(await problem("not base64!"), /cannot be unpacked/);
  const { gzipSync } = await import("node:zlib");
  assert.match(await problem(gzipSync('["a"]').toString("base64")), /not texts by path/);
  assert.match(await problem(gzipSync(Buffer.alloc(64 * 1_048_576)).toString("base64")), /cannot be unpacked/);
});

// Retention put together, without HTTP: the relay to Kafka and named readers hold events back; a pass is told by its state.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { retentionPolicy } from "@gantry/core/retention/policy.ts";
import { decideCancel } from "@gantry/core/task/decide-task.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { openWorld } from "./agent-world.fixture.ts";
import { openAlarms } from "./alarms.ts";
import { agentConfig } from "./config.ts";
import { openRetention } from "./open-retention.ts";
import { RELAY_STREAM } from "./relay.ts";

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

test("what is not in Kafka yet, and what a reader has not read, stays", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-open-retention-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  let journal: Journal | undefined;
  const { agent, clock, start } = await openWorld({
    grouped: false,
    around: (inner) => {
      journal = inner;
      return inner;
    },
  });
  assert.ok(journal);
  const end = async (key: string): Promise<string> => {
    const { id } = (await start(key)).state;
    await agent.tasks.change(id, ({ state }, now) => decideCancel(state, { by: "dev" }, now));
    await clock.pass(1);
    return id;
  };
  const old = await end("old");
  const last = (await journal.events(`task/${old}`, 0, 100)).at(-1)?.seq ?? 0;
  await end("new");
  clock.jumpWall(100 * 86_400_000);

  const base = { data: folder, portalUrl: "http://portal", token: "0".repeat(16), runnerTokens: {} };
  const config = agentConfig.parse({ ...base, events: { kafka: { brokers: ["kafka:9092"] } } });
  const policy = retentionPolicy.parse({ tasks: { keep: 1 } });
  const retention = openRetention({
    config,
    policy: () => policy,
    journal,
    tasks: agent.tasks,
    definitions: agent.definitions,
    clock,
    logger: quiet,
    alarms: openAlarms(quiet),
    random: () => 0,
    name: undefined,
  });
  const pass = async (): Promise<readonly (readonly [string, number])[]> => {
    let isOver = false;
    const sweeping = retention.sweep().finally(() => {
      isOver = true;
    });
    while (!isOver) await clock.pass(300);
    await sweeping;
    return [...retention.state().stayed];
  };
  const published = async (after: number): Promise<void> => {
    await journal?.append([{ stream: RELAY_STREAM, expected: 0, events: [], snapshot: { after, by: "x" } }]);
  };
  const held = [
    ["unread", 1],
    ["newest", 1],
  ];
  assert.deepEqual(await pass(), held, "nothing was ever published");
  await published(last - 1);
  assert.deepEqual(await pass(), held);
  await published(last);
  retention.readers.heard("notify-agent", last - 1);
  assert.deepEqual(await pass(), held);
  assert.equal(retention.state().archivedTasks, 0);
  retention.readers.heard("notify-agent", last);
  assert.deepEqual(await pass(), [["newest", 1]]);
  assert.equal(retention.state().archivedTasks, 1);
  assert.ok(await retention.archive.has(old));
  assert.ok((retention.state().oldest ?? 0) > 0);
  await retention.close();
});

// Retention put together, without HTTP: the relay to Kafka and named readers hold events back; a pass is told by its state.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { retentionPolicy } from "@gantry/core/retention/policy.ts";
import { decideCancel } from "@gantry/core/task/decide-task.ts";
import { dayOfTask, newTaskId } from "@gantry/core/task/task-id.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { openWorld } from "../agent.fixture.ts";
import { openAlarms } from "../alarms.ts";
import { agentConfig } from "../config.ts";
import { RELAY_STREAM } from "../events/relay.ts";
import { pathOf } from "../logs/log-store.ts";
import { DAY_MS } from "./decide-retention.ts";
import { sweepLogs } from "./log-retention.ts";
import { openRetention } from "./retention.ts";

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

test("two agents that sweep the same logs at once disturb each other in nothing, and every log is whole in the archive", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-logs-at-once-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const [logs, archive] = [join(folder, "logs"), join(folder, "archive")];
  const at = 1_780_000_000_000;
  const names = Array.from({ length: 20 }, (_, n) => {
    const task = newTaskId(at + n, randomUUID());
    return { task, job: "work", attempt: 1, step: "make" };
  });
  for (const name of names) {
    await mkdir(dirname(pathOf(logs, name)), { recursive: true });
    await writeFile(pathOf(logs, name), `made by ${name.task}\n`.repeat(5_000));
  }
  const sweep = (writer: string): Promise<number> =>
    sweepLogs({
      logs,
      archive,
      writer,
      journal: { load: async () => undefined },
      tasks: { now: async () => at + 100 * DAY_MS },
      archived: { has: async () => true },
      policy: () => retentionPolicy.parse({}),
      rest: async () => {},
      isStopping: () => false,
    });
  await Promise.all([sweep("a"), sweep("b")]);
  assert.deepEqual(await readdir(logs), []);
  for (const name of names) {
    const path = pathOf(join(archive, dayOfTask(name.task) ?? "", "logs"), name);
    assert.deepEqual(await readdir(dirname(path)), ["make.log.gz"], "nothing half-written is left");
    assert.equal(gunzipSync(await readFile(`${path}.gz`)).toString(), `made by ${name.task}\n`.repeat(5_000));
  }
});

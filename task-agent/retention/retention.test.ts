// Retention without HTTP: the relay to Kafka and named readers hold tasks back, and the counters show why.

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
import { openTestAgent } from "../agent.fixture.ts";
import { openAlarms } from "../alarms.ts";
import { agentConfig } from "../config.ts";
import { relayStream } from "../events/relay.ts";
import { pathOf } from "../logs/log-store.ts";
import { DAY_MS } from "./decide-retention.ts";
import { sweepLogs } from "./log-retention.ts";
import { openRetention } from "./retention.ts";

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

test("a task stays until Kafka and every reader have its events", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-open-retention-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  let journal: Journal | undefined;
  const { agent, clock, start } = await openTestAgent({
    grouped: false,
    wrapJournal: (inner) => {
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
    alarms: openAlarms(quiet, clock),
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
    return [...retention.state().kept];
  };
  const published = async (after: number): Promise<void> => {
    await journal?.append([{ stream: relayStream.name(), expected: 0, events: [], snapshot: { after, by: "x" } }]);
  };
  const held = [
    ["unread", 1],
    ["newest", 1],
  ];
  assert.deepEqual(await pass(), held, "nothing has been published yet");
  await published(last - 1);
  assert.deepEqual(await pass(), held);
  await published(last);
  retention.readers.acknowledge("notify-agent", last - 1);
  assert.deepEqual(await pass(), held);
  assert.equal(retention.state().archivedTasks, 0);
  retention.readers.acknowledge("notify-agent", last);
  assert.deepEqual(await pass(), [["newest", 1]]);
  assert.equal(retention.state().archivedTasks, 1);
  assert.ok(await retention.archive.has(old));
  assert.ok((retention.state().oldest ?? 0) > 0);
  await retention.close();
});

test("two agents that archive the same logs at once do not disturb each other, and every log is complete", async (t) => {
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
    assert.deepEqual(await readdir(dirname(path)), ["make.log.gz"], "no partial file is left");
    assert.equal(gunzipSync(await readFile(`${path}.gz`)).toString(), `made by ${name.task}\n`.repeat(5_000));
  }
});

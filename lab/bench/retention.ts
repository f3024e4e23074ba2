// Archives old tasks of a large store while requests arrive: how fast, and how much slower requests become.

import { fork } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openSqliteJournal } from "@gantry/journal/sqlite/sqlite.ts";
import { ScriptedRunner } from "@gantry/task-agent/runner-protocol/runner.fixture.ts";
import { AGENT_INDEXES } from "@gantry/task-agent/store/indexes.ts";
import { AgentProcess, end, RUNNER_TOKEN, TestBed, TOKEN } from "../processes/agent-process.ts";
import { type Bench, type Figure, quantile } from "./figure.ts";
import { Connection } from "./load/connection.ts";
import { APPS, fillWithOld } from "./load/old-tasks.ts";

const TASKS = 5_000;
const STEPS = 6;
const DAY_MS = 86_400_000;
const KEEP = 10;
/** About as long as archiving takes, so that the two can be compared. */
const QUIET_MS = 30_000;
const WARM_MS = 3_000;
type Pauses = { readonly longestPauseMs: number; readonly p99PauseMs: number };
const AGENT = fileURLToPath(new URL("./load/retention-agent.ts", import.meta.url));

export const retention: Bench = async () => {
  const bed = await TestBed.open();
  try {
    const { data, seed } = await makeSeed(bed);
    const from = Date.now() - 100 * DAY_MS;
    const file = join(data, "journal.sqlite");
    const journal = await openSqliteJournal({ file, indexes: AGENT_INDEXES });
    const made = await fillWithOld(journal, { seed, count: TASKS, from, everyMs: 100_000 });
    await journal.close();
    const size = statSync(file).size / 1e6;
    const child = fork(AGENT, [JSON.stringify(configOf(bed, data))], { stdio: "inherit" });
    try {
      const [{ url }] = (await once(child, "message")) as [{ url: string }];
      const line = await Connection.open(url, TOKEN);
      await poll(line, async () => false, WARM_MS);
      child.send("listen");
      const before = await poll(line, async () => false, QUIET_MS);
      child.send("tell");
      const [quiet] = (await once(child, "message")) as [Pauses];
      child.send("listen");
      const began = performance.now();
      child.send("sweep");
      const wanted = TASKS - APPS * KEEP;
      const during = await poll(line, () => isOver(line), 200_000);
      const seconds = (performance.now() - began) / 1_000;
      child.send("tell");
      const [pauses] = (await once(child, "message")) as [Pauses];
      const note = `${TASKS} tasks of ${made.events} events, ${size.toFixed(0)} MB`;
      const removalMs = (await metric(line, "gantry_retention_longest_removal_seconds")) * 1_000;
      return figures({ removalMs, wanted, seconds, before, during, quiet, pauses, left: await countTasks(line), note });
    } finally {
      await end(child);
    }
  } finally {
    await bed.close();
  }
};

function figures(run: {
  readonly removalMs: number;
  readonly wanted: number;
  readonly seconds: number;
  readonly before: readonly number[];
  readonly during: readonly number[];
  readonly quiet: Pauses;
  readonly pauses: Pauses;
  readonly left: number;
  readonly note: string;
}): readonly Figure[] {
  const { wanted, seconds, before, during, quiet, pauses } = run;
  const idle = (share: number) => ({ name: "without", value: quantile(before, share) });
  return [
    { name: "Old tasks archived", value: wanted / seconds, unit: "/s", note: run.note },
    { name: "Longest removal, with its fsync", value: run.removalMs, unit: "ms", target: { atMost: 20 } },
    {
      name: "Event loop meanwhile, longest pause",
      value: pauses.longestPauseMs,
      unit: "ms",
      beside: { name: "without", value: quiet.longestPauseMs },
    },
    {
      name: "Event loop meanwhile, p99",
      value: pauses.p99PauseMs,
      unit: "ms",
      beside: { name: "without", value: quiet.p99PauseMs },
    },
    { name: "List of 50 meanwhile, p50", value: quantile(during, 0.5), unit: "ms", beside: idle(0.5) },
    { name: "List of 50 meanwhile, p99", value: quantile(during, 0.99), unit: "ms", beside: idle(0.99) },
    { name: "Tasks that remain", value: run.left, unit: "", note: `${APPS} apps, ${KEEP} each, and the seed` },
  ];
}

/** Requests the newest page all the time until archiving is over, which is checked every half second. */
async function poll(line: Connection, isOver: () => Promise<boolean>, mostMs: number): Promise<readonly number[]> {
  const samples: number[] = [];
  const began = performance.now();
  let lookAt = began + 500;
  while (performance.now() - began < mostMs) {
    const asked = performance.now();
    await line.ask("GET", "/agent/v1/tasks?limit=50");
    samples.push(performance.now() - asked);
    if (performance.now() < lookAt) continue;
    if (await isOver()) break;
    lookAt = performance.now() + 500;
  }
  return samples;
}

async function isOver(line: Connection): Promise<boolean> {
  return (await metric(line, "gantry_retention_last_pass_seconds")) > 0;
}

async function metric(line: Connection, name: string): Promise<number> {
  const { body } = await line.ask("GET", "/metrics");
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(body.toString())?.[1]);
}

/** Reads all pages. */
async function countTasks(line: Connection): Promise<number> {
  let count = 0;
  let cursor: string | undefined;
  do {
    const page = (await line.json(
      "GET",
      `/agent/v1/tasks?limit=500${cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`}`,
    )) as { items: unknown[]; nextCursor?: string };
    count += page.items.length;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return count;
}

async function makeSeed(bed: TestBed): Promise<{ data: string; seed: string }> {
  const lines = Array.from({ length: STEPS }, (_, n) => `{ id: step-${n}, title: Step ${n}, run: "true" }`);
  const jobs = `  work: { site: seoul, retrySafe: true, steps: [${lines.join(", ")}] }\n`;
  const text = `name: build\ntitle: build\nbutton: Build\napp: none\njobs:\n${jobs}`;
  await writeFile(join(bed.pipelines, "build.yaml"), text);
  const agent = await AgentProcess.start(bed);
  const runner = await ScriptedRunner.signIn(agent.url, RUNNER_TOKEN, "seoul", "seoul-1");
  const request = { pipeline: "build", params: {}, idempotencyKey: "seed", principal: "bench" };
  const { id } = await agent.client.startTask(request);
  const { ref } = await runner.takeJob();
  await runner.start(ref);
  for (let n = 0; n < STEPS; n += 1) {
    const step = `step-${n}`;
    const ended = {
      kind: "step-ended",
      step,
      outcome: "succeeded",
      durationMs: 1_000,
      outputs: { n: String(n) },
    } as const;
    await runner.progress(ref, 2 * n + 1, [{ kind: "step-started", step }, ended]);
  }
  await runner.report(ref, { progress: 2 * STEPS });
  await end(agent.child);
  return { data: agent.data, seed: id };
}

function configOf(bed: TestBed, data: string): object {
  const retention = { tasks: { days: 90, keep: KEEP } };
  const runnerTokens = { [RUNNER_TOKEN]: "seoul" };
  return { data, pipelines: bed.pipelines, portalUrl: "http://portal", token: TOKEN, runnerTokens, retention };
}

// Archives old tasks while agents are killed (SIGKILL), tasks are requested and old ones are read: two agents on one Redis, or
// one on SQLite. Afterwards each old task must be complete in the journal or complete in the archive.

import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { GantryError } from "@gantry/core/errors.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { openRedisJournal } from "@gantry/journal/redis/redis.ts";
import { openSqliteJournal } from "@gantry/journal/sqlite/sqlite.ts";
import { pathOf } from "@gantry/task-agent/logs/log-store.ts";
import { ScriptedRunner } from "@gantry/task-agent/runner-protocol/runner.fixture.ts";
import { AGENT_INDEXES } from "@gantry/task-agent/store/indexes.ts";
import { APPS, fillWithOld } from "../../bench/load/old-tasks.ts";
import { type RedisServer, startRedis } from "../../faults/redis/server.ts";
import { AgentProcess, RUNNER_TOKEN, TestBed } from "../../processes/agent-process.ts";
import { type Audit, auditRetention, findTask, logText, type Stock } from "./retention-audit.ts";

export type RetentionFigures = Audit & {
  readonly kills: number;
  readonly oldTasks: number;
  readonly requested: number;
  /** How often an old task was read meanwhile, and how often it was not found. The second must be 0. */
  readonly reads: number;
  readonly notFound: number;
  /** From the last kill until the last old task was archived. */
  readonly drainedS: number;
  /** Retention passes that failed since the last start of each agent. Must be 0. */
  readonly failedPasses: number;
};

const DAY_MS = 86_400_000;
const KEEP = 1;
const OTHERS = 20;
/** Agents whose retention passes run one after the other without a pause. */
export const SWEEPING = fileURLToPath(new URL("./sweeping-agent.ts", import.meta.url));
/** The job of the pipeline `quick`. */
export const JOB = '  work: { site: seoul, retrySafe: true, steps: [{ id: make, title: Make, run: "true" }] }';
const REQUEST_EVERY_MS = 50;
const READ_EVERY_MS = 10;
const DRAIN_LIMIT_MS = 600_000;

/** Kills an agent at least every `longestMs`. There are more old tasks than can be archived meanwhile. */
export async function killWhileTasksLeave(
  store: "sqlite" | "redis",
  kills: number,
  { longestMs = 1_500, tasksPerKill = 150 } = {},
): Promise<RetentionFigures> {
  const bed = await TestBed.open();
  const redis = store === "redis" ? await startRedis() : undefined;
  try {
    await bed.pipeline("quick", JOB);
    const open = opener(bed, redis);
    const stock = await fill(
      bed,
      open,
      await makeSeeds(await startAgent(bed, redis, "a")),
      APPS * KEEP + kills * tasksPerKill,
    );
    const agents = await Promise.all((redis ? ["a", "b"] : ["a"]).map((name) => startAgent(bed, redis, name)));
    const visitors = visit(agents, stock.old);
    let played = 0;
    for (; played < kills && !(await hasLeft(agents)); played += 1) {
      const agent = agents[played % agents.length];
      await new Promise((resolve) => setTimeout(resolve, Math.random() * longestMs));
      await agent?.kill();
      await agent?.restart();
    }
    const began = performance.now();
    while (!(await hasLeft(agents))) {
      if (performance.now() - began > DRAIN_LIMIT_MS) throw new Error("old tasks are still there after ten minutes");
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    const drainedS = Math.round((performance.now() - began) / 1_000);
    const { requested, ...seen } = await visitors.stop();
    const failures = await Promise.all(agents.map((agent) => metric(agent, "gantry_retention_failures")));
    const failedPasses = failures.reduce((sum, count) => sum + count, 0);
    const audit = await auditRetention({ bed, agents, open, stock: { ...stock, requested } });
    const counts = { kills: played, oldTasks: stock.old.length, requested: requested.length };
    return { ...counts, ...seen, drainedS, failedPasses, ...audit };
  } finally {
    await bed.close();
    await redis?.dispose();
  }
}

/** A complete pass has run since the process was started, so what is left must stay. */
export async function hasSwept(agent: { readonly url: string }): Promise<boolean> {
  return (await metric(agent, "gantry_retention_last_pass_seconds")) > 0;
}

/** One agent is enough: each of them looks at all tasks. */
async function hasLeft(agents: readonly AgentProcess[]): Promise<boolean> {
  return (await Promise.all(agents.map(hasSwept))).includes(true);
}

async function metric({ url }: { readonly url: string }, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
}

/** Opens the journal of agent `a` directly, while no agent uses it. */
export function opener(bed: TestBed, redis: RedisServer | undefined): () => Promise<Journal> {
  if (!redis) {
    const file = join(bed.folder, "a", "journal.sqlite");
    return () => openSqliteJournal({ file, indexes: AGENT_INDEXES });
  }
  return () => openRedisJournal({ address: redis, indexes: AGENT_INDEXES });
}

function startAgent(
  bed: TestBed,
  redis: RedisServer | undefined,
  name: string,
  program = SWEEPING,
): Promise<AgentProcess> {
  const journal = redis ? { kind: "redis", address: `${redis.host}:${redis.port}`, waitReplicas: 0 } : undefined;
  const retention = { tasks: { days: 90, keep: KEEP } };
  const config = { name, logs: join(bed.folder, "logs"), retention, ...(journal ? { journal } : {}) };
  return AgentProcess.start(bed, { config, data: join(bed.folder, name), program });
}

/** Creates one ended and one open task with a real agent, and kills the agent. */
export async function makeSeeds(agent: AgentProcess): Promise<{ ended: string; open: string }> {
  const runner = await ScriptedRunner.signIn(agent.url, RUNNER_TOKEN, "seoul", "seoul-1");
  const { id: ended } = await agent.start("quick", "seed-1");
  const { ref } = await runner.takeJob();
  await runner.start(ref);
  await runner.report(ref);
  await agent.ended(ended);
  const { id: open } = await agent.start("quick", "seed-2");
  await agent.kill();
  return { ended, open };
}

async function fill(
  bed: TestBed,
  open: () => Promise<Journal>,
  seed: { readonly ended: string; readonly open: string },
  count: number,
): Promise<Omit<Stock, "requested">> {
  const journal = await open();
  const from = Date.now() - 100 * DAY_MS;
  try {
    const old = await fillWithOld(journal, { seed: seed.ended, count, from, everyMs: 1_000 });
    const stillOpen = await fillWithOld(journal, { seed: seed.open, count: OTHERS, from, everyMs: 1_000 });
    const young = await fillWithOld(journal, {
      seed: seed.ended,
      count: OTHERS,
      from: Date.now() - 10 * DAY_MS,
      everyMs: 1_000,
    });
    for (let at = 0; at < old.ids.length; at += 200) {
      const ids = old.ids.slice(at, at + 200);
      const keys = ids.map((id) => ({ stream: `key/${id}`, expected: 0, events: [{ id }], snapshot: id }));
      await journal.append(keys.map((key) => ({ ...key, index: { keys: [key.snapshot] } })));
    }
    const states = new Map<string, unknown>();
    for (const id of old.ids) states.set(id, (await journal.load(`task/${id}`))?.snapshot);
    for (const id of [...old.ids, ...young.ids]) await writeLog(bed, id);
    return { old: old.ids, stay: [...stillOpen.ids, ...young.ids], states, events: old.events, young: young.ids };
  } finally {
    await journal.close();
  }
}

async function writeLog(bed: TestBed, task: string): Promise<void> {
  const path = pathOf(join(bed.folder, "logs"), { task, job: "work", attempt: 1, step: "make" });
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, logText(task));
  await writeFile(`${path}.final`, "");
}

/** Requests tasks and reads old ones all the time, from any agent that answers. */
function visit(agents: readonly AgentProcess[], old: readonly string[]) {
  const requested: string[] = [];
  let [reads, notFound, keys, isStopping] = [0, 0, 0, false];
  const any = (): AgentProcess => agents[Math.floor(Math.random() * agents.length)] as AgentProcess;
  const request = async (): Promise<void> => {
    keys += 1;
    requested.push((await any().start("quick", `key-${keys}`)).id);
  };
  const read = async (): Promise<void> => {
    const id = old[Math.floor(Math.random() * old.length)] as string;
    const found = await findTask(any(), id);
    reads += 1;
    if (found?.state !== "succeeded") notFound += 1;
  };
  const again = async (work: () => Promise<void>, everyMs: number): Promise<void> => {
    while (!isStopping) {
      await work().catch((error: unknown) => {
        // The agent was killed or is not up yet.
        if (!(error instanceof GantryError) || error.code !== "unavailable") throw error;
      });
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  };
  const visiting = Promise.all([again(request, REQUEST_EVERY_MS), again(read, READ_EVERY_MS)]);
  // A failure is reported to the caller of `stop`.
  visiting.catch(() => {});
  return {
    stop: async () => {
      isStopping = true;
      await visiting;
      return { requested, reads, notFound };
    },
  };
}

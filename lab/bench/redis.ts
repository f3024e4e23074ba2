// The same no-op jobs with the journal in a Redis that fsyncs every write: one to three task-agents, and BullMQ, a widely used
// queue for Node, on the same Redis.

import { join } from "node:path";
import { type Job, Queue, Worker } from "bullmq";
import { noRedis, type RedisServer, startRedis } from "../faults/redis/server.ts";
import { AgentProcess, TestBed } from "../processes/agent-process.ts";
import type { Bench, Figure } from "./figure.ts";
import { prepareNoOps, runNoOps } from "./load/no-ops.ts";

const TASKS = 2_000;
const WARM_UP = 500;
const AGENTS = [1, 2, 3] as const;
const CONCURRENCY = 200;

export const redis: Bench = async () => {
  if (noRedis) throw new Error(noRedis);
  const server = await startRedis();
  try {
    const bull = await bullMq(server);
    const rates = [];
    for (const agents of AGENTS) {
      await server.command("FLUSHALL");
      rates.push({ agents, rate: await gantry(server, agents) });
    }
    return rates.map(({ agents, rate }): Figure => {
      const who = agents === 1 ? "1 task-agent" : `${agents} task-agents`;
      const note = `${TASKS} tasks of one job; appendfsync always, no replica; runners and BullMQ run in the benchmark`;
      return {
        name: `Durable no-op jobs, Redis, ${who}`,
        value: rate,
        unit: "/s",
        beside: { name: "BullMQ: add, take and complete, same Redis", value: bull },
        ...(agents === 1 ? { note } : {}),
      };
    });
  } finally {
    await server.dispose();
  }
};

async function gantry(server: RedisServer, count: number): Promise<number> {
  const bed = await TestBed.open();
  try {
    await prepareNoOps(bed);
    const journal = { kind: "redis", address: `127.0.0.1:${server.port}`, waitReplicas: 0 };
    const agents = [];
    for (let n = 0; n < count; n += 1) {
      const config = { journal, name: `agent-${n}`, logs: join(bed.folder, "logs") };
      agents.push(await AgentProcess.start(bed, { config, data: join(bed.folder, `agent-${n}`) }));
    }
    return (await runNoOps(agents, { tasks: TASKS, warmUp: WARM_UP })).perSecond;
  } finally {
    await bed.close();
  }
}

/** Jobs per second, from adding to completion; producers and the worker run in this process. */
async function bullMq({ host, port }: RedisServer): Promise<number> {
  const connection = { host, port };
  const queue = new Queue("nothing", { connection });
  let ended = 0;
  let warmAt = 0;
  let allEnded = (): void => {};
  const all = new Promise<void>((resolve) => {
    allEnded = resolve;
  });
  let room: (() => void)[] = [];
  const work = async (_: Job): Promise<null> => null;
  const worker = new Worker("nothing", work, { connection, concurrency: CONCURRENCY });
  worker.on("completed", () => {
    ended += 1;
    if (ended === WARM_UP) warmAt = performance.now();
    if (ended === TASKS + WARM_UP) allEnded();
    const [next, ...rest] = room;
    room = rest;
    next?.();
  });
  let asked = 0;
  const add = async (): Promise<void> => {
    while (asked < TASKS + WARM_UP) {
      asked += 1;
      await queue.add("make", { params: {} });
      if (asked - ended > CONCURRENCY) await new Promise<void>((resolve) => room.push(resolve));
    }
  };
  await Promise.all([all, ...Array.from({ length: 32 }, add)]);
  const seconds = (performance.now() - warmAt) / 1_000;
  await worker.close();
  await queue.close();
  return TASKS / seconds;
}

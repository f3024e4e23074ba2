// Two task-agents as processes on one Redis, under load: tasks are requested all the time, runners only claim, start and
// report, and one of the agents is killed (SIGKILL) repeatedly. A client that loses its agent uses the other one, as behind
// a load balancer.

import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { GantryError } from "@gantry/core/errors.ts";
import { ScriptedRunner } from "@gantry/task-agent/runner-protocol/runner.fixture.ts";
import { type AgentClient, makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { JobRef } from "@gantry/wire/runner/protocol.ts";
import { freePort, startRedis } from "./server.ts";

export type AgentFigures = {
  readonly kills: number;
  readonly requested: number;
  /** Acknowledged tasks that are missing or have not succeeded at the end. Must be 0. */
  readonly lost: number;
  /** Two tasks for one idempotency key. Must be 0. */
  readonly doubled: number;
  /** Attempts beyond one per task: the agent died after a claim and before it could answer. */
  readonly extraAttempts: number;
  /** From the request to the end of a task, ms. */
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly longestMs: number;
};

export const TOKEN = "platform-token-of-this-run";
export const SEOUL = "runner-token-of-seoul-0";
const AGENT = fileURLToPath(new URL("../../../task-agent/main.ts", import.meta.url));
const PIPELINE = `
name: nothing
title: Nothing
button: Run nothing
app: none
params: { n: { type: string, required: true } }
jobs:
  work: { site: seoul, retrySafe: true, steps: [{ id: make, title: Make, run: "true" }] }
`;
const RUNNERS = 4;

/** `between`: how many tasks end between two kills. */
export async function killAgents(kills: number, between: number, everyMs: number): Promise<AgentFigures> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-agents-"));
  const redis = await startRedis();
  const stopping = new AbortController();
  const agents = [await prepareAgent(folder, "a", redis.port), await prepareAgent(folder, "b", redis.port)] as const;
  try {
    await Promise.all(agents.map((agent) => agent.start()));
    const urls = agents.map((agent) => agent.url);
    const runners = Array.from({ length: RUNNERS }, (_, n) => work(urls, n, stopping.signal));
    const load = startRequests(urls, everyMs);
    stopping.signal.addEventListener("abort", load.stop);
    for (let n = 0; n < kills; n += 1) {
      await load.moreEnded(between);
      const agent = agents[n % 2];
      await agent?.kill();
      await load.moreEnded(between);
      await agent?.start();
    }
    const tasks = await load.finish();
    const figures = await check(makeAgentClient({ url: agents[0].url, token: TOKEN }), tasks);
    stopping.abort();
    await Promise.all(agents.map((agent) => agent.kill()));
    await Promise.all(runners);
    return { kills, ...figures };
  } finally {
    stopping.abort();
    await Promise.all(agents.map((agent) => agent.kill()));
    await redis.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}

/** A task-agent that can be started, killed and stopped repeatedly. */
export async function prepareAgent(folder: string, name: string, redisPort: number) {
  const data = join(folder, name);
  const pipelines = join(folder, `${name}-pipelines`);
  await mkdir(data);
  await mkdir(pipelines);
  await writeFile(join(pipelines, "nothing.yaml"), PIPELINE);
  const port = await freePort();
  const config = join(folder, `${name}.json`);
  await writeFile(
    config,
    JSON.stringify({
      name,
      data,
      port,
      logs: join(folder, "logs"),
      journal: { kind: "redis", address: `127.0.0.1:${redisPort}`, waitReplicas: 0 },
      pipelines,
      portalUrl: "http://portal",
      token: TOKEN,
      runnerTokens: { [SEOUL]: "seoul" },
      logLevel: "error",
    }),
  );
  let child: ChildProcess | undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    start: async (): Promise<void> => {
      child = spawn(process.execPath, [AGENT, "--config", config], { stdio: ["ignore", "inherit", "inherit"] });
      const ended = once(child, "exit").then(() => false);
      const answers = async (): Promise<boolean> => {
        const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
        return answer?.ok === true;
      };
      while (!(await answers()))
        if (!(await Promise.race([ended, pause(50)]))) throw new Error("a task-agent ended while it started");
    },
    /** SIGTERM; resolves with the exit code. */
    stop: async (): Promise<number | null> => {
      const running = child;
      if (!running) return null;
      running.kill("SIGTERM");
      const [code] = (await once(running, "exit")) as [number | null];
      return code;
    },
    kill: async (): Promise<void> => {
      const running = child;
      if (!running || running.exitCode !== null || running.signalCode !== null) return;
      const gone = once(running, "exit");
      running.kill("SIGKILL");
      await gone;
    },
  };
}

/** A runner with one slot. It reports the job that it held to the next agent, as real runners do. */
async function work(urls: readonly string[], number: number, signal: AbortSignal): Promise<void> {
  const bootId = randomUUID();
  let held: { ref: JobRef; started: boolean } | undefined;
  for (let tries = number; !signal.aborted; tries += 1) {
    try {
      const url = urls[tries % urls.length] ?? "";
      const running = held ? [held] : [];
      const identity = { bootId, slots: 1, registration: tries + 1 };
      const runner = await ScriptedRunner.signIn(url, SEOUL, "seoul", `seoul-${number}`, running, identity);
      if (runner.directives[0]?.do === "drop") held = undefined;
      while (!signal.aborted) {
        if (!held) {
          const [offer] = (await runner.pollAll(1, 1_000)).offers;
          if (!offer) continue;
          // A claim without an answer is not held; the next agent learns this and gives the job away at once.
          await runner.claim(offer);
          held = { ref: offer.ref, started: false };
        }
        await runner.start(held.ref);
        held.started = true;
        await runner.report(held.ref);
        held = undefined;
      }
    } catch (error) {
      if (error instanceof GantryError && (error.code === "offer-gone" || error.code === "lease-lost"))
        held = undefined;
      else if (!(error instanceof GantryError)) throw error;
      // The agent is dead or not up yet: try the next one after a short pause.
      await pause(20);
    }
  }
}

export type Asked = { readonly key: string; readonly ids: Set<string> };

/** The limit of tasks under way, so that the failures are measured and not the machine. */
const MAX_OPEN = 20;

export function startRequests(urls: readonly string[], everyMs: number) {
  const clients = urls.map((url) => makeAgentClient({ url, token: TOKEN }));
  const asked: Asked[] = [];
  const open = new Set<string>();
  const running = new Set<Promise<void>>();
  const stopping = new AbortController();
  let ended = 0;
  let failure: unknown;

  /** Tries the agents in turn until one answers. */
  const ask = async <T>(first: number, question: (client: AgentClient) => Promise<T>): Promise<T> => {
    for (let tries = first; ; tries += 1) {
      try {
        return await question(clients[tries % clients.length] as AgentClient);
      } catch (error) {
        if (!(error instanceof GantryError)) throw error;
        stopping.signal.throwIfAborted();
        await pause(50);
      }
    }
  };
  const request = async (n: number): Promise<void> => {
    const mine: Asked = { key: `key-${n}`, ids: new Set() };
    asked.push(mine);
    const request = { pipeline: "nothing", params: { n: `${n}` }, idempotencyKey: mine.key, principal: "dev" };
    const { id } = await ask(n, (client) => client.startTask(request));
    mine.ids.add(id);
    open.add(id);
  };
  /** Checks all open tasks repeatedly. */
  const watch = async (): Promise<void> => {
    for (let round = 0; !stopping.signal.aborted; round += 1) {
      for (const id of open) {
        const task = await ask(round, (client) => client.task(id));
        if (task.endedAt === undefined) continue;
        open.delete(id);
        ended += 1;
      }
      await pause(50);
    }
  };
  const keep = (work: Promise<void>): void => {
    const mine = work
      .catch((error: unknown) => {
        if (!stopping.signal.aborted) failure ??= error;
      })
      .finally(() => running.delete(mine));
    running.add(mine);
  };
  keep(watch());
  let count = 0;
  const ticking = setInterval(() => {
    if (open.size >= MAX_OPEN || running.size > MAX_OPEN) return;
    count += 1;
    keep(request(count));
  }, everyMs);
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo() && failure === undefined) await pause(20);
    if (failure !== undefined) throw failure;
  };
  return {
    moreEnded: (by: number): Promise<void> => {
      const want = ended + by;
      return until(() => ended >= want);
    },
    /** Stops requesting and waits until every task has ended. */
    finish: async (): Promise<readonly Asked[]> => {
      clearInterval(ticking);
      await until(() => open.size === 0 && running.size === 1);
      return asked;
    },
    stop: (): void => {
      clearInterval(ticking);
      stopping.abort();
    },
  };
}

export async function check(client: AgentClient, asked: readonly Asked[]): Promise<Omit<AgentFigures, "kills">> {
  const times: number[] = [];
  let lost = 0;
  let extraAttempts = 0;
  for (const id of asked.flatMap(({ ids }) => [...ids])) {
    const task = await client.task(id).catch(() => undefined);
    if (task?.state !== "succeeded") lost += 1;
    if (!task) continue;
    times.push(task.durationMs ?? 0);
    extraAttempts += (task.jobs[0]?.attempts.length ?? 1) - 1;
  }
  times.sort((a, b) => a - b);
  const at = (part: number): number => times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0;
  return {
    requested: asked.length,
    lost,
    doubled: asked.filter(({ ids }) => ids.size > 1).length,
    extraAttempts,
    medianMs: at(0.5),
    p99Ms: at(0.99),
    longestMs: at(1),
  };
}

function pause(ms: number): Promise<true> {
  return new Promise((resolve) => setTimeout(() => resolve(true), ms));
}

// A rolling restart: two task-agents on one Redis and two runners, all separate processes, are stopped (SIGTERM) and restarted
// in turn while tasks are requested all the time. Runners reach the agents through a load balancer, as in production: it
// keeps a runner at one agent and changes to the other one when that does not answer.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import { type AgentFigures, check, prepareAgent, SEOUL, startRequests, TOKEN } from "./agents.ts";
import { startRedis } from "./server.ts";

export type RollingFigures = Omit<AgentFigures, "kills"> & {
  /** Restarts of each of the four processes. */
  readonly restarts: number;
  /** Processes that ended with another exit code than 0. Must be 0. */
  readonly badExits: number;
  /** From SIGTERM to the end of the process, ms. */
  readonly longestAgentStopMs: number;
  readonly longestRunnerStopMs: number;
};

const RUNNER = fileURLToPath(new URL("../../../task-runner/main.ts", import.meta.url));
const DRAIN_SECONDS = 30;

/** `between`: how many tasks end between two restarts. With 0 restarts: the same load with `between` tasks. */
export async function rollingRestart(restarts: number, between: number, everyMs: number): Promise<RollingFigures> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-rolling-"));
  const redis = await startRedis();
  const agents = [await prepareAgent(folder, "a", redis.port), await prepareAgent(folder, "b", redis.port)] as const;
  const ports = agents.map(({ url }) => Number(new URL(url).port));
  const balancers = [await balance(ports), await balance(ports.toReversed())] as const;
  const runners = await Promise.all(balancers.map(({ port }, n) => prepareRunner(folder, `seoul-${n}`, port)));
  let load: ReturnType<typeof startRequests> | undefined;
  try {
    await Promise.all(agents.map((agent) => agent.start()));
    for (const runner of runners) runner.start();
    load = startRequests(
      agents.map((agent) => agent.url),
      everyMs,
    );
    await load.moreEnded(between);
    let badExits = 0;
    const longest = { agent: 0, runner: 0 };
    const roll = async (what: "agent" | "runner", one: { stop: () => Promise<number | null> }): Promise<void> => {
      const began = performance.now();
      if ((await one.stop()) !== 0) badExits += 1;
      longest[what] = Math.max(longest[what], Math.round(performance.now() - began));
    };
    for (let round = 0; round < restarts; round += 1) {
      for (const agent of agents) {
        await roll("agent", agent);
        await agent.start();
        await load.moreEnded(between);
      }
      for (const runner of runners) {
        await roll("runner", runner);
        runner.start();
        await load.moreEnded(between);
      }
    }
    const tasks = await load.finish();
    const figures = await check(makeAgentClient({ url: agents[0].url, token: TOKEN }), tasks);
    const stops = { longestAgentStopMs: longest.agent, longestRunnerStopMs: longest.runner };
    return { restarts, ...figures, badExits, ...stops };
  } finally {
    load?.stop();
    await Promise.all([...agents, ...runners].map((one) => one.kill()));
    await Promise.all(balancers.map((one) => one.close()));
    await redis.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}

async function prepareRunner(folder: string, name: string, agentPort: number) {
  const config = join(folder, `${name}.json`);
  const agent = `http://127.0.0.1:${agentPort}`;
  const data = join(folder, name);
  const rest = { slots: 4, drainSeconds: DRAIN_SECONDS, logLevel: "error" };
  await writeFile(config, JSON.stringify({ name, site: "seoul", agent, token: SEOUL, data, ...rest }));
  let child: ChildProcess | undefined;
  const end = async (signal: "SIGTERM" | "SIGKILL"): Promise<number | null> => {
    const running = child;
    if (!running || running.exitCode !== null || running.signalCode !== null) return running?.exitCode ?? null;
    const exit = once(running, "exit");
    running.kill(signal);
    return ((await exit) as [number | null])[0];
  };
  return {
    start: (): void => {
      child = spawn(process.execPath, [RUNNER, "--config", config], { stdio: ["ignore", "inherit", "inherit"] });
    },
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
  };
}

/** A load balancer: all connections go to one port while it accepts them, then to the next one. */
async function balance(ports: readonly number[]): Promise<{ port: number; close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  let first = 0;
  const server = createServer((client) => {
    sockets.add(client);
    client.pause();
    client.on("error", () => client.destroy());
    const open = (tries: number): void => {
      if (tries === ports.length) {
        client.destroy();
        return;
      }
      const at = first;
      const upstream = connect(ports[at] ?? 0, "127.0.0.1");
      const failed = (): void => {
        if (first === at) first = (at + 1) % ports.length;
        open(tries + 1);
      };
      upstream.once("error", failed);
      upstream.once("connect", () => {
        upstream.off("error", failed);
        upstream.on("error", () => client.destroy());
        upstream.on("close", () => client.destroy());
        client.on("close", () => {
          sockets.delete(client);
          upstream.destroy();
        });
        client.pipe(upstream).pipe(client);
      });
    };
    open(0);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a listening server must have a port");
  return {
    port: address.port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

if (import.meta.main) {
  const [restarts = "3", between = "15", everyMs = "150"] = process.argv.slice(2);
  process.stdout.write(`${JSON.stringify(await rollingRestart(Number(restarts), Number(between), Number(everyMs)))}\n`);
}

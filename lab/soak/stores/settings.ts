// Changes a setting by the command, through portal-api, while two task-agents on one Redis, portal-api, notify-agent and a
// runner run as separate processes, and measures how long each of them takes to apply it, also after it was down meanwhile.
// The setting is the log level, because its effect is visible: at `info` a process logs a line per request.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { runLine } from "@gantry/cli/line/run-line.ts";
import { freePort } from "@gantry/runtime/free-ports.ts";
import { makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import { startRedis } from "../../faults/redis/server.ts";
import { RUNNER_TOKEN, TOKEN } from "../../processes/agent-process.ts";

export type SettingsFigures = {
  readonly changes: number;
  /** Longest time from the command to the first line, and from its reversal to the last line, ms. */
  readonly heardMs: { readonly [process: string]: number };
  readonly takenBackMs: { readonly [process: string]: number };
  /** The same for processes that were down during the change, from when they answered again; a runner: from its start. */
  readonly afterAwayMs: { readonly [process: string]: number };
  /** Number of times above ten seconds. Must be 0. */
  readonly late: number;
};

const LIMIT_MS = 10_000;
const ASK_EVERY_MS = 50;
const QUIET_MS = 1_000;
const PIPELINE =
  'name: quick\ntitle: Quick\nbutton: Run quick\napp: none\njobs:\n  work: { site: seoul, retrySafe: true, steps: [{ id: make, title: Make, run: "true" }] }\n';

/** A process whose log is watched. */
type Watched = {
  readonly name: string;
  readonly key: string;
  readonly start: () => Promise<void>;
  readonly end: (signal: "SIGTERM" | "SIGKILL") => Promise<void>;
  /** When the newest line arrived. */
  readonly spokeAt: () => number;
};

export async function changeSettingsEverywhere(changes: number): Promise<SettingsFigures> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-settings-"));
  const redis = await startRedis();
  const processes = await prepare(folder, `${redis.host}:${redis.port}`);
  const { all, away, portal, agent } = processes;
  const stopAsking = new AbortController();
  const longest = {
    heard: new Map<string, number>(),
    back: new Map<string, number>(),
    away: new Map<string, number>(),
  };
  const note = (of: Map<string, number>, name: string, ms: number): void =>
    void of.set(name, Math.max(of.get(name) ?? 0, Math.round(ms)));
  try {
    for (const one of all) await one.start();
    const asking = ask(processes.urls, agent, stopAsking.signal);
    const command = commandOf(portal, join(folder, "portal"));
    await quiet(all);
    for (let n = 0; n < changes; n += 1) {
      for (const [of, verb] of [
        [longest.heard, "set"],
        [longest.back, "unset"],
      ] as const) {
        const began = performance.now();
        for (const key of new Set(all.map((one) => one.key))) await command(verb, key);
        if (verb === "set") await Promise.all(all.map(async (one) => note(of, one.name, await spoken(one, began))));
        else for (const [name, at] of await quiet(all)) note(of, name, Math.max(0, at - began));
      }
    }
    for (const one of away) await one.end("SIGTERM");
    for (const key of new Set(away.map((one) => one.key))) await command("set", key);
    for (const one of away) {
      await one.start();
      note(longest.away, one.name, await spoken(one, performance.now()));
    }
    stopAsking.abort();
    await asking;
    const times = [longest.heard, longest.back, longest.away].map((of) => Object.fromEntries(of));
    const late = times.flatMap((of) => Object.values(of)).filter((ms) => ms > LIMIT_MS).length;
    return { changes, heardMs: times[0] ?? {}, takenBackMs: times[1] ?? {}, afterAwayMs: times[2] ?? {}, late };
  } finally {
    stopAsking.abort();
    await Promise.all(all.map((one) => one.end("SIGKILL")));
    await redis.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}

async function prepare(folder: string, redis: string) {
  const [a, b, portal, notify] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const at = (port: number): string => `http://127.0.0.1:${port}`;
  const peer = { url: at(a), token: TOKEN };
  await writeFile(join(folder, "quick.yaml"), PIPELINE);
  const agentOf = (name: string, port: number): object => ({
    name,
    port,
    data: join(folder, name),
    logs: join(folder, "logs"),
    journal: { kind: "redis", address: redis, waitReplicas: 0 },
    pipelines: folder,
    portalUrl: at(portal),
    token: TOKEN,
    runnerTokens: { [RUNNER_TOKEN]: "seoul" },
  });
  const make = (name: string, program: string, key: string, config: object, url?: string): Watched =>
    watch({ name, program, key, config, file: join(folder, `${name}.json`), url });
  const [first, ...others] = [
    make("task-agent a", "task-agent", "log.taskAgent", agentOf("a", a), at(a)),
    make("task-agent b", "task-agent", "log.taskAgent", agentOf("b", b), at(b)),
    make(
      "notify-agent",
      "notify-agent",
      "log.notifyAgent",
      {
        data: join(folder, "notify"),
        port: notify,
        token: TOKEN,
        agent: peer,
      },
      at(notify),
    ),
    make("task-runner", "task-runner", "log.taskRunner", {
      name: "seoul-1",
      site: "seoul",
      agent: at(a),
      token: RUNNER_TOKEN,
      data: join(folder, "runner"),
    }),
  ] as const;
  const config = { dataDir: join(folder, "portal"), port: portal, agent: peer };
  const door = make("portal-api", "portal-api", "log.portalApi", config, at(portal));
  return {
    all: [first, door, ...others],
    away: others,
    portal: at(portal),
    urls: [a, b, portal, notify].map(at),
    agent: makeAgentClient(peer),
  };
}

function watch(options: {
  readonly name: string;
  readonly program: string;
  readonly key: string;
  readonly config: object;
  readonly file: string;
  readonly url: string | undefined;
}): Watched {
  const { name, program, key, config, file, url } = options;
  const main = fileURLToPath(new URL(`../../../${program}/main.ts`, import.meta.url));
  let child: ChildProcess | undefined;
  let spoke = 0;
  return {
    name,
    key,
    spokeAt: () => spoke,
    start: async () => {
      await writeFile(file, JSON.stringify({ ...config, logLevel: "error" }));
      const started = spawn(process.execPath, [main, "--config", file], { stdio: ["ignore", "pipe", "inherit"] });
      child = started;
      createInterface({ input: started.stdout }).on("line", () => {
        spoke = performance.now();
      });
      const isUp = (): Promise<boolean> =>
        fetch(`${url}/livez`).then(
          ({ ok }) => ok,
          () => false,
        );
      while (url !== undefined && !(await isUp())) {
        if (started.exitCode !== null) throw new Error(`${name} ended with ${started.exitCode}`);
        await pause(ASK_EVERY_MS);
      }
    },
    end: async (signal) => {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, "exit");
      child.kill(signal);
      await exit;
    },
  };
}

/** Gives every process something to log: requests, and a task for the runner. */
async function ask(
  urls: readonly string[],
  agent: ReturnType<typeof makeAgentClient>,
  signal: AbortSignal,
): Promise<void> {
  for (let n = 0; !signal.aborted; n += 1) {
    const request = { pipeline: "quick", params: {}, idempotencyKey: `key-${n}`, principal: "lab" };
    await Promise.allSettled([...urls.map((url) => fetch(`${url}/livez`)), n % 5 === 0 ? agent.startTask(request) : n]);
    await pause(ASK_EVERY_MS);
  }
}

/** Runs `gantry settings`. */
function commandOf(portal: string, data: string): (verb: "set" | "unset", key: string) => Promise<void> {
  const token = readFileSync(join(data, "admin-token"), "utf8").trim();
  return async (verb, key) => {
    let said = "";
    const say = (text: string): void => {
      said += text;
    };
    const words = verb === "set" ? ["set", key, "info"] : ["unset", key];
    const env = { GANTRY_PORTAL: portal, GANTRY_TOKEN: token };
    const code = await runLine(["settings", ...words, "--why", "to see how long it takes"], {
      stdout: say,
      stderr: say,
      readFile: (path) => readFileSync(path, "utf8"),
      env,
      tty: false,
      readInput: () => Promise.resolve(""),
      askSecret: undefined,
      interruption: () => new AbortController().signal,
    });
    if (code !== 0) throw new Error(said);
  };
}

/** Time until the process logs a line; gives up after twice the limit. */
async function spoken(one: Watched, began: number): Promise<number> {
  while (one.spokeAt() < began && performance.now() - began < 2 * LIMIT_MS) await pause(10);
  return (one.spokeAt() < began ? performance.now() : one.spokeAt()) - began;
}

/** Waits until no process has logged anything for a while; returns when each logged its last line. */
async function quiet(all: readonly Watched[]): Promise<ReadonlyMap<string, number>> {
  const until = performance.now() + 2 * LIMIT_MS;
  await pause(QUIET_MS);
  const isQuiet = (): boolean => all.every((one) => performance.now() - one.spokeAt() > QUIET_MS);
  while (!isQuiet() && performance.now() < until) await pause(50);
  return new Map(all.map((one) => [one.name, one.spokeAt()]));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

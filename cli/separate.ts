// Runs each process separately on this machine, from configuration files, and restarts those that exit. It is for trying
// out what happens when a process dies: `DIR/pids.json` has their process ids.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { GantryError } from "@gantry/core/errors.ts";
import { z } from "zod";
import { type AllInOne, type AllInOneOptions, prepare } from "./all-in-one.ts";
import { writeSecret } from "./data-folder.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const RESTART_MS = 500;
const READY_MS = 60_000;
/** A process that exits so often before all are ready does not come up at all. */
const MOST_EXITS = 3;
const ASK_MS = 50;

type ChildProcesses = {
  /** Starts a process, and starts it again whenever it exits. */
  readonly run: (name: string, main: string, config: object) => void;
  /** How often each process has exited, and its last exit code; undefined after a signal. */
  readonly exits: () => ReadonlyMap<string, Exits>;
  readonly close: () => Promise<void>;
};

type Exits = { readonly times: number; readonly code: number | undefined };

/** Resolves when all processes accept requests. `onExit` is called for processes that exited without being stopped. Rejects with `start-incomplete`. */
export async function startSeparately(options: AllInOneOptions, onExit: (name: string) => void): Promise<AllInOne> {
  const { data, work, configs, close: closeLab } = await prepare(options);
  const processes = openProcesses(work, onExit);
  processes.run("task-agent", "task-agent/main.ts", configs.agent);
  processes.run("notify-agent", "notify-agent/main.ts", configs.notify);
  processes.run("portal-api", "portal-api/main.ts", configs.portal);
  for (const config of configs.runners) processes.run(`task-runner-${config.name}`, "task-runner/main.ts", config);
  const url = `http://127.0.0.1:${configs.portal.port}`;
  const close = async (): Promise<void> => {
    await processes.close();
    await closeLab();
  };
  try {
    await waitUntilReady(`${url}/readyz`, processes.exits);
  } catch (error) {
    await close();
    throw error;
  }
  return { url, data, runners: configs.runners, close };
}

function openProcesses(data: string, onExit: (name: string) => void): ChildProcesses {
  const files = join(data, "config");
  mkdirSync(files, { recursive: true, mode: 0o700 });
  /** Undefined while a process waits to be restarted. */
  const children = new Map<string, ChildProcess | undefined>();
  const exits = new Map<string, Exits>();
  let closing = false;

  const start = (name: string, main: string, file: string): void => {
    const child = spawn(process.execPath, [...process.execArgv, join(ROOT, main), "--config", file], {
      cwd: ROOT,
      stdio: ["ignore", "ignore", "inherit"],
    });
    children.set(name, child);
    const pids = Object.fromEntries([...children].map(([one, process]) => [one, process?.pid ?? 0]));
    writeSecret(join(data, "pids.json"), pids);
    child.once("exit", (code) => {
      children.set(name, undefined);
      if (closing) return;
      exits.set(name, { times: (exits.get(name)?.times ?? 0) + 1, code: code ?? undefined });
      onExit(name);
      void setTimeout(RESTART_MS).then(() => closing || start(name, main, file));
    });
  };
  return {
    run: (name, main, config) => {
      const file = join(files, `${name}.json`);
      writeSecret(file, config);
      start(name, main, file);
    },
    exits: () => exits,
    close: async () => {
      closing = true;
      await Promise.all([...children.values()].map(stop));
    },
  };
}

/** Two signals make a runner stop without waiting for its jobs, which continue at the next start. */
async function stop(child: ChildProcess | undefined): Promise<void> {
  if (!child) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  child.kill("SIGINT");
  await ended;
}

/** Resolves when the portal reports `ok`; `degraded` means that the task-agent does not answer yet. Throws `start-incomplete`. */
async function waitUntilReady(address: string, exits: ChildProcesses["exits"]): Promise<void> {
  const deadline = AbortSignal.timeout(READY_MS);
  let last = `Nothing answers at ${address}.`;
  while (!deadline.aborted) {
    const broken = [...exits()].find(([, { times }]) => times >= MOST_EXITS);
    if (broken) throw exited(broken);
    const state = await askReady(address, deadline);
    if (state === "ok") return;
    last = state ?? last;
    await setTimeout(ASK_MS);
  }
  const [first] = exits();
  if (first) throw exited(first);
  const problem = `portal-api was not ready within ${READY_MS / 1_000} s`;
  throw new GantryError("start-incomplete", { problem, cause: last });
}

const readiness = z.object({ status: z.string(), problems: z.array(z.string()).default([]) });

/** `ok`, or a sentence about the state; undefined when nothing answers in time. */
async function askReady(address: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const answer = await fetch(address, { signal });
    const read = readiness.safeParse(await answer.json());
    if (!read.success) return `What answers at ${address} is not portal-api.`;
    const { status, problems } = read.data;
    return answer.ok && status === "ok" ? "ok" : `It reports ${status}: ${problems.join(" ")}`.trim();
  } catch (error) {
    // Refused while the process starts, no JSON from another program, or the time is up.
    return error instanceof SyntaxError ? `What answers at ${address} is not portal-api.` : undefined;
  }
}

function exited([name, { times, code }]: readonly [string, Exits]): GantryError {
  const problem = `${name} exited ${times === 1 ? "once" : `${times} times`}`;
  const cause = code === undefined ? "A signal ended it." : `Its last exit code is ${code}.`;
  return new GantryError("start-incomplete", { problem, cause });
}

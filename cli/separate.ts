// Runs each process separately on this machine, from configuration files, and restarts those that exit. It is for trying
// out what happens when a process dies: `DIR/pids.json` has their process ids.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type AllInOne, type AllInOneOptions, prepare } from "./all-in-one.ts";
import { writeSecret } from "./data-folder.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const RESTART_MS = 500;
const READY_MS = 20_000;

type ChildProcesses = {
  /** Starts a process, and starts it again whenever it exits. */
  readonly run: (name: string, main: string, config: object) => void;
  readonly close: () => Promise<void>;
};

/** Resolves when all processes accept requests. `onExit` is called for processes that exited without being stopped. */
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
    await waitUntilReady(`${url}/readyz`);
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
  let closing = false;

  const start = (name: string, main: string, file: string): void => {
    const child = spawn(process.execPath, [...process.execArgv, join(ROOT, main), "--config", file], {
      cwd: ROOT,
      stdio: ["ignore", "ignore", "inherit"],
    });
    children.set(name, child);
    const pids = Object.fromEntries([...children].map(([one, process]) => [one, process?.pid ?? 0]));
    writeSecret(join(data, "pids.json"), pids);
    child.once("exit", () => {
      children.set(name, undefined);
      if (closing) return;
      onExit(name);
      setTimeout(() => closing || start(name, main, file), RESTART_MS);
    });
  };
  return {
    run: (name, main, config) => {
      const file = join(files, `${name}.json`);
      writeSecret(file, config);
      start(name, main, file);
    },
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

/** Resolves when the process reports `ok`; `degraded` means that the task-agent does not answer yet. */
async function waitUntilReady(address: string): Promise<void> {
  const deadline = AbortSignal.timeout(READY_MS);
  for (;;) {
    try {
      const answer = await fetch(address, { signal: deadline });
      const { status } = (await answer.json()) as { status?: unknown };
      if (answer.ok && status === "ok") return;
    } catch (error) {
      if (deadline.aborted) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

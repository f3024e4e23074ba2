// Everything on this machine, each process a process of its own, from configuration files. One that dies is started
// again. For trying out what happens when a part is gone: `DIR/pids.json` says which is which.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type AllInOne, type AllInOneOptions, prepare } from "./all-in-one.ts";
import { writeSecret } from "./data-folder.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const RESTART_MS = 500;
const READY_MS = 20_000;

type Kept = { child: ChildProcess | undefined };

/** Resolves when all processes serve. `onDeath` hears of processes that ended without being asked to. */
export async function startSeparately(options: AllInOneOptions, onDeath: (name: string) => void): Promise<AllInOne> {
  const { folder, configs, closeLab } = await prepare(options);
  const files = join(folder.path, "config");
  mkdirSync(files, { recursive: true, mode: 0o700 });
  const processes = new Map<string, Kept>();
  let closing = false;

  const notePids = (): void =>
    writeSecret(
      join(folder.path, "pids.json"),
      Object.fromEntries([...processes].map(([name, { child }]) => [name, child?.pid ?? 0])),
    );
  const run = (name: string, main: string, config: object): void => {
    const file = join(files, `${name}.json`);
    writeSecret(file, config);
    const kept: Kept = { child: undefined };
    processes.set(name, kept);
    const begin = (): void => {
      const child = spawn(process.execPath, [...process.execArgv, join(ROOT, main), "--config", file], {
        cwd: ROOT,
        stdio: ["ignore", "ignore", "inherit"],
      });
      kept.child = child;
      notePids();
      child.once("exit", () => {
        kept.child = undefined;
        if (closing) return;
        onDeath(name);
        setTimeout(() => closing || begin(), RESTART_MS);
      });
    };
    begin();
  };

  run("task-agent", "task-agent/main.ts", configs.agent);
  run("notify-agent", "notify-agent/main.ts", configs.notify);
  run("portal-api", "portal-api/main.ts", configs.portal);
  for (const config of configs.runners) run(`task-runner-${config.name}`, "task-runner/main.ts", config);
  const url = `http://127.0.0.1:${folder.ports.portal}`;
  const close = async (): Promise<void> => {
    closing = true;
    await Promise.all([...processes.values()].map(({ child }) => end(child)));
    await closeLab();
  };
  try {
    await serves(`${url}/readyz`);
  } catch (error) {
    await close();
    throw error;
  }
  return { url, data: folder.path, close };
}

/** Asked twice, a runner does not wait for its work: the next start goes on with it. */
async function end(child: ChildProcess | undefined): Promise<void> {
  if (!child) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  child.kill("SIGINT");
  await ended;
}

async function serves(address: string): Promise<void> {
  const deadline = AbortSignal.timeout(READY_MS);
  for (;;) {
    try {
      if ((await fetch(address, { signal: deadline })).ok) return;
    } catch (error) {
      if (deadline.aborted) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

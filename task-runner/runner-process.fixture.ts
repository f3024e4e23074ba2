// A runner in its own process, with a fake task-agent, for tests that kill or suspend it.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { FakeAgent } from "./fake-agent.fixture.ts";
import { configOf } from "./runner.fixture.ts";

const FIXTURE = fileURLToPath(new URL("./crashing-runner.fixture.ts", import.meta.url));

export const noProc = existsSync("/proc/self/task") ? false : "needs /proc to look up processes";

export type RunnerProcess = { readonly agent: FakeAgent; readonly data: string; readonly start: () => ChildProcess };

export async function openRunnerProcess(
  t: TestContext,
  isolation: "none" | "sandbox" = "none",
): Promise<RunnerProcess> {
  const agent = await new FakeAgent().open();
  const data = await mkdtemp(join(tmpdir(), "gantry-crash-"));
  const started: ChildProcess[] = [];
  t.after(async () => {
    for (const child of started) if (child.exitCode === null && child.signalCode === null) await kill(child);
    await agent.goDown();
    await rm(data, { recursive: true, force: true });
    assert.deepEqual(agent.problems, []);
  });
  const start = (): ChildProcess => {
    const config = JSON.stringify(configOf(agent, data, { isolation }));
    const child = spawn(process.execPath, [FIXTURE, config], { stdio: ["ignore", "ignore", "inherit"] });
    started.push(child);
    return child;
  };
  return { agent, data, start };
}

export async function kill(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** Kills the guard first, so that it cannot end the programs. */
export async function killWithGuard(child: ChildProcess): Promise<void> {
  child.kill("SIGSTOP");
  const guard = guardOf(child);
  assert.ok(guard, "a runner with an attempt has a guard");
  process.kill(guard, "SIGKILL");
  await kill(child);
}

/** The pid of the guard; undefined when the runner has had no attempt. */
export function guardOf({ pid = 0 }: ChildProcess): number | undefined {
  const threads = readdirSync(`/proc/${pid}/task`);
  const children = threads.flatMap((thread) => textOf(`/proc/${pid}/task/${thread}/children`).split(" "));
  const isGuard = (child: string): boolean => child !== "" && /guard\.sh/.test(textOf(`/proc/${child}/cmdline`));
  return children.filter(isGuard).map(Number)[0];
}

/** The text of a file below /proc; empty when its process has just ended. */
function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** T: suspended by SIGSTOP; Z: a zombie; undefined: gone. */
export function stateOf(pid: number): string | undefined {
  try {
    return /\) (\w) /.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];
  } catch {
    return undefined;
  }
}

export function isAlive(pid: number): boolean {
  return !["Z", "X", undefined].includes(stateOf(pid));
}

/** Polls, because there is no notification when a process that is not a child ends. */
export async function eventually<T>(what: string, check: () => T | undefined | false): Promise<T> {
  for (const until = performance.now() + 60_000; ; await new Promise((resolve) => setTimeout(resolve, 10))) {
    const found = check();
    if (found) return found;
    if (performance.now() > until) throw new Error(`waited too long for: ${what}`);
  }
}

// A task-agent and task-runners as separate processes, which tests kill, stop and disconnect.

import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { freePort, isFree } from "@gantry/runtime/free-ports.ts";
import { type AgentClient, makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { FeedEvent, TaskView } from "@gantry/wire/agent/views.ts";
import { OUTSIDE } from "./outside-steps.ts";

const AGENT = fileURLToPath(new URL("../../task-agent/main.ts", import.meta.url));
const RUNNER = fileURLToPath(new URL("./runner-main.ts", import.meta.url));

export const TOKEN = "platform-token-of-the-lab";
export const RUNNER_TOKEN = "runner-token-of-seoul-0";
const READY_MS = 120_000;

type Json = { readonly [name: string]: unknown };

/** A folder for one run. `close` kills every process that was started in it and removes the folder. */
export class TestBed {
  readonly folder: string;
  readonly outside: string;
  readonly pipelines: string;
  readonly #children: ChildProcess[] = [];

  private constructor(folder: string) {
    this.folder = folder;
    this.outside = join(folder, "outside");
    this.pipelines = join(folder, "pipelines");
  }

  static async open(): Promise<TestBed> {
    const bed = new TestBed(await mkdtemp(join(tmpdir(), "gantry-test-bed-")));
    for (const folder of [bed.outside, bed.pipelines]) await mkdir(folder);
    return bed;
  }

  /** Writes a pipeline file. `jobs`: the YAML below `jobs:`. */
  async pipeline(name: string, jobs: string): Promise<void> {
    const text = `name: ${name}\ntitle: ${name}\nbutton: Run ${name}\napp: none\njobs:\n${jobs}\n`;
    await writeFile(join(this.pipelines, `${name}.yaml`), text);
  }

  /** Creates the file for which a step of outside-steps.ts waits. */
  async open(name: string): Promise<void> {
    await writeFile(join(this.outside, name), "");
  }

  spawn(argv: readonly string[], env: Record<string, string> = {}): ChildProcess {
    const [program = process.execPath, ...args] = argv;
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, [OUTSIDE]: this.outside, ...env },
    });
    this.#children.push(child);
    return child;
  }

  async close(): Promise<void> {
    await Promise.all(this.#children.map(end));
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** SIGKILL, also for a process that is stopped by SIGSTOP, and for the child of strace, which would continue otherwise. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  if (child.spawnfile === "strace") for (const pid of childrenOf(child.pid ?? 0)) process.kill(pid, "SIGKILL");
  child.kill("SIGKILL");
  await exited;
}

function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return text === "" ? [] : text.split(" ").map(Number);
}

export class AgentProcess {
  readonly url: string;
  readonly data: string;
  readonly client: AgentClient;
  child: ChildProcess;
  readonly #begin: () => ChildProcess;

  private constructor(begin: () => ChildProcess, url: string, data: string) {
    this.#begin = begin;
    this.url = url;
    this.data = data;
    this.child = begin();
    this.client = makeAgentClient({ url, token: TOKEN });
  }

  static async start(bed: TestBed, options: AgentOptions = {}): Promise<AgentProcess> {
    for (;;) {
      const port = await freePort();
      const agent = await AgentProcess.#begun(bed, port, options);
      try {
        await agent.ready();
        return agent;
      } catch (error) {
        // Another process took the port in the meantime; try another one.
        if (agent.child.exitCode === null || (await isFree(port))) throw error;
      }
    }
  }

  static async #begun(
    bed: TestBed,
    port: number,
    { config = {}, data = join(bed.folder, "agent"), before = [], program = AGENT }: AgentOptions,
  ): Promise<AgentProcess> {
    const file = join(bed.folder, `agent-${port}.json`);
    const whole = {
      data,
      port,
      portalUrl: "http://portal",
      token: TOKEN,
      runnerTokens: { [RUNNER_TOKEN]: "seoul" },
      pipelines: bed.pipelines,
      logLevel: "silent",
      ...config,
    };
    await writeFile(file, JSON.stringify(whole));
    const begin = (): ChildProcess => bed.spawn([...before, process.execPath, program, "--config", file]);
    return new AgentProcess(begin, `http://127.0.0.1:${port}`, data);
  }

  async kill(): Promise<void> {
    await end(this.child);
  }

  async restart(): Promise<void> {
    await this.kill();
    this.child = this.#begin();
    await this.ready();
  }

  async ready(): Promise<void> {
    for (const until = performance.now() + READY_MS; ; ) {
      if (this.child.exitCode !== null) throw new Error(`the task-agent ended with ${this.child.exitCode}`);
      try {
        if ((await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(1_000) })).ok) return;
      } catch (error) {
        if (performance.now() > until) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  start(pipeline: string, idempotencyKey: string): Promise<TaskView> {
    return this.client.startTask({ pipeline, params: {}, idempotencyKey, principal: "lab" });
  }

  /** Waits for an event of a task. */
  async fact(task: string, wanted: (fact: Record<string, unknown>) => boolean): Promise<FeedEvent> {
    for (let after = 0; ; ) {
      const page = await this.client.feed({ after, limit: 1_000, waitMs: 10_000 });
      const found = page.events.find((event) => event.subject === task && wanted(event.data.event));
      if (found) return found;
      after = page.last;
    }
  }

  async ended(task: string): Promise<TaskView> {
    await this.fact(task, ({ kind }) => kind === "TaskEnded");
    return this.client.task(task);
  }

  /** The task has ended, or waits for a person because its job was lost too often. */
  async settled(task: string): Promise<TaskView> {
    await this.fact(task, ({ kind }) => kind === "TaskEnded" || kind === "JobHeld");
    return this.client.task(task);
  }
}

export type AgentOptions = {
  readonly config?: Json;
  readonly data?: string;
  /** A wrapper program, such as strace, with its arguments. */
  readonly before?: readonly string[];
  /** Replaces the task-agent's own program. */
  readonly program?: string;
};

type RunnerOptions = {
  readonly name: string;
  readonly agent: string;
  readonly config?: Json;
  /** A wrapper program, such as `ip netns exec`, with its arguments. */
  readonly before?: readonly string[] | undefined;
};

/** Starts a runner. `lines` receives its log. */
export function startRunnerProcess(
  bed: TestBed,
  { name, agent, config = {}, before = [] }: RunnerOptions,
): { readonly child: ChildProcess; readonly lines: string[]; readonly data: string } {
  const data = join(bed.folder, name);
  const whole = { name, site: "seoul", agent, token: RUNNER_TOKEN, data, isolation: "none", ...config };
  const child = bed.spawn([...before, process.execPath, RUNNER, JSON.stringify(whole)]);
  const lines: string[] = [];
  if (child.stdout) createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  return { child, lines, data };
}

// A task-agent as a separate process that publishes to Kafka, under load: tasks are started and canceled.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { openSqliteJournal } from "@gantry/journal/sqlite/sqlite.ts";
import { freePort } from "@gantry/runtime/free-ports.ts";
import { AGENT_INDEXES } from "@gantry/task-agent/store/indexes.ts";
import { type AgentClient, makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import { type KafkaSettings, WAITING_PIPELINE } from "./agents.ts";
import type { TaskSizes } from "./event-reader.ts";

const MAIN = fileURLToPath(new URL("../../../task-agent/main.ts", import.meta.url));
const TOKEN = "platform-token-of-this-test";
const AT_ONCE = 16;

export class AgentOnKafka {
  readonly #data: string;
  readonly #kafka: KafkaSettings;
  #child: ChildProcess | undefined;
  #client: AgentClient | undefined;
  #started = 0;
  #sizes = 0;
  #byItself = 0;

  constructor(data: string, kafka: KafkaSettings) {
    this.#data = data;
    this.#kafka = kafka;
  }

  /** Events of all tasks whose end was acknowledged. */
  get events(): number {
    return this.#sizes;
  }

  /** How often the process ended without being killed. */
  get endedByItself(): number {
    return this.#byItself;
  }

  async start(): Promise<void> {
    await mkdir(this.#data, { recursive: true });
    await writeFile(join(this.#data, "wait.yaml"), WAITING_PIPELINE);
    const file = join(this.#data, "config.json");
    const config = { data: this.#data, pipelines: this.#data, portalUrl: "http://portal.invalid", token: TOKEN };
    await writeFile(
      file,
      JSON.stringify({ ...config, port: await this.#port(), runnerTokens: {}, events: { kafka: this.#kafka } }),
    );
    const child = spawn(process.execPath, [MAIN, "--config", file], { stdio: ["ignore", "pipe", "inherit"] });
    this.#child = child;
    child.once("exit", (_, signal) => {
      if (signal !== "SIGKILL") this.#byItself += 1;
    });
    createInterface({ input: child.stdout }).on("line", () => {});
    const url = `http://127.0.0.1:${await this.#port()}`;
    this.#client = makeAgentClient({ url, token: TOKEN });
    for (let up = false; !up; ) {
      if (child.exitCode !== null) throw new Error(`the task-agent ended with ${child.exitCode}`);
      up = await fetch(`${url}/readyz`).then(
        (answer) => answer.ok,
        () => false,
      );
      if (!up) await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  /** Starts and cancels a number of tasks, several at once. */
  async work(tasks: number): Promise<void> {
    let left = tasks;
    const one = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await this.#task();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
  }

  /** Creates tasks for a time, at about this many events a second. A task whose request finds the agent dead is abandoned. */
  async workFor(ms: number, eventsPerSecond: number): Promise<void> {
    const end = performance.now() + ms;
    while (performance.now() < end) {
      const next = performance.now() + 5_000 / eventsPerSecond;
      await this.#task().catch(() => {}); // The agent was killed; the journal knows what became of the task.
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())));
    }
  }

  /** Average milliseconds from the request to start a task to its acceptance. */
  async measure(tasks: number): Promise<number> {
    const began = performance.now();
    for (let count = 0; count < tasks; count += 1) await this.#task();
    return Math.round(((performance.now() - began) / tasks) * 10) / 10;
  }

  rssMb(): number {
    const [, kb = "0"] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.#child?.pid}/status`, "utf8")) ?? [];
    return Math.round(Number(kb) / 1_024);
  }

  /** Kills the agent and counts the events in its journal. */
  async journal(): Promise<TaskSizes> {
    await this.kill();
    const journal = await openSqliteJournal({ file: join(this.#data, "journal.sqlite"), indexes: AGENT_INDEXES });
    const sizes = new Map<string, number>();
    for (let after = 0; ; ) {
      const page = await journal.feed({ after, limit: 5_000 });
      for (const { stream } of page) {
        const task = stream.startsWith("task/") ? stream.slice(5) : undefined;
        if (task !== undefined) sizes.set(task, (sizes.get(task) ?? 0) + 1);
      }
      const last = page.at(-1);
      if (!last) break;
      after = last.seq;
    }
    await journal.close();
    return sizes;
  }

  async #task(): Promise<void> {
    const client = this.#client;
    if (!client) throw new Error("the agent was not started");
    this.#started += 1;
    const key = `long-${process.pid}-${this.#started}`;
    const { id } = await client.startTask({ pipeline: "wait", params: {}, idempotencyKey: key, principal: "kim" });
    const { version } = await client.cancel(id, { principal: "kim" });
    this.#sizes += version;
  }

  #chosen: number | undefined;
  /** The same port for all starts; it was free when it was chosen. */
  async #port(): Promise<number> {
    this.#chosen ??= await freePort();
    return this.#chosen;
  }
}

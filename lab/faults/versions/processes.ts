// The processes of two releases, started from their own folders, and restarted as in the rollout of a release.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import { freePort } from "../redis/server.ts";

export const TOKEN = "platform-token-of-this-test";
export const RUNNER_TOKEN = "runner-token-of-seoul-0";

type ProcessName = "task-agent" | "task-runner" | "notify-agent" | "portal-api";

export type Ended = { readonly code: number | null; readonly said: string };
export type Started = {
  readonly child: ChildProcess;
  /** SIGTERM; resolves when the process has ended. */
  readonly stop: () => Promise<Ended>;
  readonly ended: Promise<Ended>;
};

/** A folder and the processes that were started in it. */
export class Stage {
  readonly folder: string;
  readonly #running: Started[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** `work`: the script of the only step. */
  static async open(work = "true"): Promise<Stage> {
    const stage = new Stage(await mkdtemp(join(tmpdir(), "gantry-stage-")));
    const job = `work: { site: seoul, mode: strict, retrySafe: true, steps: [{ id: make, title: Make, run: "${work}" }] }`;
    await writeFile(
      join(stage.folder, "release.yaml"),
      `name: release\ntitle: Release\nbutton: Run release\napp: none\njobs:\n  ${job}\n`,
    );
    return stage;
  }

  /** Starts the process of the release whose files are in `root`. */
  async start(root: string, name: ProcessName, config: object): Promise<Started> {
    const file = join(this.folder, `${name}-${this.#running.length}.json`);
    await writeFile(file, JSON.stringify(config));
    const child = spawn(process.execPath, [join(root, name, "main.ts"), "--config", file], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    const ended = once(child, "close").then(([code]): Ended => ({ code: code as number | null, said }));
    const started: Started = {
      child,
      ended,
      stop: () => {
        child.kill("SIGTERM");
        return ended;
      },
    };
    this.#running.push(started);
    return started;
  }

  agentConfig(port: number, more: object = {}): object {
    const runnerTokens = { [RUNNER_TOKEN]: "seoul" };
    const data = join(this.folder, "agent");
    const logs = join(this.folder, "logs");
    const shared = {
      portalUrl: "http://portal",
      token: TOKEN,
      runnerTokens,
      pipelines: this.folder,
      logLevel: "silent",
    };
    return { data, logs, port, ...shared, ...more };
  }

  runnerConfig(name: string, agent: string, more: object = {}): object {
    const data = join(this.folder, name);
    return { name, site: "seoul", agent, token: RUNNER_TOKEN, data, slots: 4, logLevel: "silent", ...more };
  }

  async close(): Promise<void> {
    for (const { child } of this.#running) child.kill("SIGKILL");
    await Promise.all(this.#running.map(({ ended }) => ended));
    await rm(this.folder, { recursive: true, force: true });
  }
}

export { freePort };

/** Waits until the address answers 200; throws the output of the process when it ends before. */
export async function untilReady(url: string, { ended }: Started): Promise<void> {
  let over: Ended | undefined;
  void ended.then((how) => {
    over = how;
  });
  for (;;) {
    if (over) throw new Error(`it ended with ${over.code}: ${over.said}`);
    try {
      if ((await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(1_000) })).ok) return;
    } catch {
      // Not yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Requests tasks and waits until all have ended; returns the number of each outcome. */
export async function runTasks(url: string, count: number, prefix: string): Promise<Readonly<Record<string, number>>> {
  const client = makeAgentClient({ url, token: TOKEN });
  const { last } = await client.feed({ limit: 1 });
  const ids = await Promise.all(
    Array.from({ length: count }, async (_, at) => {
      const request = { pipeline: "release", params: {}, idempotencyKey: `${prefix}-${at}`, principal: "kim" };
      return (await client.startTask(request)).id;
    }),
  );
  const ends = new Map<string, string>();
  for (let after = last; ids.some((id) => !ends.has(id)); ) {
    const page = await client.feed({ after, limit: 500, waitMs: 5_000 });
    after = page.last;
    for (const { subject, data } of page.events)
      if (data.event.kind === "TaskEnded") ends.set(subject, String(data.event.outcome));
  }
  return Object.fromEntries(
    [...Map.groupBy(ids, (id) => ends.get(id) ?? "")].map(([outcome, all]) => [outcome, all.length]),
  );
}

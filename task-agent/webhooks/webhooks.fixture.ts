// A task-agent over HTTP with one app, which deliveries of its git host reach.

import { hash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { appInput } from "@gantry/core/app/app.fixture.ts";
import type { rawOf } from "@gantry/core/webhook/payloads.fixture.ts";
import { type AgentClient, makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { ReceiveDelivery, WebhookDelivery } from "@gantry/wire/agent/triggers/webhooks.ts";
import type { Limits } from "../limits.ts";
import { startTaskAgent } from "../main.ts";

export const TOKEN = "platform-token-of-this-test";
export const RUNNER_TOKEN = "runner-token-of-seoul-0";
const silent = (): void => {};
export const logger = { debug: silent, info: silent, warn: silent, error: silent };

/** Without a runner nothing runs; what matters is what is started. */
export const CI = `name: ci
title: CI
app: existing
params: { ref: { type: string, default: main } }
triggers:
  - push: { branches: [main, "release/*"], paths: ["src/**"] }
    params: { ref: "\${{ trigger.commit }}" }
  - tag: { names: ["v*"] }
    params: { ref: "\${{ trigger.tag }}" }
  - pull_request: { branches: [main] }
    params: { ref: "\${{ trigger.commit }}" }
jobs:
  build: { site: seoul, mode: lenient, retrySafe: true, steps: [{ id: make, run: "true" }] }
`;

type More = { readonly limits?: Partial<Limits>; readonly onError?: (fields: object) => void };

export class Bench {
  /** Of the task-agent. */
  url = "";
  readonly data: string;
  client: AgentClient = makeAgentClient({ url: "http://127.0.0.1:1", token: TOKEN });
  close: () => Promise<void> = async () => {};
  readonly #more: More;
  #deliveries = 0;

  private constructor(data: string, more: More) {
    this.data = data;
    this.#more = more;
  }

  static async open(
    t: TestContext,
    pipelines: { readonly [file: string]: string } = { "ci.yaml": CI },
    more: More = {},
  ): Promise<Bench> {
    const bench = new Bench(mkdtempSync(join(tmpdir(), "gantry-webhooks-")), more);
    for (const [file, text] of Object.entries(pipelines)) writeFileSync(join(bench.data, file), text);
    await bench.begin();
    t.after(async () => {
      await bench.close();
      rmSync(bench.data, { recursive: true });
    });
    await bench.adopt("orders", appInput({ source: { system: "bitbucket", project: "apps", slug: "orders" } }));
    return bench;
  }

  async begin(): Promise<void> {
    const { data } = this;
    const { limits = {}, onError = silent } = this.#more;
    const agent = await startTaskAgent(
      {
        data,
        portalUrl: "http://portal",
        token: TOKEN,
        runnerTokens: { [RUNNER_TOKEN]: "seoul" },
        pipelines: data,
        limits: { triggeredPerMinute: 2_000, ...limits },
      },
      { logger: { ...logger, error: onError } },
    );
    this.url = agent.url;
    this.client = makeAgentClient({ url: agent.url, token: TOKEN });
    this.close = agent.close;
  }

  async adopt(name: string, app: ReturnType<typeof appInput>): Promise<void> {
    await this.client.adoptApp(name, { principal: "ada", app: JSON.parse(JSON.stringify(app)), dryRun: false });
  }

  delivery(
    raw: { readonly headers: object; readonly body: string },
    more: Partial<ReceiveDelivery> = {},
  ): ReceiveDelivery {
    this.#deliveries += 1;
    const keys = [hash("sha256", `${this.data} ${this.#deliveries}`)];
    return { source: "git", host: "github", headers: { ...raw.headers }, body: raw.body, keys, ...more };
  }

  /** Receives it, and waits until it is decided. */
  async receive(raw: ReturnType<typeof rawOf>, more: Partial<ReceiveDelivery> = {}): Promise<WebhookDelivery> {
    const { id } = await this.client.receiveDelivery(this.delivery(raw, more));
    return this.decided(id);
  }

  async decided(id: string): Promise<WebhookDelivery> {
    for (;;) {
      const one = await this.client.delivery(id);
      if (one.state !== "pending") return one;
      // The task-agent is at work: each question lets it go on.
    }
  }

  async tasks(): Promise<readonly { readonly id: string; readonly ref: unknown; readonly by: string }[]> {
    const { items } = await this.client.tasks({ limit: 1_000 });
    const tasks: { readonly id: string; readonly ref: unknown; readonly by: string }[] = [];
    // One after the other: a busy machine does not answer 1,000 questions at once in time.
    for (const item of items.toReversed()) {
      const { id, params, requestedBy } = await this.client.task(item.id);
      tasks.push({ id, ref: params.ref, by: requestedBy });
    }
    return tasks;
  }
}

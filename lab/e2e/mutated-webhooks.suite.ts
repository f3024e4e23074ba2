// Deliveries with arbitrary changes, through the front door: signed, sent to a portal, decided by a task-agent.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { appInput } from "@gantry/core/app/app.fixture.ts";
import { WEBHOOK_HOSTS, type WebhookHost } from "@gantry/core/webhook/delivery.ts";
import { mutatedPayloads } from "@gantry/core/webhook/mutations.fixture.ts";
import { startPortal } from "@gantry/portal-api/main.ts";
import { SECRET, SIGN } from "@gantry/portal-api/webhooks/sign.fixture.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import { makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { WebhookDelivery } from "@gantry/wire/agent/triggers/webhooks.ts";
import fc from "fast-check";

const TOKEN = "platform-token-of-this-test";
const logger = makeLogger("test", "silent");
/** As many are sent at the same time. */
const AT_ONCE = 20;

const CI = `name: ci
title: CI
app: existing
params: { what: { type: string, default: none } }
triggers:
  - push: { branches: [main] }
    params: { what: "\${{ trigger.commit }}" }
  - tag: { names: ["v*"] }
    params: { what: "\${{ trigger.commit }}" }
  - pull_request: { branches: [main] }
    params: { what: "\${{ trigger.commit }}" }
  - image: { tags: ["**"] }
    params: { what: "\${{ trigger.digest }}" }
jobs:
  build: { site: seoul, mode: lenient, retrySafe: true, steps: [{ id: make, run: "true" }] }
`;

/** `runs`: of each host. */
export function mutatedWebhooks(runs: number): void {
  for (const host of WEBHOOK_HOSTS)
    test(`${runs} changed deliveries of ${host}: none fails, and what is started is what the body says`, {
      timeout: 120_000 + runs * 200,
    }, async (t) => {
      const { send, decided, params } = await open(t, host);
      const bodies = new Map<string, string>();
      const samples = fc.sample(mutatedPayloads(host), runs);
      for (let at = 0; at < samples.length; at += AT_ONCE)
        await Promise.all(
          samples.slice(at, at + AT_ONCE).map(async ({ headers, body }, n) => {
            const { status, id } = await send({ ...headers, ...SIGN[host](body, `${host}-${at + n}`) }, body);
            assert.ok(status < 500, `status ${status} for ${body.slice(0, 2_000)}`);
            if (id !== undefined && !bodies.has(id)) bodies.set(id, body);
          }),
        );
      for (const { id, results, apps } of await decided(bodies.size)) {
        const body = bodies.get(id) ?? "";
        for (const { task } of results) {
          if (task === undefined) continue;
          const { what } = await params(task);
          assert.ok(body.includes(String(what)) && what !== "none", `${id} started ${String(what)}: ${body}`);
          assert.ok(/orders/i.test(body), `it does not name the repository of the app: ${body}`);
          assert.deepEqual(apps, ["orders"]);
        }
      }
    });
}

async function open(t: TestContext, host: WebhookHost) {
  const dir = await mkdtemp(join(tmpdir(), "gantry-mutated-"));
  await writeFile(join(dir, "ci.yaml"), CI);
  const agent = await startTaskAgent(
    {
      ...{ data: join(dir, "agent"), portalUrl: "http://portal", token: TOKEN, pipelines: dir },
      runnerTokens: { "runner-token-of-seoul-0": "seoul" },
      // All come from one webhook, in a few seconds.
      limits: { deliveriesPerMinute: 1_000_000, deliveryBytesPerMinute: 1_000_000_000 },
    },
    { logger },
  );
  const portal = await startPortal(
    {
      ...{ dataDir: join(dir, "portal"), port: 0, agent: { url: agent.url, token: TOKEN } },
      webhooks: { sources: { source: { host, secret: SECRET } } },
    },
    { logger },
  );
  t.after(async () => {
    await portal.close();
    await agent.close();
    await rm(dir, { recursive: true });
  });
  const client = makeAgentClient({ url: agent.url, token: TOKEN });
  const input = appInput({
    source: { system: "bitbucket", project: "apps", slug: "orders" },
    images: [{ name: "orders", repository: "apps/orders" }] as never,
  });
  await client.adoptApp("orders", { principal: "ada", app: JSON.parse(JSON.stringify(input)), dryRun: false });
  const all = async (cursor?: string): Promise<readonly WebhookDelivery[]> => {
    const page = await client.deliveries({ limit: 100, ...(cursor === undefined ? {} : { cursor }) });
    return [...page.items, ...(page.nextCursor === undefined ? [] : await all(page.nextCursor))];
  };
  return {
    send: async (headers: Record<string, string>, body: string) => {
      const init = { method: "POST", body, headers: { ...headers, "content-type": "application/json" } };
      const answer = await fetch(`${portal.url}/v1/webhooks/source`, init);
      const { id } = (await answer.json()) as { readonly id?: string };
      return { status: answer.status, id };
    },
    decided: async (count: number): Promise<readonly WebhookDelivery[]> => {
      for (;;) {
        const { items } = await client.deliveries({ limit: 1, state: "pending" });
        if (items.length > 0) continue;
        const found = await all();
        assert.equal(found.length, count);
        if (found.every(({ state }) => state !== "pending")) return found;
      }
    },
    params: async (task: string) => (await client.task(task)).params,
  };
}

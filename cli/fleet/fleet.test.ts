// `gantry fleet` against a real portal and a real task-agent, with what a runner reports.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ObservedApplication } from "@gantry/core/fleet/observed.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { createRunnerClient } from "@gantry/wire/runner/runner-client.ts";
import { openPortal } from "../portal.fixture.ts";

const TOKEN = "runner-token-of-seoul-0";
const logger = makeLogger("test", "silent");
const portal = await openPortal({ agent: logger, portal: logger }, { [TOKEN]: "seoul" });
after(() => portal.close());

const APPS = `apps:
  - name: orders
    title: Orders
    team: shop
    source: { system: bitbucket, project: SHOP, slug: orders }
    build: { site: seoul }
    yaml: { system: bitbucket, project: SHOP, slug: deployments }
    targets:
      - { name: seoul, site: seoul, cluster: seoul-dp, overlay: orders/seoul, environment: prod }
      - { name: busan, site: seoul, cluster: busan-dp, overlay: orders/busan, environment: staging }
`;

function application(cluster: string, health: ObservedApplication["health"], message?: string): ObservedApplication {
  return {
    ...{ name: `orders-${cluster}`, namespace: "argocd", project: "orders", cluster, sources: [], autoSync: true },
    ...{ sync: "Synced", revisions: ["c0ffee"], health, conditions: [], resources: 1 },
    images: [`harbor/shop/orders@sha256:${"a".repeat(64)}`],
    reasons: message === undefined ? [] : [{ kind: "Deployment", name: "orders", health, message }],
  };
}

/** What the Argo CD of the site shows, as its runner reports it. */
async function report(...changed: readonly ObservedApplication[]): Promise<void> {
  const client = createRunnerClient({ url: portal.agentUrl, token: () => TOKEN, fetch });
  const { session } = await client.session({
    ...{ runner: "seoul-1", bootId: randomUUID(), site: "seoul", labels: [], slots: 1, version: "test", running: [] },
    host: { name: "test", platform: "test", cpus: 1, memoryMb: 1 },
    systems: [{ name: "argocd", kind: "argocd", url: "https://argocd.seoul", standIn: false }],
  });
  const reply = await client.observe({ session, system: "argocd", silentMs: 0, changed: [...changed], gone: [] });
  assert.equal(reply.role, "watch");
}

test("the fleet is a table with what runs, how it is and why, and JSON for scripts", async () => {
  assert.match((await portal.run("fleet")).out, /No target matches/);
  const file = join(portal.folder, "apps.yaml");
  await writeFile(file, APPS);
  await portal.run("app", "adopt", "--file", file);
  await report(application("seoul-dp", "Healthy"), application("busan-dp", "Degraded", "ErrImagePull"));
  // The task-agent notices new apps every second.
  let table = "";
  while (!/degraded/.test(table)) table = (await portal.run("fleet")).out;
  assert.match(table, /^APP +TARGET +SITE +CLUSTER +ENVIRONMENT +STATE +RUNS +SINCE \(UTC\) +WHY\n/);
  assert.match(
    table,
    /^orders +busan +seoul +busan-dp +staging +x degraded +aaaaaaaaaaaa .* Deployment orders: ErrImagePull$/m,
  );
  assert.match(table, /^orders +seoul +seoul +seoul-dp +prod +\+ healthy +aaaaaaaaaaaa/m);
  assert.match(table, /^1 degraded, 1 healthy$/m);

  const bad = JSON.parse((await portal.run("fleet", "orders", "--state", "degraded", "--json")).out) as {
    readonly items: readonly { readonly target: string }[];
    readonly total: number;
  };
  assert.deepEqual([bad.items.map(({ target }) => target), bad.total], [["busan"], 1]);
  assert.match((await portal.run("fleet", "--environment", "prod")).out, /^1 healthy$/m);
  assert.match((await portal.run("fleet", "unknown")).out, /No target matches/);
  assert.match((await portal.runAsPerson("fleet", "--state", "green")).out, /--state must be one of degraded, missing/);
});

// A site whose git host cannot reach the portal: a runner of the site looks, and CI of the app is started as by a webhook.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ACCOUNTS, startLabHost } from "@gantry/connectors/git/lab.fixture.ts";
import { pushAsSomebody, seed, tagMain } from "@gantry/connectors/git/lab-git.fixture.ts";
import { appInput } from "@gantry/core/app/app.fixture.ts";
import type { GitProvider } from "@gantry/core/site/git-providers.ts";
import { startPortal } from "@gantry/portal-api/main.ts";
import { freePort } from "@gantry/runtime/free-ports.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import { startRunner } from "@gantry/task-runner/main.ts";
import { makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { WebhookDelivery } from "@gantry/wire/agent/triggers/webhooks.ts";

const TOKEN = "platform-token-of-this-test";
const RUNNER_TOKEN = "runner-token-of-seoul-0";
const SECRET = "a-secret-of-the-git-host";
const logger = makeLogger("test", "silent");
/** Asking without a pause would take the processor from those who work in this process. */
const ASK_EVERY_MS = 20;

/** Nobody runs it; what matters is what is started. */
const CI = `name: ci
title: CI
app: existing
params: { ref: { type: string, default: main } }
triggers:
  - push: { branches: [main], paths: ["src/**"] }
    params: { ref: "\${{ trigger.commit }}" }
  - tag: { names: ["v*"] }
    params: { ref: "\${{ trigger.tag }}" }
jobs:
  build: { site: busan, mode: lenient, retrySafe: true, steps: [{ id: make, run: "true" }] }
`;

async function open(t: TestContext, provider: GitProvider) {
  const dir = await mkdtemp(join(tmpdir(), "gantry-polling-"));
  await mkdir(join(dir, "pipelines"));
  await mkdir(join(dir, "runner"));
  await writeFile(join(dir, "pipelines/ci.yaml"), CI);
  await writeFile(join(dir, "git-token"), ACCOUNTS[0]?.token ?? "");
  const lab = await startLabHost(provider, join(dir, "host"));
  const config = {
    ...{ data: join(dir, "agent"), port: await freePort(), portalUrl: "http://portal", token: TOKEN },
    runnerTokens: { [RUNNER_TOKEN]: "seoul" },
    pipelines: join(dir, "pipelines"),
    polling: { sources: { seoul: { site: "seoul", system: "bitbucket", every: "1s" } } },
  };
  let agent = await startTaskAgent(config, { logger });
  const { name: _, ...system } = lab.system;
  const runner = await startRunner(
    {
      ...{ name: "seoul-1", site: "seoul", agent: agent.url, token: RUNNER_TOKEN, data: join(dir, "runner") },
      isolation: "none",
      systems: { bitbucket: { ...system, token: "GIT", appsMay: [`${lab.project}/*`, "apps/*"] } as never },
      secrets: { GIT: { file: join(dir, "git-token") } },
    },
    { logger },
  );
  t.after(async () => {
    await runner.close({ drainMs: 0 });
    await agent.close();
    await lab.server.close();
    await rm(dir, { recursive: true });
  });
  const client = makeAgentClient({ url: agent.url, token: TOKEN });
  await seed(lab, "orders", { "src/a.c": "int main;\n" });
  const source = { system: "bitbucket", project: lab.project, slug: "orders" };
  const app = JSON.parse(
    JSON.stringify(appInput({ source, images: [{ name: "orders", repository: "apps/orders" }] as never })),
  );
  await client.adoptApp("orders", { principal: "ada", app, dryRun: false });
  const until = async <T>(look: () => Promise<T | undefined>): Promise<T> => {
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
    }
  };
  return {
    ...{ dir, lab, client, until },
    /** Waits until the repository was read for the first time: what is pushed after that counts. */
    begun: () =>
      until(async () => {
        const { items } = await client.tasks({ limit: 10 });
        const views = await Promise.all(items.map(({ id }) => client.task(id)));
        return views.some(({ params, state }) => params.read === true && state === "succeeded") || undefined;
      }),
    decided: (wanted: number): Promise<readonly WebhookDelivery[]> =>
      until(async () => {
        const { items } = await client.deliveries({ limit: 100 });
        return items.filter(({ state }) => state !== "pending").length >= wanted ? items.toReversed() : undefined;
      }),
    started: async (): Promise<readonly string[]> => {
      const { items } = await client.tasks({ limit: 1_000, app: "orders" });
      const views = await Promise.all(items.map(({ id }) => client.task(id)));
      return views.map(({ requestedBy, params }) => `${requestedBy} ${String(params.ref)}`).toReversed();
    },
    restart: async (meanwhile: () => Promise<void>): Promise<void> => {
      await agent.close();
      await meanwhile();
      agent = await startTaskAgent(config, { logger });
    },
    sendWebhooks: async (): Promise<void> => {
      const portal = await startPortal(
        {
          ...{ dataDir: join(dir, "portal"), port: 0, agent: { url: agent.url, token: TOKEN } },
          webhooks: { sources: { git: { host: provider, system: "bitbucket", secret: SECRET } } },
        },
        { logger },
      );
      t.after(() => portal.close());
      lab.sendWebhooks({ host: provider, url: `${portal.url}/v1/webhooks/git`, secret: SECRET });
    },
  };
}

for (const provider of ["bitbucket-dc", "bitbucket-cloud"] as const)
  test(`without a webhook, pushes and tags at ${provider} are found, also those of an outage, each once`, async (t) => {
    const world = await open(t, provider);
    await world.begun();
    const first = await pushAsSomebody(world.lab, "orders", { "src/b.c": "b\n" });
    await world.decided(1);
    let second = "";
    await world.restart(async () => {
      await pushAsSomebody(world.lab, "orders", { "docs/a.md": "a\n" }, "fix");
      second = await pushAsSomebody(world.lab, "orders", { "src/c.c": "c\n" });
      await tagMain(world.lab, "orders", "v1");
    });
    await world.until(async () => ((await world.started()).length >= 3 ? true : undefined));
    assert.deepEqual(await world.started(), [`trigger:push ${first}`, `trigger:push ${second}`, "trigger:tag v1"]);
    await pushAsSomebody(world.lab, "orders", { "docs/b.md": "b\n" });
    await world.until(async () =>
      /docs|paths/.test(JSON.stringify((await world.client.deliveries({ limit: 1 })).items)) ? true : undefined,
    );
    const [newest] = (await world.client.deliveries({ limit: 1 })).items;
    assert.deepEqual([newest?.polled, newest?.source, newest?.apps], [true, "seoul", ["orders"]]);
    assert.match(newest?.results[0]?.reason ?? "", /None of the changed files is in the paths of the trigger \(src/);
    assert.equal((await world.started()).length, 3);
  });

test("a push that a webhook has told of as well starts CI once, whoever was first", async (t) => {
  const world = await open(t, "bitbucket-dc");
  await world.begun();
  await world.sendWebhooks();
  const commits: string[] = [];
  for (const file of ["b", "c", "d"])
    commits.push(await pushAsSomebody(world.lab, "orders", { [`src/${file}.c`]: `${file}\n` }));
  // Polling may find several at once, so only webhooks are counted.
  await world.until(async () => {
    const { items } = await world.client.deliveries({ limit: 100 });
    const isNewest = ({ summary = "" }: WebhookDelivery): boolean =>
      summary.includes(commits.at(-1)?.slice(0, 7) ?? "");
    const [webhooks, polled] = [items.filter(({ polled }) => !polled), items.filter((one) => one.polled)];
    return webhooks.length >= 3 && polled.some(isNewest) && items.every(({ state }) => state !== "pending")
      ? true
      : undefined;
  });
  assert.deepEqual((await world.started()).toSorted(), commits.map((commit) => `trigger:push ${commit}`).toSorted());
  const { items } = await world.client.deliveries({ limit: 100 });
  assert.match(JSON.stringify(items), /(A webhook|Polling) has told of/);
});

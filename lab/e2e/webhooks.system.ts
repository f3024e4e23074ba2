// A push to a real repository of each git host of the lab: the host tells the portal, and CI of the app is started.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { ACCOUNTS, startLabHost } from "@gantry/connectors/git/lab.fixture.ts";
import { appInput } from "@gantry/core/app/app.fixture.ts";
import { GIT_PROVIDERS } from "@gantry/core/site/git-providers.ts";
import { startPortal } from "@gantry/portal-api/main.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import { makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { WebhookDelivery } from "@gantry/wire/agent/triggers/webhooks.ts";

const run = promisify(execFile);
const TOKEN = "platform-token-of-this-test";
const SECRET = "a-secret-of-the-git-host";
const silent = (): void => {};
const logger = { debug: silent, info: silent, warn: silent, error: silent };

const CI = `name: ci
title: CI
app: existing
params: { ref: { type: string, default: main } }
triggers:
  - push: { branches: [main] }
    params: { ref: "\${{ trigger.commit }}" }
  - tag: { names: ["v*"] }
    params: { ref: "\${{ trigger.tag }}" }
jobs:
  build: { site: seoul, mode: lenient, retrySafe: true, steps: [{ id: make, run: "true" }] }
`;

for (const provider of GIT_PROVIDERS)
  test(`a push to a repository of ${provider} starts CI of its app`, async (t) => {
    const dir = await mkdtemp(join(tmpdir(), "gantry-hooks-"));
    t.after(() => rm(dir, { recursive: true }));
    await mkdir(join(dir, "pipelines"));
    await writeFile(join(dir, "pipelines/ci.yaml"), CI);
    const host = await startLabHost(provider, join(dir, "host"));
    t.after(() => host.server.close());
    const agent = await startTaskAgent(
      {
        data: join(dir, "agent"),
        portalUrl: "http://portal",
        token: TOKEN,
        runnerTokens: { "runner-token-of-seoul-0": "seoul" },
        pipelines: join(dir, "pipelines"),
      },
      { logger },
    );
    t.after(() => agent.close());
    const portal = await startPortal(
      {
        ...{ dataDir: join(dir, "portal"), port: 0, agent: { url: agent.url, token: TOKEN } },
        webhooks: { sources: { git: { host: provider, system: "bitbucket", secret: SECRET } } },
      },
      { logger: logger as never },
    );
    t.after(() => portal.close());
    const client = makeAgentClient({ url: agent.url, token: TOKEN });
    host.sendWebhooks({ host: provider, url: `${portal.url}/v1/webhooks/git`, secret: SECRET });
    await mkdir(join(dir, "first"));
    await writeFile(join(dir, "first/README.md"), "orders\n");
    await host.seed("orders", join(dir, "first"));
    const source = { system: "bitbucket", project: host.project, slug: "orders" };
    const app = JSON.parse(
      JSON.stringify(appInput({ source, images: [{ name: "orders", repository: "apps/orders" }] as never })),
    );
    await client.adoptApp("orders", { principal: "ada", app, dryRun: false });

    const git = async (...args: readonly string[]): Promise<string> =>
      (
        await run("git", ["-c", "user.name=Kim", "-c", "user.email=kim@example.com", ...args], {
          cwd: join(dir, "work"),
        })
      ).stdout.trim();
    const [account] = ACCOUNTS;
    const address = new URL(host.server.url);
    Object.assign(address, {
      username: provider === "bitbucket-cloud" ? "x-token-auth" : account?.user,
      password: account?.token,
    });
    const path = provider === "bitbucket-dc" ? `scm/${host.owner.toLowerCase()}` : host.owner;
    await mkdir(join(dir, "work"));
    await git("clone", "--quiet", `${address.href.replace(/\/$/, "")}/${path}/orders.git`, ".");
    await writeFile(join(dir, "work/main.c"), "int main;\n");
    await git("add", "--all");
    await git("commit", "--quiet", "-m", "Begin");
    const commit = await git("rev-parse", "HEAD");
    await git("push", "--quiet", "origin", "HEAD:main", "HEAD:refs/heads/fix", "HEAD:refs/tags/v1");

    const decided = async (): Promise<readonly WebhookDelivery[]> => {
      const { items } = await client.deliveries({ limit: 100 });
      const changes = items.flatMap(({ state, results }) => (state === "pending" ? [] : results));
      return changes.length >= 3 ? items : decided();
    };
    const results = (await decided()).flatMap(({ results: all }) => all);
    const tasks = await client.tasks({ limit: 10 });
    const started = await Promise.all(tasks.items.map(({ id }) => client.task(id)));
    assert.deepEqual(started.map(({ requestedBy, params }) => `${requestedBy} ${String(params.ref)}`).toSorted(), [
      `trigger:push ${commit}`,
      "trigger:tag v1",
    ]);
    const refused = results.flatMap(({ task, reason }) => (task === undefined ? [reason] : []));
    assert.deepEqual(refused, ["The branch fix is not one of the trigger: main."]);
  });

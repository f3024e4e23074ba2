// `gantry webhook list`, `show` and `redeliver` against a real portal and a real task-agent.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startPortal } from "@gantry/portal-api/main.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import { runCommand } from "../portal.fixture.ts";

const TOKEN = "platform-token-of-this-test";
const SECRET = "a-secret-of-the-git-host";
const silent = (): void => {};
const logger = { debug: silent, info: silent, warn: silent, error: silent };

test("a delivery is listed with what it started or why not, and can be delivered again", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-cli-webhooks-"));
  await mkdir(join(folder, "pipelines"));
  const agent = await startTaskAgent(
    { data: join(folder, "agent"), portalUrl: "http://portal", token: TOKEN, pipelines: join(folder, "pipelines") },
    { logger },
  );
  const portal = await startPortal({
    ...{ dataDir: join(folder, "portal"), port: 0, logLevel: "silent", agent: { url: agent.url, token: TOKEN } },
    webhooks: { sources: { git: { host: "gitlab", secret: SECRET } } },
  });
  t.after(async () => {
    await portal.close();
    await agent.close();
    await rm(folder, { recursive: true });
  });
  const env = { GANTRY_PORTAL: portal.url, GANTRY_TOKEN_FILE: join(folder, "portal/admin-token") };
  const run = async (line: string): Promise<string> => (await runCommand(line.split(" "), { env })).out;
  assert.match(await run("webhook list"), /^No delivery matches/);
  const answer = await fetch(`${portal.url}/v1/webhooks/git`, {
    method: "POST",
    headers: { "x-gitlab-token": SECRET, "idempotency-key": "1" },
    body: JSON.stringify({ object_kind: "note", project: { path_with_namespace: "apps/orders" } }),
  });
  assert.equal(answer.status, 202);
  const { id } = (await answer.json()) as { id: string };
  const shown = async (delivery: string): Promise<string> => {
    const text = await run(`webhook show ${delivery}`);
    return text.includes("not decided yet") ? shown(delivery) : text;
  };
  assert.match(await shown(id), /about +apps\/orders\nwhat +The event note starts nothing\.\n/);
  assert.match(await run("webhook list --state nothing"), new RegExp(`${id}.*git.*The event note starts nothing`));
  assert.match(await run("webhook list --state started"), /^No delivery matches/);
  const [again = ""] = (await run(`webhook redeliver ${id}`)).split("\n");
  assert.match(await shown(again), new RegExp(`again +the delivery ${id}, by `));
  await assert.rejects(run("webhook show w0000000000000000000"), /There is no delivery/);
});

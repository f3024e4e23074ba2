// The answers to probes of a process that works, is degraded, and cannot work.

import assert from "node:assert/strict";
import { get } from "node:http";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { createApp } from "../http/app.ts";
import { listen } from "../http/listen.ts";
import { operationRoutes } from "./operation-routes.ts";

test("ready, degraded and not ready, each with its reason", async (t) => {
  let broken: Error | undefined;
  let problems: readonly string[] = [];
  const app = createApp({ name: "probed", logger: { debug() {}, info() {}, warn() {}, error() {} } });
  const check = async (): Promise<void> => {
    if (broken) throw broken;
  };
  app.use(
    operationRoutes({ metrics: { contentType: "text/plain", text: async () => "" }, check, degraded: () => problems }),
  );
  const server = await listen(app, { host: "127.0.0.1", port: 0 });
  t.after(server.close);
  const ask = async (path: string): Promise<[number, Record<string, unknown>]> => {
    const answer = await fetch(`${server.url}${path}`);
    return [answer.status, (await answer.json()) as Record<string, unknown>];
  };
  assert.deepEqual(await ask("/readyz"), [200, { status: "ok" }]);
  problems = ["Events wait."];
  assert.deepEqual(await ask("/readyz"), [200, { status: "degraded", problems }]);
  broken = new GantryError("unavailable", { what: "The journal", problem: "Redis is away." });
  const [status, { detail }] = await ask("/readyz");
  assert.deepEqual([status, detail], [503, "Redis is away."]);
  broken = new Error("a path and a password");
  assert.equal((await ask("/readyz"))[1].detail, "It cannot be written.");
  assert.deepEqual(
    await ask("/livez"),
    [200, { status: "ok" }],
    "a process that waits for Redis must not be restarted",
  );
});

test("/metrics is not for pages of other sites, and only for the scraper where the configuration names its token", async (t) => {
  const statusOf = async (host: string, headers: Record<string, string>, metricsToken?: string): Promise<number> => {
    const app = createApp({ name: "scraped", logger: { debug() {}, info() {}, warn() {}, error() {} } });
    const metrics = { contentType: "text/plain", text: async () => "" };
    app.use(operationRoutes({ metrics, check: async () => {}, metricsToken }));
    const server = await listen(app, { host: "127.0.0.1", port: 0 });
    t.after(server.close);
    return new Promise((resolve, reject) => {
      const asked = { port: server.port, host: "127.0.0.1", path: "/metrics", headers: { ...headers, host } };
      get(asked, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      }).on("error", reject);
    });
  };
  for (const host of ["127.0.0.1:7001", "localhost", "[::1]:7001", "10.1.2.3"])
    assert.equal(await statusOf(host, {}), 200);
  assert.equal(await statusOf("evil.example", {}), 421);
  const token = "a-token-of-the-scraper";
  assert.equal(await statusOf("127.0.0.1", {}, token), 401);
  assert.equal(await statusOf("127.0.0.1", { authorization: "Bearer another-token-there" }, token), 401);
  assert.equal(await statusOf("agent.example", { authorization: `Bearer ${token}` }, token), 200);
});

// The answers to probes of a process that works, is degraded, and cannot work.

import assert from "node:assert/strict";
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
  app.use(operationRoutes({ contentType: "text/plain", text: async () => "" }, check, () => problems));
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

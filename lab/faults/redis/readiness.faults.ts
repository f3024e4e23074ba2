// A task-agent whose Redis is down reports it in its probes and metrics, and reports when Redis is back.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import { noRedis, redisFor } from "./server.ts";

test("Redis down: not ready, with the reason, and 0 in the metrics; Redis back: ready", {
  skip: noRedis,
}, async (t) => {
  const redis = await redisFor(t);
  const data = await mkdtemp(join(tmpdir(), "gantry-ready-"));
  const journal = { kind: "redis" as const, address: `127.0.0.1:${redis.port}`, waitReplicas: 0 };
  const config = { name: "a", data, journal, portalUrl: "http://portal", token: "t".repeat(16), runnerTokens: {} };
  const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const agent = await startTaskAgent(config, { logger });
  t.after(async () => {
    await agent.close();
    await rm(data, { recursive: true });
  });
  const ready = async (): Promise<[number, string]> => {
    const answer = await fetch(`${agent.url}/readyz`);
    return [answer.status, await answer.text()];
  };
  const isUp = async (): Promise<string | undefined> =>
    /^gantry_journal_up (\d)$/m.exec(await (await fetch(`${agent.url}/metrics`)).text())?.[1];
  assert.deepEqual([(await ready())[0], await isUp()], [200, "1"]);
  await redis.kill();
  let [status, text] = await ready();
  while (status === 200) [status, text] = await ready();
  assert.equal(status, 503);
  assert.match(text, /"detail":"[^"]*(ECONNREFUSED|connection was closed)/i);
  assert.equal(await isUp(), "0");
  await redis.start();
  while ((await ready())[0] !== 200);
  assert.equal(await isUp(), "1");
});

// From the delivery of a git host to its 202: signed, checked, and on the disk of the task-agent. Portal and task-agent run in the
// process of the benchmark.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PUSHES } from "@gantry/core/webhook/payloads.fixture.ts";
import { startPortal } from "@gantry/portal-api/main.ts";
import { SECRET, SIGN } from "@gantry/portal-api/webhooks/sign.fixture.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import { type BenchOptions, type Figure, quantile } from "./figure.ts";
import { syncMs } from "./sync.ts";

const WARM_UP = 20;
const DELIVERIES = 300;
const TOKEN = "platform-token-of-the-benchmark";
const AT_MOST_MS = 10;

export async function webhooks({ folder }: BenchOptions): Promise<readonly Figure[]> {
  const beside = { name: "one sync of this disk", value: await syncMs(folder) };
  const logger = makeLogger("bench", "silent");
  const pipelines = join(folder, "pipelines");
  await mkdir(pipelines);
  await writeFile(
    join(pipelines, "a.yaml"),
    "name: a\napp: none\njobs:\n  work: { site: seoul, steps: [{ run: x }] }\n",
  );
  const agent = await startTaskAgent(
    {
      ...{ data: join(folder, "agent"), portalUrl: "http://portal", token: TOKEN, pipelines },
      runnerTokens: { "runner-token-of-seoul-0": "seoul" },
    },
    { logger },
  );
  const portal = await startPortal(
    {
      ...{ dataDir: join(folder, "portal"), port: 0, agent: { url: agent.url, token: TOKEN } },
      webhooks: { sources: { git: { host: "github", secret: SECRET } } },
    },
    { logger },
  );
  try {
    const samples: number[] = [];
    for (let n = 0; n < WARM_UP + DELIVERIES; n += 1) {
      const took = await deliver(portal.url, n);
      if (n >= WARM_UP) samples.push(took);
    }
    const note = `${samples.length} pushes one after the other, of a repository that no app has`;
    const name = "Webhook of a push → 202, durable";
    return [
      {
        name: `${name}, median`,
        unit: "ms",
        value: quantile(samples, 0.5),
        target: { atMost: AT_MOST_MS },
        beside,
        note,
      },
      { name: `${name}, p99`, unit: "ms", value: quantile(samples, 0.99) },
    ];
  } finally {
    await portal.close();
    await agent.close();
  }
}

/** Answers how long it took, in ms. */
async function deliver(url: string, n: number): Promise<number> {
  const push = PUSHES.github({ commit: n.toString(16).padStart(40, "a") });
  const body = JSON.stringify(push.body);
  const headers = { ...push.headers, ...SIGN.github(body, `delivery-${n}`), "content-type": "application/json" };
  const began = performance.now();
  const answer = await fetch(`${url}/v1/webhooks/git`, { method: "POST", body, headers });
  await answer.json();
  const took = performance.now() - began;
  if (answer.status !== 202) throw new Error(`a delivery was answered with ${answer.status}`);
  return took;
}

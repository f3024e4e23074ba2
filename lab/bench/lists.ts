// Pages of the task list in a store with a million tasks, with the filters of the console.

import { statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ScriptedRunner } from "@gantry/task-agent/runner-protocol/runner.fixture.ts";
import { AgentProcess, end, RUNNER_TOKEN, TestBed } from "../processes/agent-process.ts";
import { type Bench, type Figure, quantile } from "./figure.ts";
import { Connection } from "./load/connection.ts";
import { fillStore, type Seed } from "./load/million.ts";
import { type PortalProcess, startPortalProcess } from "./load/portal.ts";

const TASKS = 1_000_000;
const OPEN = 1_000;
const FAILED = 50_000;
const ROUNDS = 120;
const STEPS = 6;

export const lists: Bench = async () => {
  const bed = await TestBed.open();
  try {
    await writeFile(join(bed.pipelines, "build.yaml"), pipelineOf(STEPS));
    const agent = await AgentProcess.start(bed);
    const seeds = await makeSeeds(agent);
    await end(agent.child);
    const filling = performance.now();
    fillStore(join(agent.data, "journal.sqlite"), [
      { seed: seeds.open, copies: OPEN },
      { seed: seeds.failed, copies: FAILED },
      { seed: seeds.succeeded, copies: TASKS - OPEN - FAILED },
    ]);
    const filled = (performance.now() - filling) / 1_000;
    const starting = performance.now();
    await agent.restart();
    const started = performance.now() - starting;
    const portal = await startPortalProcess(bed, agent.url);
    const size = statSync(join(agent.data, "journal.sqlite")).size / 1e9;
    const made = `store of ${TASKS.toLocaleString("en")} tasks, ${size.toFixed(1)} GB, made in ${filled.toFixed(0)} s`;
    return [
      ...(await pages(portal)),
      { name: "Start of a task-agent with a million tasks, 1,000 open", value: started, unit: "ms", note: made },
    ];
  } finally {
    await bed.close();
  }
};

async function pages(portal: PortalProcess): Promise<readonly Figure[]> {
  const line = await Connection.open(portal.url, portal.token);
  const queries: readonly (readonly [string, string])[] = [
    ["newest 50", ""],
    ["newest 100 (the console's home)", "limit=100"],
    ["state=open", "state=open"],
    ["state=failed", "state=failed"],
    ["one app", "app=app-007"],
    ["one app and pipeline (the console's app page)", "app=app-007&pipeline=build&limit=50"],
    ["one app, failed", "app=app-007&state=failed"],
  ];
  const figures: Figure[] = [];
  for (const [name, query] of queries) {
    const times: number[] = [];
    // Successive pages, so that no page is requested twice.
    let cursor: string | undefined;
    for (let round = 0; round < ROUNDS; round += 1) {
      const search = new URLSearchParams(query);
      if (cursor !== undefined) search.set("cursor", cursor);
      const began = performance.now();
      const page = (await line.json("GET", `/v1/tasks?${search}`)) as { nextCursor?: string };
      if (round >= 20) times.push(performance.now() - began);
      cursor = page.nextCursor;
    }
    figures.push({
      name: `List page of 1,000,000 tasks, ${name}, p99`,
      value: quantile(times, 0.99),
      unit: "ms",
      target: { atMost: 10 },
      note: `median ${quantile(times, 0.5).toFixed(1)} ms of ${times.length} pages, one after the other, through portal-api`,
    });
  }
  line.close();
  return figures;
}

async function makeSeeds(agent: AgentProcess): Promise<{ open: Seed; failed: Seed; succeeded: Seed }> {
  const runner = await ScriptedRunner.signIn(agent.url, RUNNER_TOKEN, "seoul", "seoul-1");
  const make = async (app: string, outcome: "succeeded" | "failed" | undefined): Promise<Seed> => {
    const request = { pipeline: "build", params: { name: app }, idempotencyKey: app, principal: "bench" };
    const { id } = await agent.client.startTask(request);
    if (outcome !== undefined) {
      const { ref } = await runner.takeJob();
      await runner.start(ref);
      for (let n = 0; n < STEPS; n += 1)
        await runner.progress(ref, 2 * n + 1, [
          { kind: "step-started", step: `step-${n}` },
          {
            kind: "step-ended",
            step: `step-${n}`,
            outcome,
            durationMs: 1_000,
            outputs: { commit: "0123456789abcdef" },
          },
        ]);
      await runner.report(ref, { outcome, progress: 2 * STEPS });
    }
    const task = await agent.client.task(id);
    return { id, app, requestedAt: Date.parse(task.requestedAt), state: outcome ?? "open" };
  };
  const succeeded = await make("seed-succeeded", "succeeded");
  const failed = await make("seed-failed", "failed");
  return { succeeded, failed, open: await make("seed-open", undefined) };
}

function pipelineOf(steps: number): string {
  const lines = Array.from({ length: steps }, (_, n) => `{ id: step-${n}, title: Step ${n}, run: "true" }`);
  const head =
    "name: build\ntitle: build\nbutton: Build\napp: new\nparams: { name: { type: string, required: true } }\noutputs: { app: { title: x } }";
  return `${head}\njobs:\n  work: { site: seoul, retrySafe: true, steps: [${lines.join(", ")}] }\n`;
}

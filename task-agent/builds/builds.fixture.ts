// Apps with CI, CD and environments that demand something of builds, in a memory journal.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { appInput } from "@gantry/core/app/app.fixture.ts";
import { explain, GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { TaskEvent } from "@gantry/core/task/events.ts";
import type { AppState } from "@gantry/core/task/model.ts";
import type { Outcome } from "@gantry/core/task/states.ts";
import { openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import type { StartTask } from "@gantry/wire/agent/agent-api.ts";
import { openApps } from "../apps/apps.ts";
import { AGENT_INDEXES } from "../store/indexes.ts";
import { openDefinitions } from "../tasks/definitions.ts";
import { startTask } from "../tasks/start-task.ts";
import { appStream } from "../tasks/task-stream.ts";
import { openTasks } from "../tasks/tasks.ts";
import { listBuilds } from "./build-stream.ts";

export const CI = `
name: ci
params:
  ref: { type: string, default: "\${{ app.source.branch }}" }
  letter: string
  severity: { type: string, default: "None" }
  gate: { type: string, default: "" }
jobs:
  make: { site: seoul, steps: [{ run: "true" }] }
build:
  commit: c0ffee
  branch: \${{ params.ref }}
  subject: Mend the till
  images:
    - name: orders
      repository: apps/orders
      image: harbor/apps/orders
      digest: \${{ "sha256:" + params.letter }}
  scan: { severity: "\${{ params.severity }}", report: "" }
  gate: { status: "\${{ params.gate }}" }
`;
export const CD = `
name: cd
params:
  build: { type: string, default: "", ui: build }
  targets: { type: array, items: string, default: "\${{ app.targets.map(t, t.name) }}", ui: target }
jobs:
  deploy:
    each: \${{ params.targets }}
    site: seoul
    deploys: \${{ each }}
    steps: [{ run: "true", env: { DIGEST: "\${{ build.images[0].digest }}" } }]
`;
export const ENVIRONMENTS = `
environments:
  test: { requires: {} }
  prod: { requires: { scan: no-critical, environment: test } }
`;
export const A = "a".repeat(64);
export const B = "b".repeat(64);
export const targets = ["test", "prod"].map((name) => ({
  name,
  environment: name,
  site: "seoul",
  cluster: name,
  overlay: `overlays/${name}`,
}));

export async function openBench(t: TestContext, { environments = ENVIRONMENTS, ci = CI, cd = CD } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "gantry-builds-"));
  t.after(() => rm(folder, { recursive: true }));
  const files = { "ci.yaml": ci, "cd.yaml": cd, "environments.yaml": environments };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const clock = new SteppedClock();
  const journal = openMemoryJournal({ indexes: AGENT_INDEXES, clock });
  const definitions = await openDefinitions(folder, [], journal);
  const tasks = openTasks(journal, definitions);
  const deps = { journal, definitions, tasks, portalUrl: "http://portal", newId };
  const app = appInput({ targets }) as unknown as JsonObject;
  const apps = openApps({ journal, tasks });
  const adopt = (changes: JsonObject = {}) => apps.adopt("orders", { by: "ada", app: { ...app, ...changes } });
  await adopt();
  const load = async (name = "orders"): Promise<AppState> => (await appStream.load(journal, name))?.state as AppState;
  const start = (pipeline: string, params: StartTask["params"], override?: { reason: string }, name = "orders") =>
    startTask(deps, {
      pipeline,
      app: name,
      params,
      idempotencyKey: newId(),
      principal: "kim",
      ...(override ? { override } : {}),
    });
  /** Starts a task, and ends each of its jobs. */
  const run = async (pipeline: string, params: StartTask["params"], outcome: Outcome = "succeeded", name?: string) => {
    clock.jumpWall(1);
    return end((await start(pipeline, params, undefined, name)).state.id, outcome);
  };
  /** `at`: another agent that shares the journal. */
  const end = (id: string, outcome: Outcome = "succeeded", at = tasks) =>
    at.change(id, ({ state: { jobs } }, at) => ({
      events: Object.keys(jobs).flatMap((job): TaskEvent[] => [
        { kind: "JobClaimed", at, job, attempt: 1, fence: 1, runner: "r", choice: "c", steps: [] },
        { kind: "JobEnded", at, job, outcome, outputs: {} },
      ]),
    }));
  const builds = async (name = "orders") => (await listBuilds(journal, await load(name), { limit: 50 })).builds;
  return { journal, definitions, deps, tasks, apps, adopt, start, run, end, load, builds };
}

export async function refusal(work: Promise<unknown>): Promise<{ code: string; text: string }> {
  const error: unknown = await work.then(
    () => undefined,
    (one: unknown) => one,
  );
  assert.ok(error instanceof GantryError, "it was not refused");
  const { message, why } = explain(error);
  return { code: error.code, text: `${message} ${why}` };
}

let ids = 0;
export function newId(): string {
  ids += 1;
  return ids.toString(16).padStart(12, "0");
}

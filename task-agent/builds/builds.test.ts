// Builds of an app, and which of them may be deployed where, as a user sees it: CI makes them, CD is asked for one.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { appInput } from "@gantry/core/app/app.fixture.ts";
import { explain, GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { TaskEvent } from "@gantry/core/task/events.ts";
import type { AppState } from "@gantry/core/task/model.ts";
import type { Outcome } from "@gantry/core/task/states.ts";
import { openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import type { StartTask } from "@gantry/wire/agent/agent-api.ts";
import { openApps } from "../apps/apps.ts";
import { AGENT_INDEXES } from "../store/indexes.ts";
import { openDefinitions } from "../tasks/definitions.ts";
import { startTask } from "../tasks/start-task.ts";
import { appStream } from "../tasks/task-stream.ts";
import { openTasks } from "../tasks/tasks.ts";
import { listBuilds } from "./build-stream.ts";
import { targetsRunning } from "./decide-policy.ts";

const CI = `
name: ci
params:
  ref: { type: string, default: "\${{ app.source.branch }}" }
  letter: string
  severity: { type: string, default: "None" }
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
  gate: { status: null }
`;
const CD = `
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
const ENVIRONMENTS = `
environments:
  test: { requires: {} }
  prod: { requires: { scan: no-critical, environment: test } }
`;
const A = "a".repeat(64);
const B = "b".repeat(64);
const targets = ["test", "prod"].map((name) => ({
  name,
  environment: name,
  site: "seoul",
  cluster: name,
  overlay: `overlays/${name}`,
}));

async function openBench(t: TestContext, { environments = ENVIRONMENTS, ci = CI } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "gantry-builds-"));
  t.after(() => rm(folder, { recursive: true }));
  const files = { "ci.yaml": ci, "cd.yaml": CD, "environments.yaml": environments };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const journal = openMemoryJournal({ indexes: AGENT_INDEXES });
  const definitions = await openDefinitions(folder, [], journal);
  const tasks = openTasks(journal, definitions);
  const deps = { journal, definitions, tasks, portalUrl: "http://portal", newId };
  const app = appInput({ targets }) as unknown as JsonObject;
  await openApps({ journal, tasks }).adopt("orders", { by: "ada", app });
  const load = async (): Promise<AppState> => (await appStream.load(journal, "orders"))?.state as AppState;
  const start = (pipeline: string, params: StartTask["params"], override?: { reason: string }) =>
    startTask(deps, {
      pipeline,
      app: "orders",
      params,
      idempotencyKey: newId(),
      principal: "kim",
      ...(override ? { override } : {}),
    });
  /** Starts a task, and ends each of its jobs. */
  const run = async (pipeline: string, params: StartTask["params"], outcome: Outcome = "succeeded") => {
    const { state } = await start(pipeline, params);
    return tasks.change(state.id, ({ state: { jobs } }, at) => ({
      events: Object.keys(jobs).flatMap((job): TaskEvent[] => [
        { kind: "JobClaimed", at, job, attempt: 1, fence: 1, runner: "r", choice: "c", steps: [] },
        { kind: "JobEnded", at, job, outcome, outputs: {} },
      ]),
    }));
  };
  const builds = async () => (await listBuilds(journal, await load(), { limit: 50 })).builds;
  return { start, run, load, builds };
}

async function refusal(work: Promise<unknown>): Promise<{ code: string; text: string }> {
  const error: unknown = await work.then(
    () => undefined,
    (one: unknown) => one,
  );
  assert.ok(error instanceof GantryError, "it was not refused");
  const { message, why } = explain(error);
  return { code: error.code, text: `${message} ${why}` };
}

test("every CI that passed is a build, counted from 1, and what the site does not have is left out", async (t) => {
  const { run, builds } = await openBench(t);
  await run("ci", { letter: A });
  await run("ci", { letter: B }, "failed");
  await run("ci", { letter: B, ref: "feature/x" });
  const [second, first] = await builds();
  assert.deepEqual(
    [first?.number, first?.branch, first?.scan, first?.gate, first?.subject],
    [1, "main", { severity: "None" }, undefined, "Mend the till"],
  );
  assert.deepEqual([second?.number, second?.branch, second?.images[0]?.digest], [2, "feature/x", `sha256:${B}`]);
});

test("CI whose build is no build ends errored, and says what is wrong", async (t) => {
  const { run, builds } = await openBench(t, { ci: CI.replace('"sha256:" + params.letter', '"latest"') });
  const { state } = await run("ci", { letter: A });
  assert.equal(state.outcome, "errored");
  assert.match(JSON.stringify(state.failure), /build\.images\.0\.digest: must be sha256:/);
  assert.deepEqual(await builds(), []);
});

test("CD deploys the newest build of the release branch, and the task says which one it is", async (t) => {
  const { run, start, load } = await openBench(t);
  assert.match((await refusal(start("cd", {}))).text, /The app has no build yet: run CI first/);
  await run("ci", { letter: A });
  await run("ci", { letter: B, ref: "feature/x" });
  const { state } = await run("cd", { targets: ["test"] });
  assert.deepEqual([state.params.build, state.build?.number, state.build?.commit], ["1", 1, "c0ffee"]);
  const app = await load();
  assert.deepEqual(targetsRunning(app, 1), ["test"]);
  assert.equal(app.deployed?.test?.task, state.id);
});

for (const [name, params, expected] of [
  [
    "a digest without a build",
    { build: `sha256:${"c".repeat(64)}` },
    /No build of orders has an image with the digest/,
  ],
  ["a build that does not exist", { build: "#9" }, /There is no build #9 of orders; its newest build is #2/],
  ["a build of another branch", { build: "2" }, /Build #2 is of the branch feature\/x, and test takes builds of main/],
  [
    "a build that was not deployed before",
    { targets: ["prod"] },
    /Build #1 is not deployed in test.*deploy it there first/,
  ],
] as const)
  test(`${name} is refused before anything is done, with what to do`, async (t) => {
    const { run, start } = await openBench(t);
    await run("ci", { letter: A });
    await run("ci", { letter: B, ref: "feature/x" });
    assert.match(
      (await refusal(start("cd", { targets: ["test"], ...structuredClone<object>(params) }))).text,
      expected,
    );
  });

test("prod takes a build that is deployed in test and whose scan found nothing critical", async (t) => {
  const { run, start } = await openBench(t);
  await run("ci", { letter: A, severity: "Critical" });
  await run("cd", { targets: ["test"] });
  const refused = await refusal(start("cd", { targets: ["prod"] }));
  assert.equal(refused.code, "policy-unmet");
  assert.match(refused.text, /The scan of build #1 found Critical vulnerabilities, and prod takes no critical ones/);
  const forced = await start("cd", { targets: ["prod"] }, { reason: "The shop is down." });
  assert.equal(forced.state.override, "The shop is down.");
  await run("ci", { letter: B, severity: "High" });
  await run("cd", { targets: ["test"], build: `sha256:${B}` });
  assert.equal((await start("cd", { targets: ["prod"] })).state.build?.number, 2);
});

test("a deployment that failed does not count", async (t) => {
  const { run, start, load } = await openBench(t);
  await run("ci", { letter: A });
  await run("cd", { targets: ["test"] }, "failed");
  assert.equal((await load()).deployed?.test?.outcome, "failed");
  assert.match((await refusal(start("cd", { targets: ["prod"] }))).text, /not deployed in test/);
});

test("mistakes in environments.yaml are refused with file, line and a hint", async (t) => {
  const environments =
    "environments:\n  prod: { requires: { scan: no-critical, environment: tets } }\n  test: { require: {} }\n";
  const error = await openBench(t, { environments }).then(
    () => undefined,
    (one: unknown) => one,
  );
  assert.ok(error instanceof GantryError);
  const [problem] = error.problems;
  assert.deepEqual([error.code, problem?.file, problem?.line], ["pipeline-invalid", "environments.yaml", 3]);
  assert.match(problem?.detail ?? "", /unknown key require \(did you mean requires\?\)/);
});

let ids = 0;
function newId(): string {
  ids += 1;
  return ids.toString(16).padStart(12, "0");
}

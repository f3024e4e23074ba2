// Builds of an app, and which of them may be deployed where, as a user sees it: CI makes them, CD is asked for one.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { appInput } from "@gantry/core/app/app.fixture.ts";
import { explain, GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Pipeline } from "@gantry/core/pipeline/pipeline.ts";
import type { TaskEvent } from "@gantry/core/task/events.ts";
import type { AppState } from "@gantry/core/task/model.ts";
import type { Outcome } from "@gantry/core/task/states.ts";
import { openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import type { StartTask } from "@gantry/wire/agent/agent-api.ts";
import { openApps } from "../apps/apps.ts";
import { AGENT_INDEXES } from "../store/indexes.ts";
import { keepDefinition, openDefinitions } from "../tasks/definitions.ts";
import type { Definition } from "../tasks/read-definitions.ts";
import { startTask } from "../tasks/start-task.ts";
import { appStream } from "../tasks/task-stream.ts";
import { openTasks } from "../tasks/tasks.ts";
import { buildAppend, listBuilds, loadBuild } from "./build-stream.ts";
import { targetsRunning } from "./decide-policy.ts";
import { type BuildQuery, newestBuilds } from "./newest-builds.ts";
import { sweepBuilds } from "./remove-old-builds.ts";

const CI = `
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

async function openBench(t: TestContext, { environments = ENVIRONMENTS, ci = CI, cd = CD } = {}) {
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

test("a pipeline of the app's own makes no build, keeps no fact and deploys nothing that a policy guards", async (t) => {
  const { deps, definitions, tasks, run, end, builds, load } = await openBench(t);
  await run("ci", { letter: A });
  const known = await load();
  /** As the reader of an app's own files gives it: nothing but its origin differs. */
  const asOwn = (name: string, change: Partial<Pipeline> = {}) => ({
    ...deps,
    definitions: {
      ...definitions,
      current: (): Definition => {
        const definition = definitions.current(name);
        assert(definition);
        const pipeline: Pipeline = { ...definition.pipeline, origin: "app", ...change };
        return { ...definition, version: newId(), pipeline };
      },
    },
  });
  const attack = async (name: string, params: StartTask["params"], change: Partial<Pipeline> = {}) => {
    const own = asOwn(name, change);
    const definition = own.definitions.current();
    await keepDefinition(deps.journal, definition);
    const request = { pipeline: name, app: "orders", params, idempotencyKey: newId(), principal: "eve" };
    const { state } = await startTask(
      { ...own, definitions: { ...own.definitions, current: () => definition } },
      request,
    );
    return (await end(state.id)).state;
  };
  const forged = await attack("ci", { letter: B }, { remember: { digest: `sha256:${B}`, commit: "c0ffee" } });
  assert.deepEqual([forged.outcome, forged.result], ["succeeded", undefined]);
  const deployed = await attack(
    "cd",
    { build: "1", targets: ["test"] },
    { jobs: scriptsOf(definitions.current("cd")) },
  );
  assert.equal(deployed.result?.deployed, undefined, "nothing says that build #1 runs in test");
  assert.deepEqual([(await builds()).length, targetsRunning(await load(), 1)], [1, []]);
  assert.deepEqual((await load()).facts, known.facts);

  const pushes = { jobs: scriptsOf(definitions.current("cd")).map((job) => ({ ...job, work: ["deploy" as const] })) };
  const refused = await refusal(attack("cd", { build: "1", targets: ["test"] }, pushes));
  assert.equal(refused.code, "own-pipeline-deploys");
  assert.match(
    refused.text,
    /orders may not be deployed by its own pipeline cd. Its target test is in the environment test/,
  );
  assert.equal((await tasks.read(deployed.id))?.state.outcome, "succeeded");
  const allowed = await attack("ci", { letter: B }, { mayBuild: true });
  assert.equal(allowed.result?.build?.images[0]?.digest, `sha256:${B}`);
});

/** Its jobs, with the work of scripts. */
function scriptsOf(definition: Definition | undefined): Pipeline["jobs"] {
  return (definition?.pipeline.jobs ?? []).map((job) => ({ ...job, work: ["build" as const] }));
}

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

test("a red gate is refused before anything is done, and so are a missing gate and missing tests", async (t) => {
  const environments = "environments: { test: { requires: { gate: true } }, prod: { requires: { tests: true } } }\n";
  const { run, start } = await openBench(t, { environments });
  const toTest = { targets: ["test"] };
  await run("ci", { letter: A, gate: "ERROR" });
  assert.match(
    (await refusal(start("cd", toTest))).text,
    /The quality gate of build #1 ended ERROR, and test needs one that passed: mend the findings and run CI again/,
  );
  await run("ci", { letter: A });
  assert.match((await refusal(start("cd", toTest))).text, /Build #2 has no quality gate.*run CI where the site has/);
  assert.match((await refusal(start("cd", { targets: ["prod"] }))).text, /Build #2 has no test results/);
  await run("ci", { letter: A, gate: "OK" });
  assert.equal((await start("cd", toTest)).state.build?.number, 3);
});

test("a deployment that failed does not count", async (t) => {
  const { run, start, load } = await openBench(t);
  await run("ci", { letter: A });
  await run("cd", { targets: ["test"] }, "failed");
  assert.equal((await load()).deployed?.test?.outcome, "failed");
  assert.match((await refusal(start("cd", { targets: ["prod"] }))).text, /not deployed in test/);
});

test("CIs that end at once, at two agents, get numbers without gaps", async (t) => {
  const { journal, definitions, tasks, start, end, builds } = await openBench(t);
  const other = openTasks(journal, definitions);
  const started = [];
  for (let index = 0; index < 12; index += 1) started.push(await start("ci", { letter: A }));
  await Promise.all(started.map(({ state }, index) => end(state.id, "succeeded", index % 2 === 0 ? tasks : other)));
  assert.deepEqual(
    (await builds()).map(({ number }) => number),
    [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1],
  );
});

test("an app that was renamed keeps its builds, and one that was forgotten and adopted again starts at 1", async (t) => {
  const { apps, adopt, run, load, builds } = await openBench(t);
  await run("ci", { letter: A });
  await run("ci", { letter: B });
  await apps.rename("orders", "shop", "ada");
  assert.deepEqual(
    (await builds("shop")).map(({ number, app }) => [number, app]),
    [
      [2, "orders"],
      [1, "orders"],
    ],
  );
  await apps.forget("shop", "ada");
  await adopt();
  assert.equal((await load()).builds, undefined);
  await run("ci", { letter: B });
  assert.deepEqual(
    (await builds()).map(({ number }) => number),
    [1],
  );
});

test("the newest builds of all apps: under the names of now, without forgotten apps, by app and branch, in pages", async (t) => {
  const { journal, apps, adopt, run } = await openBench(t);
  const list = async (query: Omit<BuildQuery, "limit">, limit = 2): Promise<readonly string[]> => {
    const shown: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await newestBuilds(journal, { ...query, limit, cursor });
      shown.push(...page.items.map(({ app, build }) => `${app.name} #${build.number} ${build.branch}`));
      cursor = page.cursor;
      if (cursor === undefined) return shown;
    }
  };
  assert.deepEqual(await list({}), []);
  await run("ci", { letter: A });
  await apps.rename("orders", "shop", "ada");
  await adopt({ targets: [{ name: "test", site: "tokyo", cluster: "tokyo-dp", overlay: "overlays/tokyo" }] });
  await run("ci", { letter: A });
  await run("ci", { letter: B, ref: "feature/x" });
  await run("ci", { letter: B }, "succeeded", "shop");
  const all = ["shop #2 main", "orders #2 feature/x", "orders #1 main", "shop #1 main"];
  for (const limit of [1, 2, 50]) {
    assert.deepEqual(await list({}, limit), all);
    assert.deepEqual(await list({ apps: ["orders", "shop", "shop", "unknown"] }, limit), all);
    assert.deepEqual(await list({ apps: ["shop"] }, limit), ["shop #2 main", "shop #1 main"]);
    assert.deepEqual(await list({ branch: "feature/x" }, limit), ["orders #2 feature/x"]);
  }
  assert.deepEqual(await list({ apps: [] }), []);
  await apps.forget("shop", "ada");
  assert.deepEqual(await list({}), ["orders #2 feature/x", "orders #1 main"]);
  assert.deepEqual(await list({ apps: ["shop"] }), []);
});

test("a build may be named by a number of JSON, and the image of an older version counts only until the first build", async (t) => {
  const { run, start, journal, load } = await openBench(t);
  const digest = `sha256:${"d".repeat(64)}`;
  const loaded = await appStream.load(journal, "orders");
  const old = { ...(await load()), facts: { digest, image: "harbor/apps/orders" } };
  await journal.append([appStream.append("orders", { expected: loaded?.version ?? 0, state: old })]);
  const { state } = await start("cd", { targets: ["test"] });
  assert.deepEqual([state.build?.number, state.params.build], [0, digest], "a rerun deploys the same image");
  await run("ci", { letter: A });
  const found = await start("cd", { targets: ["test"], build: 1 });
  assert.equal(found.state.build?.number, 1);
  for (const build of ["#0", "0", digest, { a: 1 }] as const)
    assert.equal((await refusal(start("cd", { targets: ["test"], build }))).code, "bad-params", String(build));
  assert.match(
    (await refusal(start("cd", { build: "#0" }))).text,
    /There is no build #0 of orders; its newest build is #1/,
  );
});

test("of builds with the same image, a digest names that of the release branch", async (t) => {
  const { run, start } = await openBench(t);
  await run("ci", { letter: A });
  await run("ci", { letter: A, ref: "feature/x" });
  const { state } = await start("cd", { targets: ["test"], build: `sha256:${A}` });
  assert.equal(state.build?.number, 1);
});

test("a pipeline that lets nobody choose targets is held to the policies of all of them", async (t) => {
  const cd = CD.replace(/ {2}targets: .*\n/, "").replace("${{ params.targets }}", "${{ app.targets.map(t, t.name) }}");
  const { run, start } = await openBench(t, { cd });
  await run("ci", { letter: A });
  assert.match(
    (await refusal(start("cd", {}))).text,
    /Build #1 is not deployed in test, and prod takes builds that are/,
  );
});

test("a CD from before there were builds is not rerun with its old file, which knows no policies", async (t) => {
  const { deps, definitions, journal, run, start } = await openBench(t);
  await run("ci", { letter: A });
  const { state } = await start("cd", { targets: ["test"] });
  const current = definitions.current("cd");
  assert.ok(current);
  const { build: _, ...properties } = current.pipeline.params.properties;
  const pipeline = { ...current.pipeline, params: { ...current.pipeline.params, properties } };
  await keepDefinition(journal, { version: "old", pipeline });
  const rerun = { of: { ...state, definition: "old" }, keep: false, definition: "pinned" as const };
  const request = {
    pipeline: "cd",
    app: "orders",
    params: { targets: ["prod"] },
    principal: "kim",
    idempotencyKey: newId(),
  };
  const refused = await refusal(startTask(deps, request, rerun));
  assert.deepEqual([refused.code, /Run cd again: it deploys a build/i.test(refused.text)], ["conflict", true]);
});

test("what was deployed to a target is forgotten when the target moves or is removed", async (t) => {
  const { apps, run, load, start } = await openBench(t);
  await run("ci", { letter: A });
  await run("cd", { targets: ["test"] });
  const moved = targets.map((one) => (one.name === "test" ? { ...one, cluster: "new-test" } : one));
  await apps.change("orders", { by: "ada", patch: { targets: moved }, revision: undefined });
  assert.deepEqual(targetsRunning(await load(), 1), []);
  assert.match((await refusal(start("cd", { targets: ["prod"] }))).text, /not deployed in test/);
});

test("a commit with a very long subject makes a build", async (t) => {
  const ci = CI.replace("subject: Mend the till", `subject: ${"mend ".repeat(200)}`);
  const { run, builds } = await openBench(t, { ci });
  assert.equal((await run("ci", { letter: A })).state.outcome, "succeeded");
  assert.equal((await builds())[0]?.subject?.length, 500);
});

test("only the newest 1,000 builds of an app are kept, and those that run somewhere", async (t) => {
  const { journal, run, load, builds } = await openBench(t);
  await run("ci", { letter: A });
  await run("cd", { targets: ["test"] });
  const app = await load();
  const [first] = await builds();
  assert.ok(first && app.builds);
  const { key } = app.builds;
  const made = Array.from({ length: 1_011 }, (_, index) => buildAppend(key, { ...first, number: index + 2 }));
  for (let at = 0; at < made.length; at += 100) await journal.append(made.slice(at, at + 100));
  const { version = 0 } = (await appStream.load(journal, "orders")) ?? {};
  const full = { ...app, builds: { key, last: 1_012 } };
  await journal.append([appStream.append("orders", { expected: version, state: full })]);
  const deps = { rest: async () => {}, isStopping: () => false };
  assert.equal(await sweepBuilds(journal, { ...deps, nowMs: first.at + 86_400_000 }), 0, "too young");
  assert.equal(await sweepBuilds(journal, { ...deps, nowMs: first.at + 3 * 86_400_000 }), 11);
  assert.deepEqual(
    await Promise.all([1, 2, 12, 13, 1_012].map(async (number) => (await loadBuild(journal, full, number))?.number)),
    [1, undefined, undefined, 13, 1_012],
  );
  assert.equal(await sweepBuilds(journal, { ...deps, nowMs: first.at + 3 * 86_400_000 }), 0);
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

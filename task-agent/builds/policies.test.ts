// What CD deploys, and what environments demand of builds.

import assert from "node:assert/strict";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import type { Pipeline } from "@gantry/core/pipeline/pipeline.ts";
import type { StartTask } from "@gantry/wire/agent/agent-api.ts";
import { keepDefinition } from "../tasks/definitions.ts";
import type { Definition } from "../tasks/read-definitions.ts";
import { startTask } from "../tasks/start-task.ts";
import { A, B, CD, newId, openBench, refusal, targets } from "./builds.fixture.ts";
import { targetsRunning } from "./decide-policy.ts";

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
  const rerun = {
    of: { ...state, definition: "old" },
    before: pipeline,
    from: "all" as const,
    definition: "pinned" as const,
  };
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

test("environments that need each other are refused, because no build could reach any of them", async (t) => {
  const refusals = async (lines: string): Promise<readonly string[]> => {
    const error = await openBench(t, { environments: `environments:\n${lines}` }).then(
      () => undefined,
      (one: unknown) => one,
    );
    assert.ok(error instanceof GantryError);
    return error.problems.map(({ line, detail }) => `${line} ${detail}`);
  };
  const circle = "  test: { requires: { environment: prod } }\n  prod: { requires: { environment: test } }\n";
  const after = "  late: { requires: { environment: prod } }\n";
  assert.deepEqual(await refusals(`${circle}${after}`), [
    "2 environments.test.requires: an environment cannot need itself: test needs prod needs test; no build could reach any of them",
    "3 environments.prod.requires: an environment cannot need itself: prod needs test needs prod; no build could reach any of them",
  ]);
  const itself = "  prod: { requires: { environment: prod } }\n";
  assert.deepEqual(await refusals(itself), ["2 environments.prod.requires: an environment cannot need itself"]);
});

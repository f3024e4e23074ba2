// The shipped CI: what it builds, and what it says of the build, also where the site lacks systems.

import assert from "node:assert/strict";
import { test } from "node:test";
import { appInput } from "@gantry/core/app/app.fixture.ts";
import { completeRecord, recordOf } from "@gantry/core/app/app-record.ts";
import { appShape } from "@gantry/core/app/app-shape.ts";
import { readBuildFacts } from "@gantry/core/build/build.ts";
import { evaluateCondition } from "@gantry/core/expr/condition.ts";
import { render } from "@gantry/core/expr/template.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import { expandJob } from "@gantry/core/pipeline/expand.ts";
import { parsePipeline } from "@gantry/core/pipeline/parse.ts";
import { APP, catalogue, read } from "./pipelines.fixture.ts";

const { pipeline } = parsePipeline({ name: "ci.yaml", text: read("ci.yaml") }, catalogue);
assert(pipeline);
const [source, build, scan, analyze] = pipeline.jobs;
assert(source && build && scan && analyze);
const TASK = { params: { ref: "main", failOn: "critical" }, task: {} };

const planOf = (name: string): JsonObject => ({
  name,
  repository: `apps/${name}`,
  kind: "npm",
  folder: "web",
  context: "web",
  dockerfile: "Dockerfile",
  formats: ["npm"],
  tools: ["npm"],
  install: "npm ci",
  test: "npm test",
  build: "",
});
const sourceOf = (...names: string[]): JsonObject => ({
  outputs: { commit: "c0ffee", branch: "main", subject: "s", author: "a", url: "u", images: names.map(planOf) },
  outcome: "succeeded",
});
/** The job that built an image, with the outputs of its steps. */
function builtOf(name: string, test: JsonObject = {}): JsonObject {
  const digest = `sha256:${name.repeat(64).slice(0, 64)}`;
  const steps = { image: { outputs: { image: `harbor/apps/${name}`, digest } }, test: { outputs: test } };
  return { each: planOf(name), outputs: render(build?.outputs ?? {}, { steps, each: planOf(name) }) };
}
const TESTS = { files: 1, passed: 7, failed: 0, skipped: 1, linesTotal: 30, linesCovered: 20, summary: "7 passed" };

test("CI looks for the images of an app, also of an app that create-app made and of one in a monorepo", () => {
  const detect = source.steps.find(({ id }) => id === "detect")?.action;
  assert(detect?.kind === "uses");
  assert.deepEqual(render(detect.with, { app: completeRecord("orders", APP) }), {
    directory: ".",
    images: [{ name: "orders", repository: "apps/orders" }],
  });
  assert.deepEqual(render(detect.with, { app: APP }), {
    directory: ".",
    images: [{ name: "orders", repository: "apps/orders" }],
  });
  const input = appInput({
    source: { system: "bitbucket", project: "APPS", slug: "mono", folder: "services/orders" },
    images: [{ name: "api", kind: "go", test: [] }],
  });
  const app = { ...recordOf("orders", appShape.parse(input)), name: "orders" };
  assert.deepEqual(render(detect.with, { app }), {
    directory: "services/orders",
    images: [{ name: "api", dockerfile: "Dockerfile", context: ".", kind: "go", test: [], repository: "apps/api" }],
  });
});

test("one job per image, on runners with the labels of the app; each is scanned", () => {
  const app = { ...APP, build: { site: "seoul", labels: ["maven"] } };
  const scope = { ...TASK, app, needs: { source: sourceOf("a", "b") } };
  assert.deepEqual(
    expandJob(build, scope).map(({ key, labels }) => [key, labels]),
    [
      ["build[a]", ["maven"]],
      ["build[b]", ["maven"]],
    ],
  );
  assert.deepEqual(expandJob(build, { ...scope, app: APP })[0]?.labels, []);
  const atSite = expandJob(build, { ...scope, app: APP }, { defaultsAt: () => ({ labels: ["linux"] }) });
  assert.deepEqual(atSite[0]?.labels, ["linux"], "those of the site where the app names none");
  const needs = { build: { each: [builtOf("a"), builtOf("b")] } };
  assert.deepEqual(
    expandJob(scan, { ...TASK, app, needs }).map(({ key }) => key),
    ["scan[a]", "scan[b]"],
  );
  for (const { action } of [...build.steps, ...scan.steps, ...analyze.steps])
    if (action.kind === "uses")
      render(action.with, {
        ...scope,
        needs: { ...scope.needs, ...needs },
        each: { ...planOf("a"), digest: "d" },
        steps: { analysis: { outputs: { ceTask: "t", projectKey: "k" } } },
      });
});

test("the build has every image, the worst severity, and the tests of all images together", () => {
  const scanOf = (severity: string): JsonObject => ({ outputs: { severity, report: "r" } });
  const jobs = {
    source: sourceOf("a", "b"),
    build: { each: [builtOf("a", TESTS), builtOf("b", { ...TESTS, linesTotal: 0, linesCovered: 0 })] },
    scan: { each: [scanOf("Low"), scanOf("High")] },
    analyze: { outputs: { gate: "OK", report: "q" } },
  };
  const facts = readBuildFacts(render(pipeline.build ?? {}, { ...TASK, app: APP, jobs }));
  assert(!("problem" in facts), JSON.stringify(facts));
  assert.deepEqual(
    facts.images.map(({ name, repository, image }) => [name, repository, image]),
    [
      ["a", "apps/a", "harbor/apps/a"],
      ["b", "apps/b", "harbor/apps/b"],
    ],
  );
  assert.deepEqual(facts.scan, { severity: "High", report: "r" });
  assert.deepEqual(facts.tests, { passed: 14, failed: 0, skipped: 2, coverage: 66.6 });
  const outputs = render(pipeline.outputs, { ...TASK, app: APP, jobs }) as JsonObject;
  assert.equal(outputs.tests, "7 passed; 7 passed");
  assert.match(String(outputs.image), /^harbor\/apps\/a@sha256:\S+ harbor\/apps\/b@sha256:\S+$/);
});

test("at a site without scanner, SonarQube and tests, the build says nothing about them", () => {
  const none = { outputs: render(scan.outputs, { steps: { scan: { outcome: "skipped", outputs: {} } } }) };
  const steps = { analysis: { outcome: "skipped", outputs: {} }, gate: { outcome: "skipped", outputs: {} } };
  const jobs = {
    source: sourceOf("a"),
    build: { each: [builtOf("a")] },
    scan: { each: [none] },
    analyze: { outputs: render(analyze.outputs, { steps }) },
  };
  const facts = readBuildFacts(render(pipeline.build ?? {}, { ...TASK, app: APP, jobs }));
  assert(!("problem" in facts), JSON.stringify(facts));
  assert.deepEqual([facts.scan, facts.gate, facts.tests], [undefined, undefined, undefined]);
  const optional = [build, scan, analyze].flatMap((job) =>
    job.steps
      .filter(({ missingSystem }) => missingSystem === "skip")
      .map(({ action }) => "uses" in action && action.uses),
  );
  assert.deepEqual(optional, ["nexus/settings", "harbor/ensure-project", "harbor/wait-for-scan", "sonarqube/analyze"]);
});

test("CI reports to the commit when it starts, and how it ended", () => {
  const { system, project, slug } = APP.source as JsonObject;
  const expected = { repository: { system, project, slug }, commit: "c0ffee", name: "gantry/ci/orders" };
  const start = source.steps.find(({ id }) => id === "report")?.action;
  const [report] = pipeline.finally;
  const end = report?.steps[0]?.action;
  assert(start?.kind === "uses" && end?.kind === "uses" && report?.when);
  const steps = { checkout: { outputs: { commit: "c0ffee" } } };
  assert.deepEqual(render(start.with, { app: APP, steps }), { ...expected, state: "running" });
  for (const status of ["succeeded", "failed", "canceled"]) {
    const scope = { app: APP, status, needs: { source: sourceOf() } };
    assert(evaluateCondition(report.when, scope));
    assert.deepEqual(render(end.with, scope), { ...expected, state: status });
  }
  const unknown = { app: APP, status: "failed", needs: { source: { outcome: "failed", outputs: {} } } };
  assert(!evaluateCondition(report.when, unknown), "there is no commit to report to");
});

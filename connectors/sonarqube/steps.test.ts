import assert from "node:assert/strict";
import { access, chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { SonarqubeSystem } from "@gantry/core/site/systems.ts";
import type { FakeServer } from "@gantry/lab/fakes/fake-server.ts";
import { startSonarqube } from "@gantry/lab/fakes/sonarqube.ts";
import { Crash, openBench, type StepBench } from "../step.fixture.ts";
import { tempDir } from "../temp-dir.fixture.ts";
import { analyze, qualityGate } from "./steps.ts";

type T = { after: (fn: () => Promise<void>) => void };
type World = { sonarqube: FakeServer; bench: StepBench; dir: string };
const TOKEN = "sonar-token-1";
const SCANNER = fileURLToPath(new URL("../../lab/fakes/bin", import.meta.url));
const COMMIT = "3f2a9c4d5e6f708192a3b4c5d6e7f8091a2b3c4d";
/** What the fake scanner counts as a violation; put together so that our own checks do not count it. */
const VIOLATION = `// ${["FIX", "ME"].join("")}: later\n`;
const SOON = { maxPauseMs: 10 };

async function world(
  t: T,
  sources: Record<string, string>,
  more: { token?: string; path?: string; queueMs?: number } = {},
): Promise<World> {
  const dir = await tempDir(t);
  const sonarqube = await startSonarqube({
    name: "sonarqube",
    dir,
    token: TOKEN,
    queueMs: more.queueMs ?? 30,
    runMs: 30,
  });
  t.after(() => sonarqube.close());
  const common = { kind: "sonarqube", name: "sonarqube", standIn: true } as const;
  const system: SonarqubeSystem = { ...common, url: sonarqube.url, token: more.token ?? TOKEN };
  const bench = await openBench({ systems: [system], path: [more.path ?? SCANNER] });
  t.after(() => bench.close());
  for (const [name, text] of Object.entries(sources)) {
    await mkdir(dirname(join(bench.workspace, name)), { recursive: true });
    await writeFile(join(bench.workspace, name), text);
  }
  return { sonarqube, bench, dir };
}

const CLEAN = { "src/server.js": "export const port = 8080;\n", "sonar-project.properties": "sonar.sources=src\n" };

async function analysed(bench: StepBench): Promise<{ ceTask: string; projectKey: string }> {
  const outcome = await bench.run(analyze, { projectKey: "orders", projectName: "Orders", commit: COMMIT });
  assert.ok(outcome.kind === "succeeded", JSON.stringify(outcome));
  return { ceTask: outcome.output.ceTask, projectKey: outcome.output.projectKey };
}

test("clean sources pass the gate; a person can read the verdict at the dashboard", async (t) => {
  const { sonarqube, bench } = await world(t, CLEAN, { queueMs: 2_000 });
  assert.deepEqual(await bench.plan(analyze, { projectKey: "orders" }), [
    "create the SonarQube project orders",
    "analyse the sources as orders",
  ]);
  const outcome = await bench.run(qualityGate, await analysed(bench), SOON);
  assert.ok(outcome.kind === "succeeded", JSON.stringify(outcome));
  assert.equal(outcome.output.status, "OK");
  assert.equal(outcome.output.dashboardUrl, `${sonarqube.url}/dashboard?id=orders`);
  // How many of the phases are seen depends on how often it was looked, their order does not.
  const phases = ["SonarQube has the analysis in its queue", "SonarQube takes in the analysis"];
  const seen = [...new Set(bench.reasons)];
  assert.deepEqual(
    seen,
    phases.filter((phase) => seen.includes(phase)),
  );
  assert.ok(seen.length > 0);
  const page = await (await fetch(outcome.output.dashboardUrl)).text();
  assert.match(page, new RegExp(`fake.*Passed.*${COMMIT}.*${bench.task.id}`, "s"));
  await assert.rejects(access(join(bench.workspace, ".scannerwork")), "nothing is left in the workspace");
});

test("a violation turns the gate red, and so does too little coverage", async (t) => {
  const violating = await world(t, { ...CLEAN, "src/late.js": VIOLATION });
  const red = await violating.bench.run(qualityGate, await analysed(violating.bench), SOON);
  assert.ok(red.kind === "failed");
  assert.equal(red.failure.line, "violations 1 is above 0");
  const low = await world(t, { ...CLEAN, "sonar-project.properties": "sonar.sources=src\nlab.coverage=41.2\n" });
  const outcome = await low.bench.run(qualityGate, await analysed(low.bench), SOON);
  assert.ok(outcome.kind === "failed");
  assert.equal(outcome.failure.line, "coverage 41.2 is below 80");
  assert.match(low.bench.lines.join("\n"), /coverage 41\.2 is below 80: http/);
});

test("an analysis that SonarQube could not take in is no success", async (t) => {
  for (const end of ["FAILED", "CANCELED"]) {
    const { bench } = await world(t, {
      ...CLEAN,
      "sonar-project.properties": `sonar.sources=src\nlab.ceTask=${end}\n`,
    });
    const outcome = await bench.run(qualityGate, await analysed(bench), SOON);
    assert.ok(outcome.kind === "errored" && !outcome.retryable, end);
    assert.equal(outcome.failure.code, "system-refused");
  }
});

test("the token goes to the configured server only, by environment, and into no argument or log", async (t) => {
  const properties = "sonar.sources=src\nsonar.host.url=http://127.0.0.1:9/thief\nsonar.projectKey=other\n";
  const spy = await tempDir(t);
  const report = "projectKey=orders\\nceTaskId=t1\\n";
  const script = `#!/bin/sh\necho "$@"\necho "has token: \${SONAR_TOKEN:+yes}"\nmkdir .scannerwork\nprintf '${report}' > .scannerwork/report-task.txt\n`;
  await writeFile(join(spy, "sonar-scanner"), script);
  await chmod(join(spy, "sonar-scanner"), 0o755);
  const spied = await world(t, { ...CLEAN, "sonar-project.properties": properties }, { path: spy });
  await analysed(spied.bench);
  const log = spied.bench.lines.join("\n");
  assert.match(log, /has token: yes/);
  assert.match(log, new RegExp(`-Dsonar.host.url=${spied.sonarqube.url}`));
  assert.match(log, new RegExp(`-Dsonar.analysis.runId=${spied.bench.task.id}`));
  assert.ok(!log.includes(TOKEN));
  const real = await world(t, { ...CLEAN, "sonar-project.properties": properties });
  await analysed(real.bench);
  assert.ok(real.sonarqube.exchanges.some(({ path }) => path === "/api/ce/submit"));
});

test("says clearly what is missing: the scanner, the right token, the sources", async (t) => {
  const empty = await tempDir(t);
  const absent = await world(t, CLEAN);
  const { sonarqube } = absent;
  const system: SonarqubeSystem = {
    kind: "sonarqube",
    name: "sonarqube",
    standIn: true,
    url: sonarqube.url,
    token: TOKEN,
  };
  const bench = await openBench({ systems: [system], path: [empty] });
  t.after(() => bench.close());
  const missing = await bench.run(analyze, { projectKey: "orders" });
  assert.ok(missing.kind === "errored" && missing.failure.code === "program-missing", JSON.stringify(missing));
  const refused = await (await world(t, CLEAN, { token: "wrong-token-9" })).bench.run(analyze, {
    projectKey: "orders",
  });
  assert.ok(refused.kind === "errored" && refused.failure.code === "credential-refused");
  assert.doesNotMatch(JSON.stringify(refused), /wrong-token/);
  const nothing = await (await world(t, { "sonar-project.properties": "sonar.sources=src\n" })).bench.run(analyze, {
    projectKey: "orders",
  });
  assert.ok(nothing.kind === "failed" && nothing.failure.code === "script-failed");
  const outside = await absent.bench.run(analyze, { projectKey: "orders", directory: ".." });
  assert.ok(outside.kind === "errored" && outside.failure.code === "bad-input");
});

test("an old report is never taken for the new one", async (t) => {
  const silent = await tempDir(t);
  await writeFile(join(silent, "sonar-scanner"), "#!/bin/sh\nexit 0\n");
  await chmod(join(silent, "sonar-scanner"), 0o755);
  const old = { ".scannerwork/report-task.txt": "projectKey=orders\nceTaskId=old\n" };
  const { bench } = await world(t, { ...CLEAN, ...old }, { path: silent });
  const outcome = await bench.run(analyze, { projectKey: "orders" });
  assert.ok(outcome.kind === "errored" && outcome.failure.code === "system-strange", JSON.stringify(outcome));
});

test("a runner that dies makes one project, and a project that appears meanwhile is no error", async (t) => {
  const { sonarqube, bench } = await world(t, CLEAN);
  for (const effect of ["project", "analysis"]) {
    bench.crashAt({ effect, when: "after-perform" });
    await assert.rejects(analysed(bench), Crash);
  }
  await analysed(bench);
  assert.equal(sonarqube.exchanges.filter(({ path }) => path === "/api/projects/create").length, 1);
  bench.nextTask();
  // The first look says 404, the creation 400, the second look 200: somebody else was faster.
  sonarqube.faults.add({ kind: "status", status: 404, body: { errors: [] }, match: "components/show", times: 1 });
  await analysed(bench);
  bench.nextTask();
  const similar = await bench.run(analyze, { projectKey: "ORDERS" });
  assert.ok(similar.kind === "errored", "the other spelling of a project is not the project");
});

test("tasks and verdicts survive a kill of the fake", async (t) => {
  const { sonarqube, bench, dir } = await world(t, CLEAN);
  const analysis = await analysed(bench);
  await sonarqube.close();
  const again = await startSonarqube({
    name: "sonarqube",
    dir,
    token: TOKEN,
    port: sonarqube.port,
    queueMs: 1,
    runMs: 1,
  });
  t.after(() => again.close());
  assert.equal((await bench.run(qualityGate, analysis, SOON)).kind, "succeeded");
});

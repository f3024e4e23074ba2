import assert from "node:assert/strict";
import { access, chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { SonarqubeSystem } from "@gantry/core/site/systems.ts";
import type { FakeServer } from "@gantry/lab/fakes/fake-server.ts";
import { type SonarqubeOptions, startSonarqube } from "@gantry/lab/fakes/sonarqube.ts";
import { Crash, fastClock, openBench, type StepBench } from "../step.fixture.ts";
import { tempDir } from "../temp-dir.fixture.ts";
import { analyze, qualityGate } from "./steps.ts";

type T = { after: (fn: () => Promise<void>) => void };
type Setup = { sonarqube: FakeServer; bench: StepBench; dir: string };
const TOKEN = "sonar-token-1";
const SCANNER = fileURLToPath(new URL("../../lab/fakes/bin", import.meta.url));
const COMMIT = "3f2a9c4d5e6f708192a3b4c5d6e7f8091a2b3c4d";
/** What the fake scanner counts as a violation; put together so that our own checks do not count it. */
const VIOLATION = `// ${["FIX", "ME"].join("")}: later\n`;
const SOON = { maxPauseMs: 10 };

async function setUp(
  t: T,
  sources: Record<string, string>,
  more: {
    token?: string;
    scannerToken?: string;
    path?: string;
    queueMs?: number;
    fake?: Partial<SonarqubeOptions>;
  } = {},
): Promise<Setup> {
  const dir = await tempDir(t);
  const sonarqube = await startSonarqube({
    name: "sonarqube",
    dir,
    token: TOKEN,
    queueMs: more.queueMs ?? 30,
    runMs: 30,
    ...more.fake,
  });
  t.after(() => sonarqube.close());
  const common = { kind: "sonarqube", name: "sonarqube", standIn: true } as const;
  const { scannerToken } = more;
  const given = scannerToken === undefined ? {} : { scannerToken };
  const system: SonarqubeSystem = { ...common, url: sonarqube.url, token: more.token ?? TOKEN, ...given };
  const bench = await openBench({ systems: [system], path: [more.path ?? SCANNER], limits: SOON, nowMs: fastClock() });
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
  const { sonarqube, bench } = await setUp(t, CLEAN, { queueMs: 2_000 });
  assert.deepEqual(await bench.plan(analyze, { projectKey: "orders" }), [
    "create the SonarQube project orders",
    "analyse the sources as orders",
  ]);
  const outcome = await bench.run(qualityGate, await analysed(bench), SOON);
  assert.ok(outcome.kind === "succeeded", JSON.stringify(outcome));
  assert.equal(outcome.output.status, "OK");
  assert.equal(outcome.output.dashboardUrl, `${sonarqube.url}/dashboard?id=orders`);
  // How many of the phases are seen depends on how often it was looked, their order does not.
  const phases = ["SonarQube has the analysis in its queue", "SonarQube is processing the analysis"];
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
  const violating = await setUp(t, { ...CLEAN, "src/late.js": VIOLATION });
  const red = await violating.bench.run(qualityGate, await analysed(violating.bench), SOON);
  assert.ok(red.kind === "failed");
  assert.equal(red.failure.line, "violations 1 is above 0");
  const low = await setUp(t, { ...CLEAN, "sonar-project.properties": "sonar.sources=src\nlab.coverage=41.2\n" });
  const outcome = await low.bench.run(qualityGate, await analysed(low.bench), SOON);
  assert.ok(outcome.kind === "failed");
  assert.equal(outcome.failure.line, "coverage 41.2 is below 80");
  assert.match(low.bench.lines.join("\n"), /coverage 41\.2 is below 80: http/);
});

test("an analysis that SonarQube could not take in is no success", async (t) => {
  for (const end of ["FAILED", "CANCELED"]) {
    const { bench } = await setUp(t, {
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
  const spied = await setUp(t, { ...CLEAN, "sonar-project.properties": properties }, { path: spy });
  await analysed(spied.bench);
  const log = spied.bench.lines.join("\n");
  assert.match(log, /has token: yes/);
  assert.match(log, new RegExp(`-Dsonar.host.url=${spied.sonarqube.url}`));
  assert.match(log, new RegExp(`-Dsonar.analysis.runId=${spied.bench.task.id}`));
  assert.ok(!log.includes(TOKEN));
  const real = await setUp(t, { ...CLEAN, "sonar-project.properties": properties });
  await analysed(real.bench);
  assert.ok(real.sonarqube.exchanges.some(({ path }) => path === "/api/ce/submit"));
});

test("the scanner gets the scanner's token where there is one, because the sources can pass it on", async (t) => {
  const spy = await tempDir(t);
  const script = `#!/bin/sh\n[ "$SONAR_TOKEN" = analysis-only ] && echo "it is analysis-only's"\nenv | grep -c ${TOKEN}\nmkdir .scannerwork\nprintf 'projectKey=orders\\nceTaskId=t1\\n' > .scannerwork/report-task.txt\n`;
  await writeFile(join(spy, "sonar-scanner"), script, { mode: 0o755 });
  const { bench } = await setUp(t, CLEAN, { path: spy, scannerToken: "analysis-only" });
  await analysed(bench);
  assert.ok(bench.lines.includes("it is analysis-only's"), bench.lines.join("\n"));
  assert.ok(bench.lines.includes("0"), "no other token is in its environment");
});

test("the scanner has no rights of the runner, because the sources say which programs it starts and what it reads", async (t) => {
  const { bench } = await setUp(t, CLEAN);
  await analysed(bench);
  const [scanner] = bench.programs;
  assert.equal(scanner?.confined, true);
  assert.ok(!Object.values(scanner.env).some((value) => value.includes(bench.cache)));
  const outside = await tempDir(t);
  await symlink(outside, join(bench.workspace, "out"));
  const read = await bench.run(analyze, { projectKey: "orders", directory: "out" });
  assert.ok(read.kind === "errored" && read.failure.code === "bad-input", JSON.stringify(read));
});

test("a report that the sources replaced by a link or a pipe is none", async (t) => {
  const spy = await tempDir(t);
  for (const attack of ["ln -s /dev/zero", "mkfifo"]) {
    const script = `#!/bin/sh\nmkdir .scannerwork\n${attack} .scannerwork/report-task.txt\n`;
    await writeFile(join(spy, "sonar-scanner"), script, { mode: 0o755 });
    const { bench } = await setUp(t, CLEAN, { path: spy });
    const outcome = await bench.run(analyze, { projectKey: "orders" });
    assert.ok(outcome.kind === "errored" && outcome.failure.code === "system-strange", JSON.stringify(outcome));
  }
});

test("says clearly what is missing: the scanner, the right token, the sources", async (t) => {
  const empty = await tempDir(t);
  const absent = await setUp(t, CLEAN);
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
  const refused = await (await setUp(t, CLEAN, { token: "wrong-token-9" })).bench.run(analyze, {
    projectKey: "orders",
  });
  assert.ok(refused.kind === "errored" && refused.failure.code === "credential-refused");
  assert.doesNotMatch(JSON.stringify(refused), /wrong-token/);
  const nothing = await (await setUp(t, { "sonar-project.properties": "sonar.sources=src\n" })).bench.run(analyze, {
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
  const { bench } = await setUp(t, { ...CLEAN, ...old }, { path: silent });
  const outcome = await bench.run(analyze, { projectKey: "orders" });
  assert.ok(outcome.kind === "errored" && outcome.failure.code === "system-strange", JSON.stringify(outcome));
});

test("a runner that dies makes one project, and a project that appears meanwhile is no error", async (t) => {
  const { sonarqube, bench } = await setUp(t, CLEAN);
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
  const { sonarqube, bench, dir } = await setUp(t, CLEAN);
  const analysis = await analysed(bench);
  await restart(t, sonarqube, dir);
  assert.equal((await bench.run(qualityGate, analysis, SOON)).kind, "succeeded");
});

test("an analysis that a restart of SonarQube canceled is made again", async (t) => {
  const { sonarqube, bench, dir } = await setUp(t, CLEAN, { fake: { runMs: 60_000 } });
  const running = bench.run(analyze, { projectKey: "orders" }, { maxPauseMs: 10 });
  await bench.waited("SonarQube is processing the analysis");
  const again = await restart(t, sonarqube, dir);
  const outcome = await running;
  assert.ok(outcome.kind === "succeeded", JSON.stringify(outcome));
  const { ceTask, projectKey } = outcome.output;
  assert.equal((await bench.run(qualityGate, { ceTask, projectKey }, SOON)).kind, "succeeded");
  assert.match(bench.lines.join("\n"), /SonarQube canceled the analysis, as it does after a restart/);
  assert.equal(again.exchanges.filter(({ path }) => path === "/api/ce/submit").length, 1);
});

/** A new process of the fake on the same data and port. */
async function restart(
  t: TestContext,
  before: Awaited<ReturnType<typeof startSonarqube>>,
  dir: string,
): Promise<Awaited<ReturnType<typeof startSonarqube>>> {
  await before.close();
  const options = { name: "sonarqube", dir, token: TOKEN, port: before.port, queueMs: 1, runMs: 1 };
  const again = await startSonarqube(options);
  t.after(() => again.close());
  return again;
}

/** The verdict of a whole CI of these sources: analysis and gate. */
async function gateOf(bench: StepBench, more: object = {}): Promise<{ verdict: string; log: string; key: string }> {
  const analysis = await bench.run(analyze, { projectKey: "orders", ...more }, { maxPauseMs: 10 });
  if (analysis.kind !== "succeeded") return { verdict: JSON.stringify(analysis), log: "", key: "" };
  const { ceTask, projectKey } = analysis.output;
  const outcome = await bench.run(qualityGate, { ceTask, projectKey }, SOON);
  return { verdict: outcome.kind, log: bench.lines.join("\n"), key: projectKey };
}

test("a red gate on new code stays red with the next commit, until the issue is fixed or the version is new", async (t) => {
  const { bench } = await setUp(t, CLEAN, { fake: { gate: "new-code" } });
  const commit = async (number: number, text: string, more: object = {}): Promise<string> => {
    await writeFile(join(bench.workspace, "src", "late.js"), text);
    bench.nextTask();
    return (await gateOf(bench, { commit: String(number).repeat(40), ...more })).verdict;
  };
  const first = await gateOf(bench, { commit: COMMIT });
  assert.equal(first.verdict, "succeeded");
  assert.match(first.log, /the quality gate is green, but nothing was judged: it is the first analysis/);
  assert.equal(await commit(1, VIOLATION), "failed");
  assert.equal(await commit(2, `${VIOLATION}let a;\n`), "failed", "the issue is still new");
  assert.equal(await commit(3, `${VIOLATION}let b;\n`), "failed");
  assert.equal(await commit(4, "let b;\n"), "succeeded");
  assert.equal(await commit(5, VIOLATION, { version: "1" }), "failed");
  assert.equal(await commit(6, VIOLATION, { version: "2" }), "succeeded", "a new version of the app begins a period");
});

test("an analysis of another branch does not affect the gate of the main branch, in every edition", async (t) => {
  for (const [branches, keys] of [
    [true, ["orders", "orders", "orders", "orders"]],
    [false, ["orders", "orders:feature-x", "orders:release-1.x", "orders"]],
  ] as const) {
    const { bench, sonarqube } = await setUp(t, CLEAN, { fake: { branches, gate: "new-code" } });
    assert.equal((await gateOf(bench, { branch: "main" })).verdict, "succeeded");
    const got = ["orders"];
    for (const [branch, text] of [
      ["feature/x", VIOLATION],
      ["refs/heads/release/1.x", VIOLATION],
      ["main", "let a;\n"],
    ] as const) {
      bench.nextTask();
      await writeFile(join(bench.workspace, "src", "late.js"), text);
      const { verdict, key } = await gateOf(bench, { branch });
      assert.equal(verdict, "succeeded", `${branch}: ${verdict}`);
      got.push(key);
    }
    assert.deepEqual(got, keys);
    const sent = sonarqube.exchanges
      .filter(({ path }) => path === "/api/ce/submit")
      .map(({ query }) => query.characteristic);
    assert.deepEqual(
      sent,
      branches ? [undefined, "branch=feature/x", "branch=release/1.x", undefined] : sent.map(() => undefined),
    );
  }
});

test("each right of a token is checked separately: a missing one is named, and a token that only scans is enough", async (t) => {
  const tokens = [
    { token: "scan-only", rights: ["scan"] },
    { token: "scan-create", rights: ["scan", "create", "browse"] },
    { token: "browse-only", rights: ["browse"] },
  ] as const;
  const first = await setUp(t, CLEAN, { token: "scan-create", fake: { tokens } });
  assert.equal((await gateOf(first.bench)).verdict, "succeeded");
  const common = { kind: "sonarqube", name: "sonarqube", standIn: true, url: first.sonarqube.url } as const;
  const as = async (token: string): Promise<StepBench> => {
    const bench = await openBench({
      systems: [{ ...common, token }],
      path: [SCANNER],
      limits: SOON,
      nowMs: fastClock(),
    });
    t.after(() => bench.close());
    await mkdir(join(bench.workspace, "src"));
    await writeFile(join(bench.workspace, "src", "a.js"), "let a;\n");
    return bench;
  };
  const scanner = await as("scan-only");
  for (let run = 0; run < 2; run++) {
    const again = await scanner.run(analyze, { projectKey: "orders" });
    assert.equal(again.kind, "succeeded", "a global analysis token, second run");
    scanner.nextTask();
  }
  const reader = await as("browse-only");
  const refused = await reader.run(analyze, { projectKey: "orders" }, SOON);
  assert.ok(refused.kind === "errored" && refused.failure.code === "system-forbidden", JSON.stringify(refused));
  assert.match(refused.failure.why ?? "", /Insufficient privileges/);
});

test("9.9 LTS: refuses Bearer, takes the token as the user name of Basic", async (t) => {
  const { bench } = await setUp(t, CLEAN, { fake: { release: "9.9" } });
  assert.equal((await gateOf(bench)).verdict, "succeeded");
});

test("a restart in the middle of each wait is outlasted, with all answers of a server that starts", async (t) => {
  const { bench, sonarqube, dir } = await setUp(t, CLEAN);
  const analysis = await analysed(bench);
  const unknown = { errors: [{ msg: "Unknown url : /api/ce/task" }] };
  const starting = [
    { requests: 2, answer: "refused" },
    { requests: 2, answer: 404, body: unknown },
    { requests: 2, answer: 401 },
    { requests: 2, answer: 503 },
  ] as const;
  const options = { name: "sonarqube", dir, token: TOKEN, port: sonarqube.port, queueMs: 1, runMs: 1, starting };
  let running = sonarqube;
  const restart = async (): Promise<void> => {
    await running.close();
    running = await startSonarqube(options);
  };
  t.after(() => running.close());
  await restart();
  const judged = await bench.run(qualityGate, analysis, { maxPauseMs: 20 });
  assert.equal(judged.kind, "succeeded", JSON.stringify(judged));
  bench.nextTask();
  await restart();
  const scanned = await bench.run(analyze, { projectKey: "orders" }, { maxPauseMs: 20 });
  assert.equal(scanned.kind, "succeeded", JSON.stringify(scanned));
  assert.ok(bench.reasons.some((reason) => /did not answer as expected/.test(reason)));
});

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import type { NexusSystem } from "@gantry/core/site/systems.ts";
import { type Nexus, startNexus } from "@gantry/lab/fakes/nexus/nexus.ts";
import { fastClock, openBench, type StepBench } from "../step.fixture.ts";
import { tempDir } from "../temp-dir.fixture.ts";
import { settings } from "./steps.ts";

type T = { after: (fn: () => Promise<void>) => void };
const ACCOUNT = { username: "ci", password: "nexus-pass-1" };
const ALL = { npm: "npm-group", maven: "maven-group", pypi: "pypi-group", go: "go-group", nuget: "nuget-group" };
const run = promisify(execFile);

async function setUp(t: T, more: Partial<NexusSystem> = {}): Promise<{ nexus: Nexus; bench: StepBench; dir: string }> {
  const dir = await tempDir(t);
  const nexus = await startNexus({ name: "nexus", dir, ...ACCOUNT });
  t.after(() => nexus.close());
  const common = { kind: "nexus", name: "nexus", url: nexus.url, standIn: true, repositories: ALL } as const;
  const bench = await openBench({
    systems: [{ ...common, ...ACCOUNT, ...more }],
    limits: { maxPauseMs: 10 },
    nowMs: fastClock(),
  });
  t.after(() => bench.close());
  return { nexus, bench, dir };
}

/** A program of a following `run:` step: the HOME of the job, and nothing of this process. */
async function inJob(bench: StepBench, program: string, args: string[]): Promise<string> {
  const env = { PATH: process.env.PATH, HOME: bench.home };
  return (await run(program, args, { cwd: bench.workspace, env })).stdout;
}

test("an unmodified npm installs through Nexus, and the workspace holds no credential", async (t) => {
  const { nexus, bench } = await setUp(t);
  const outcome = await bench.run(settings, { formats: ["npm"] });
  const url = `${nexus.url}/repository/npm-group/`;
  assert.deepEqual(outcome, {
    kind: "succeeded",
    output: { files: ["~/.npmrc", "~/.yarnrc.yml"], urls: { npm: url } },
  });
  await writeFile(join(bench.workspace, "package.json"), '{"name":"orders","dependencies":{"@lab/greeting":"^1.0.0"}}');
  await inJob(bench, "npm", ["install", "--no-fund"]);
  const said = await inJob(bench, "node", ["-e", 'console.log(require("@lab/greeting").greet("Mina"))']);
  assert.equal(said, "Hello, Mina.\n");
  assert.deepEqual(nexus.downloads(), { "@lab/greeting-1.0.0.tgz": 1 });
  assert.deepEqual(await (await fetch(`${nexus.url}/_lab/downloads`)).json(), nexus.downloads());
  assert.equal((await readdir(bench.workspace)).includes(".npmrc"), false);
  const lock = await readFile(join(bench.workspace, "package-lock.json"), "utf8");
  const secret = Buffer.from(`${ACCOUNT.username}:${ACCOUNT.password}`).toString("base64");
  for (const text of [lock, JSON.stringify(outcome), bench.lines.join()]) {
    assert.ok(!text.includes(ACCOUNT.password) && !text.includes(secret));
  }
});

test("a lock file that was written against the public registry installs through Nexus too", async (t) => {
  const { nexus, bench } = await setUp(t);
  await bench.run(settings, { formats: ["npm"] });
  const lock = join(bench.workspace, "package-lock.json");
  await writeFile(join(bench.workspace, "package.json"), '{"name":"orders","dependencies":{"@lab/greeting":"1.0.0"}}');
  await inJob(bench, "npm", ["install", "--package-lock-only"]);
  const local = await readFile(lock, "utf8");
  await writeFile(lock, local.replace(`${nexus.url}/repository/npm-group/`, "https://registry.npmjs.org/"));
  await inJob(bench, "npm", ["ci"]);
  assert.deepEqual(nexus.downloads(), { "@lab/greeting-1.0.0.tgz": 1 });
});

test("writes every format for the eyes of the owner only, and names no secret in its plan", async (t) => {
  const { bench } = await setUp(t);
  const outcome = await bench.run(settings, { formats: ["npm", "maven", "pypi", "go", "nuget", "npm"] });
  assert.ok(outcome.kind === "succeeded", JSON.stringify(outcome));
  const names =
    ".npmrc .yarnrc.yml .m2/settings.xml .mavenrc .gradle/init.d/nexus.gradle .config/pip/pip.conf .config/uv/uv.toml .config/pypoetry/config.toml .netrc .config/go/env .nuget/NuGet/NuGet.Config";
  assert.deepEqual(
    outcome.output.files,
    names.split(" ").map((name) => `~/${name}`),
  );
  for (const file of outcome.output.files) {
    assert.equal((await stat(join(bench.home, file.slice(2)))).mode & 0o777, 0o600, file);
  }
  const plan = await bench.plan(settings, { formats: ["npm"] });
  assert.match(plan.join(), /^make npm download from http.*npm-group\/$/);
});

test("says clearly what is wrong before npm does it unclearly", async (t) => {
  const cases: readonly [Partial<NexusSystem>, string, RegExp][] = [
    [{ repositories: {} }, "system-missing", /repository for npm/],
    [{ repositories: { npm: "absent" } }, "system-refused", /no repository absent/],
    [{ repositories: { npm: "maven-group" } }, "system-refused", /holds maven2/],
    [{ password: "wrong-pass-9" }, "credential-refused", /nexus/],
    [{ password: "two\nlines" }, "credential-missing", /line break/],
  ];
  for (const [more, code, text] of cases) {
    const { bench } = await setUp(t, more);
    const outcome = await bench.run(settings, { formats: ["npm"] });
    assert.ok(outcome.kind === "errored", code);
    assert.equal(outcome.failure.code, code);
    assert.match(JSON.stringify(outcome.failure), text);
    assert.doesNotMatch(JSON.stringify(outcome.failure), /wrong-pass/);
  }
});

test("an offline repository is named, also after a restart of Nexus", async (t) => {
  const { nexus, bench, dir } = await setUp(t);
  await fetch(`${nexus.url}/_lab/repositories/npm-group/offline`, { method: "POST" });
  await nexus.close();
  const again = await startNexus({ name: "nexus", dir, ...ACCOUNT, port: nexus.port });
  t.after(() => again.close());
  const outcome = await bench.run(settings, { formats: ["npm"] });
  assert.ok(outcome.kind === "errored");
  assert.match(outcome.failure.why ?? "", /npm-group is offline/);
});

test("warns when the sources name a registry of their own, and stays inside the workspace", async (t) => {
  const { bench } = await setUp(t);
  await writeFile(join(bench.workspace, ".npmrc"), "registry=https://user:pw12@other.example/npm/\n");
  await bench.run(settings, { formats: ["npm"] });
  assert.match(bench.lines.join("\n"), /warning: .*https:\/\/other\.example\/npm\//);
  const outside = await bench.run(settings, { formats: ["npm"], directory: "../.." });
  assert.ok(outside.kind === "errored" && outside.failure.code === "bad-input");
});

test("nothing is read or written through a link, a pipe or a file that a script left in HOME", {
  timeout: 60_000,
}, async (t) => {
  const { bench, dir } = await setUp(t);
  const canary = join(dir, "journal-of-the-runner");
  await writeFile(canary, "canary");
  for (const name of [".npmrc", ".netrc"]) await symlink(canary, join(bench.home, name));
  await run("mkfifo", [join(bench.workspace, ".npmrc")]);
  const read = await bench.run(settings, { formats: ["npm"] });
  assert.ok(read.kind === "errored" && read.failure.code === "file-invalid", JSON.stringify(read));
  const merged = await bench.run(settings, { formats: ["pypi"] });
  assert.ok(merged.kind === "errored" && merged.failure.code === "file-invalid", JSON.stringify(merged));
  await symlink(dir, join(bench.home, ".m2"));
  const folder = await bench.run(settings, { formats: ["maven"] });
  assert.ok(folder.kind === "errored" && folder.failure.code === "bad-input", JSON.stringify(folder));
  assert.equal(await readFile(canary, "utf8"), "canary");
  assert.ok(!(await readdir(dir)).includes("settings.xml"));
  assert.match(await readFile(join(bench.home, ".npmrc"), "utf8"), /npm-group/);
});

test("the package has the same checksum in every start", async (t) => {
  const sums = new Set<string>();
  for (const name of ["one", "two"]) {
    const nexus = await startNexus({ name, dir: await tempDir(t) });
    t.after(() => nexus.close());
    const answer = await fetch(`${nexus.url}/repository/npm-group/@lab%2fgreeting`);
    sums.add(
      JSON.stringify(
        ((await answer.json()) as { versions: { "1.0.0": { dist: { integrity: string } } } }).versions["1.0.0"].dist
          .integrity,
      ),
    );
  }
  assert.equal(sums.size, 1);
});

test("a Nexus that is starting is outlasted", async (t) => {
  const { nexus, bench } = await setUp(t);
  for (const status of [401, 403, 500, 502, 503, 504]) {
    nexus.faults.add({ kind: "status", status, times: 5, match: "/service/rest" });
    const outcome = await bench.run(settings, { formats: ["npm"] });
    assert.equal(outcome.kind, "succeeded", `${status}: ${JSON.stringify(outcome)}`);
  }
});

// `gantry import`: files of other tools, as people have them.

import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import { parsePipeline } from "@gantry/core/pipeline/parse.ts";
import fc from "fast-check";
import { parse } from "yaml";
import { runCommand } from "../portal.fixture.ts";
import { importClaiflow } from "./claiflow.ts";
import { readForeignFile } from "./foreign-file.ts";
import { importGithub } from "./github.ts";
import { importGitlab } from "./gitlab.ts";
import { at, importing } from "./import.fixture.ts";
import { importKlevr } from "./klevr.ts";
import { openNotes } from "./notes.ts";
import { pipelineText } from "./pipeline-text.ts";
import { importWoodpecker } from "./woodpecker.ts";
import { GITLAB_FILES, GO_RELEASE, NODE_LIBRARY, PYTHON_PACKAGE } from "./workflows.fixture.ts";

const GITHUB = `name: Test
on:
  push: { branches: [main], paths-ignore: ["docs/**"] }
  pull_request:
  schedule: [{ cron: "0 3 * * *" }]
  workflow_dispatch:
    inputs:
      log-level: { type: choice, options: [info, debug], default: info }
env: { REGISTRY: registry.example }
jobs:
  test:
    runs-on: ubuntu-latest
    timeout-minutes: 20
    strategy:
      fail-fast: false
      matrix: { node-version: [20, 22], include: [{ node-version: 22, extra: more }] }
    steps:
      - uses: actions/checkout@v4
      - name: Test
        id: run
        run: |
          npm test -- '\${{ inputs.log-level }}' "\${{ matrix.extra }}" \${{ github.sha }}
          echo "version=1" >> $GITHUB_OUTPUT
      - if: failure()
        run: cat log
  image:
    needs: test
    if: github.ref_name == 'main' && github.event_name != 'pull_request'
    runs-on: [self-hosted, docker]
    steps:
      - uses: actions/checkout@v4
      - run: ./push.sh "\${{ env.REGISTRY }}"
        env: { TOKEN: "\${{ secrets.PUSH_TOKEN }}" }
`;

test("a workflow of GitHub Actions: events, params, matrix, conditions, and values that never become commands", async (t) => {
  const { run } = await importing(t);
  const { code, out, notes } = await run("github", GITHUB);
  assert.deepEqual([code, notes], [0, []], out);
  const pipeline = parse(out) as JsonObject;
  assert.deepEqual(at(pipeline, "params", "log_level", "enum"), ["info", "debug"]);
  assert.deepEqual(at(pipeline, "triggers", 0, "push"), { branches: ["main"], paths: ["**", "!docs/**"] });
  assert.deepEqual(at(pipeline, "triggers", 2), { schedule: { cron: "0 3 * * *", timeZone: "UTC" } });
  const test = at(pipeline, "jobs", "test");
  assert.deepEqual(at(test, "matrix"), { node_version: [20, 22], include: [{ node_version: 22, extra: "more" }] });
  assert.equal(at(test, "timeout"), "20m");
  const script = at(test, "steps", 1);
  assert.equal(
    at(script, "run"),
    `npm test -- ''"\${INPUTS_LOG_LEVEL}"'' "\${MATRIX_EXTRA}" \${GITHUB_SHA}\necho "version=1" >> $GANTRY_OUTPUT\n`,
  );
  assert.deepEqual(at(script, "env"), {
    INPUTS_LOG_LEVEL: "${{ params.log_level }}",
    MATRIX_EXTRA: '${{ each.?extra.orValue("") }}',
    GITHUB_SHA: "${{ steps.checkout.outputs.commit }}",
  });
  assert.equal(at(test, "steps", 2, "when"), 'status == "failed"');
  assert.equal(at(pipeline, "jobs", "image", "when"), 'params.branch == "main" && trigger.kind != "pull_request"');
  assert.deepEqual(at(pipeline, "jobs", "image", "labels"), ["docker"]);
  assert.equal(at(pipeline, "jobs", "image", "steps", 1, "env", "TOKEN"), "${{ secrets.PUSH_TOKEN }}");
});

test("what a workflow has and Gantry has not is named with its place, and stays in the file as a comment", async (t) => {
  const { run } = await importing(t);
  const { code, out, notes } = await run(
    "github",
    `on: [push, release]
jobs:
  a:
    runs-on: ubuntu-latest
    container: node:22
    services: { db: { image: postgres } }
    steps:
      - uses: docker/build-push-action@v5
      - uses: actions/setup-java@v4
      - if: hashFiles('x') != ''
        run: echo
      - run: echo "X=1" >> $GITHUB_ENV
        env: { T: "\${{ secrets.GITHUB_TOKEN }}", PATH: /x }
`,
  );
  assert.equal(code, 1);
  const of = (line: number, what: RegExp): void =>
    assert.ok(
      notes.some((note) => note.startsWith(`/ci.yml:${line}:`) && what.test(note)),
      `${what} in\n${notes.join("\n")}`,
    );
  of(1, /the event `release` starts nothing here/);
  of(5, /`container` has no counterpart/);
  of(6, /`services` has no counterpart/);
  of(8, /the action `docker\/build-push-action@v5` has no counterpart/);
  of(9, /`actions\/setup-java@v4` is left out: give the runner this tool/);
  of(10, /hashFiles\(\) has no counterpart\. What it belongs to is never run/);
  of(12, /`GITHUB_ENV` and `GITHUB_PATH` have no counterpart/);
  of(12, /T: the token of GitHub Actions has no counterpart/);
  of(12, /the variable PATH is set by the runner/);
  for (const note of notes.filter((one) => one.startsWith("/ci.yml"))) {
    const what = note.replace(/^\S+ /, "");
    assert.ok(out.includes(`${what}.`), `the file says: ${what}`);
  }
});

const GITLAB = `stages: [build, test, deploy]
variables: { LEVEL: info }
default: { tags: [linux], before_script: [echo before] }
.base:
  script: [make]
  retry: 2
build:
  extends: .base
  stage: build
unit:
  stage: test
  script:
    - !reference [.base, script]
    - make test "$CI_COMMIT_SHA" $LEVEL
  parallel: { matrix: [{ OS: [debian, alpine] }] }
  timeout: 1h 30m
lint:
  stage: test
  script: make lint
  allow_failure: true
  needs: []
deploy:
  stage: deploy
  script: ./deploy.sh
  rules:
    - if: $CI_COMMIT_BRANCH == "main" && $CI_PIPELINE_SOURCE != "schedule"
cleanup:
  stage: deploy
  script: ./clean.sh
  when: on_failure
`;

test("a file of GitLab CI: stages, extends, references, rules", async (t) => {
  const { run } = await importing(t);
  const { notes, out } = await run("gitlab", GITLAB);
  assert.deepEqual(notes, []);
  const jobs = at(parse(out) as JsonObject, "jobs");
  assert.equal(at(jobs, "build", "retry"), 2);
  assert.deepEqual(at(jobs, "build", "labels"), ["linux"]);
  assert.equal(at(jobs, "unit", "steps", 1, "run"), 'echo before\nmake\nmake test "$CI_COMMIT_SHA" $LEVEL\n');
  assert.deepEqual(at(jobs, "unit", "env"), {
    CI_COMMIT_SHA: "${{ params.ref }}",
    LEVEL: "info",
    OS: "${{ each.OS }}",
  });
  assert.deepEqual(
    [at(jobs, "unit", "needs"), at(jobs, "lint", "needs"), at(jobs, "deploy", "needs")],
    [["build"], null, ["unit", "lint"]],
  );
  assert.deepEqual([at(jobs, "unit", "matrix"), at(jobs, "unit", "timeout")], [{ OS: ["debian", "alpine"] }, "1h30m"]);
  assert.equal(at(jobs, "lint", "continueOnError"), true);
  assert.equal(at(jobs, "deploy", "when"), 'params.branch == "main" && trigger.kind != "schedule"');
  assert.equal(at(jobs, "cleanup", "when"), 'status == "failed"');
});

const WOODPECKER = `when: [{ event: push, branch: main }, { event: tag }]
steps:
  - name: build
    image: golang
    commands: [go build, 'echo "$CI_COMMIT_SHA"']
    environment: { CGO_ENABLED: 0, TOKEN: { from_secret: token } }
  - name: tell
    image: alpine
    commands: ./tell.sh
    when: [{ status: [success, failure] }]
  - name: publish
    image: plugins/docker
    settings: { repo: a/b }
`;

test("a file of Woodpecker CI: its steps share the workspace of one job", async (t) => {
  const { run } = await importing(t);
  const { out, notes } = await run("woodpecker", WOODPECKER);
  const pipeline = parse(out) as JsonObject;
  assert.deepEqual(at(pipeline, "triggers", 0, "push"), { branches: ["main"] });
  assert.deepEqual(at(pipeline, "triggers", 1, "tag"), { names: ["**"] });
  const steps = at(pipeline, "jobs", "ci", "steps");
  assert.deepEqual(at(steps, 1), {
    id: "build",
    title: "build",
    run: 'go build\necho "$CI_COMMIT_SHA"\n',
    env: { CI_COMMIT_SHA: "${{ steps.checkout.outputs.commit }}", CGO_ENABLED: "0", TOKEN: "${{ secrets.TOKEN }}" },
  });
  assert.equal(at(steps, 2, "when"), 'status != "canceled"');
  assert.ok(
    notes.some((note) => /publish has no commands, and is left out/.test(note)),
    notes.join("\n"),
  );
});

const FLOW = JSON.stringify([
  { $id: "r", $range: "$inputs.xs", $steps: [{ $id: "s", $command: "square", inputs: { n: "$r.val" } }] },
  { $id: "c", $condition: "$inputs.yes", $then: [{ $id: "t", $command: "total", inputs: { all: "$r.outputs" } }] },
  { $id: "p", $print: { hide: ["c"] } },
]);

const KLEVR = JSON.stringify({
  name: "Move",
  taskType: "iteration",
  cron: "0 */5 * * * * *",
  untilRun: "2030-01-01 00:00:00",
  timeout: 60,
  parameter: '{"to":"there"}',
  hasRecover: true,
  steps: [
    {
      seq: 1,
      commandName: "first",
      commandType: "inline",
      command: 'TASK_RESULT="$TASK_ORIGIN_PARAM and back"\nexit 0',
    },
    {
      seq: 2,
      commandName: "second",
      commandType: "inline",
      command: 'echo "got $TASK_RESULT" > got.txt\nTASK_RESULT=half\nfalse',
    },
    {
      seq: 3,
      commandName: "clean",
      commandType: "inline",
      isRecover: true,
      command: 'echo "after $TASK_RESULT" > clean.txt',
    },
  ],
});

test("A5 A8 a task of Klevr: results go from step to step, and the recovering step runs in its last place", async (t) => {
  const { run, folder } = await importing(t);
  const { out, notes, code } = await run("klevr", KLEVR, "--site", "here");
  assert.deepEqual([code, notes], [0, []], out);
  const pipeline = parse(out) as JsonObject;
  assert.deepEqual(at(pipeline, "triggers", 0, "schedule"), {
    cron: "*/5 * * * *",
    timeZone: "UTC",
    until: "2030-01-01T00:00:00.000Z",
    overlap: "skip",
  });
  const file = join(folder, "task.yaml");
  const runner = join(folder, "runner.yaml");
  await writeFile(file, out);
  const agent = "http://localhost:1";
  await writeFile(runner, JSON.stringify({ name: "m", site: "here", agent, token: "t", data: "d", isolation: "none" }));
  const ran = await runCommand(["pipeline", "exec", file, "--config", runner, "--workspace", folder], {
    env: process.env,
  });
  assert.equal(ran.code, 1, ran.out);
  assert.equal(await readFile(join(folder, "got.txt"), "utf8"), 'got {"to":"there"} and back\n');
  assert.equal(
    await readFile(join(folder, "clean.txt"), "utf8"),
    'after {"to":"there"} and back\n',
    "a step that fails has no result",
  );
});

test("B9 a catalogue of Klevr: a pipeline for each task, and what is not in the file is named", async (t) => {
  const { run, folder } = await importing(t);
  const catalogue = `commands:
  - { name: HELLO, commandType: inline, command: "echo hello" }
  - { name: REMOTE, commandType: inline, command: "https://scripts.example/x.sh" }
tasks:
  - { name: SAY HELLO, parameter: "{{KEY1}}", commands: [{ name: HELLO, commandType: inline }] }
  - { name: FORCE SHUTDOWN AGENT, callbackUrl: "http://x", commands: [{ name: ForceShutdownAgent, commandType: reserved }, { name: REMOTE }] }
`;
  const refused = await run("klevr", catalogue);
  assert.equal(refused.code, 2);
  assert.match(refused.notes.join(" "), /The file has 2 tasks: give a folder for their pipelines with --out/);
  const { notes } = await run("klevr", catalogue, "--site", "here", "--out", join(folder, "out"));
  assert.deepEqual((await readdir(join(folder, "out"))).sort(), ["force-shutdown-agent.yaml", "say-hello.yaml"]);
  const hello = parse(await readFile(join(folder, "out", "say-hello.yaml"), "utf8")) as JsonObject;
  assert.equal(at(hello, "jobs", "run", "env", "TASK_ORIGIN_PARAM"), "${{ secrets.KEY1 }}");
  const shutdown = parse(await readFile(join(folder, "out", "force-shutdown-agent.yaml"), "utf8")) as JsonObject;
  assert.equal(shutdown.callback, "http://x");
  for (const what of [
    /the reserved command ForceShutdownAgent is not in the file/,
    /the script at https:/,
    /`callbackUrl`/,
  ])
    assert.ok(
      notes.some((note) => what.test(note)),
      `${what} in ${notes.join("\n")}`,
    );
});

test("a file that is no such file is refused with its place", async (t) => {
  const { run } = await importing(t);
  for (const [text, problem] of [
    ["a: [", /It is not YAML: .+ at line 1, column \d/],
    ["just text", /It must be a map at its top/],
    ["a: &a [*a]", /circular/],
  ] as const) {
    await assert.rejects(run("github", text), (error: { details?: { problem?: string } }) =>
      problem.test(error.details?.problem ?? ""),
    );
  }
  const unknown = await run("travis", "a: 1");
  assert.equal(unknown.code, 2);
  assert.match(unknown.notes.join(" "), /travis/);
});

test("what is imported passes the linter", async (t) => {
  const { run, folder } = await importing(t);
  for (const [format, text] of [
    ["github", GITHUB],
    ["github", NODE_LIBRARY],
    ["github", GO_RELEASE],
    ["github", PYTHON_PACKAGE],
    ["gitlab", GITLAB],
    ["gitlab", GITLAB_FILES],
    ["woodpecker", WOODPECKER],
  ] as const) {
    const file = join(folder, "made.yaml");
    await writeFile(file, (await run(format, text)).out);
    const linted = await runCommand(["pipeline", "lint", file]);
    assert.deepEqual([linted.code, linted.out], [0, ""], text);
  }
});

test("a loop of claiflow may have an id that no reference can name", async (t) => {
  const { run } = await importing(t);
  const flow = [{ $id: "- r", $range: "$inputs.xs", $steps: [{ $id: "s", $command: "square", inputs: {} }] }];
  const { out } = await run("claiflow", JSON.stringify(flow));
  assert.match(out, /result: \$\{\{ jobs\.\S+\.each\.map\(one, one\.outputs\.s\) \}\}/);
});

test("mutated files of other tools: each is imported or refused, none crashes", () => {
  const formats = [
    ...[GITHUB, NODE_LIBRARY, GO_RELEASE, PYTHON_PACKAGE].map((text) => [text, importGithub] as const),
    ...[GITLAB, GITLAB_FILES].map((text) => [text, importGitlab] as const),
    [WOODPECKER, importWoodpecker],
    [FLOW, importClaiflow],
    [KLEVR, importKlevr],
  ] as const;
  const pieces = ["", "null", "[]", "{}", "- ", "1", "true", ": ", "\n", "${{ }}", "'", "$", "&a ", "*a "];
  const cut = fc.tuple(fc.nat(2_000), fc.nat(30), fc.constantFrom(...pieces));
  fc.assert(
    fc.property(
      fc.constantFrom(...formats),
      fc.array(cut, { minLength: 1, maxLength: 4 }),
      ([text, importFrom], cuts) => {
        const mutated = cuts.reduce(
          (all, [from, length, put]) => all.slice(0, from % all.length) + put + all.slice((from % all.length) + length),
          text,
        );
        try {
          const made = importFrom(
            readForeignFile("ci.yml", mutated),
            { file: "ci.yml", name: "ci", site: "here" },
            openNotes(),
          );
          for (const one of Array.isArray(made) ? made : [made])
            parsePipeline({ name: "ci.yaml", text: pipelineText(one as JsonObject, "ci.yml", []) }, []);
        } catch (error) {
          if (!(error instanceof GantryError)) throw error;
        }
      },
    ),
    { numRuns: process.env.GANTRY_FULL_RUNS === "1" ? 5_000 : 500 },
  );
});

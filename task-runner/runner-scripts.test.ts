import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { succeeded } from "@gantry/core/step/outcome.ts";
import { type AnyStep, defineStep, NO_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { script, uses } from "./fake-agent.fixture.ts";
import { openUnprotectedRunner } from "./runner.fixture.ts";

test("the failure of a script contains the line that explains it", async (t) => {
  const { agent } = await openUnprotectedRunner(t);
  const job = agent.offer({
    steps: [script("test", 'echo "running 2 tests"; echo "not ok 1 - adds"; echo "# done"; exit 7', { shell: "bash" })],
  });
  const report = await agent.reported(job);
  assert.equal(report.outcome, "failed");
  assert.equal(report.failure?.code, "script-failed");
  assert.equal(report.failure?.message, "The script ended with exit code 7.");
  assert.equal(report.failure?.line, "not ok 1 - adds");
});

test("a script that fails without an error message does not pass another line off as the error", async (t) => {
  const { agent } = await openUnprotectedRunner(t);
  const job = agent.offer({ steps: [script("test", "echo hello; exit 3")] });
  const { failure } = await agent.reported(job);
  assert.equal(failure?.why, "No line of its output looks like an error. The last one is: hello.");
  assert.equal(failure?.line, undefined);
  const silent = agent.offer({ steps: [script("test", "exit 3")] }, { job: "silent" });
  assert.equal((await agent.reported(silent)).failure?.why, "It printed nothing.");
});

test("a workspace that an earlier step has removed is reported in words", async (t) => {
  const { agent } = await openUnprotectedRunner(t);
  const job = agent.offer({ steps: [script("clean", 'rm -rf "$PWD"'), script("next", "true")] });
  const { failure } = await agent.reported(job);
  assert.equal(failure?.code, "bad-input");
  assert.match(failure?.why ?? "", /^workspace: there is no such file \(ENOENT\)\. A program cannot run there;/);
});

test("an error of the file system is reported in words, wherever it occurs", async (t) => {
  const read = defineStep({
    name: "test/read",
    title: "read",
    input: z.object({}),
    output: z.object({}),
    needs: [],
    acts: () => [],
    effects: [],
    retry: NO_RETRY,
    timeoutMs: 30_000,
    plan: async () => [],
    run: async ({ workspace }) => {
      await readFile(join(workspace, "missing.json"));
      return succeeded({});
    },
  }) as AnyStep;
  const { agent } = await openUnprotectedRunner(t, { steps: [read] });
  const job = agent.offer({ steps: [uses("read", "test/read")] });
  const { failure } = await agent.reported(job);
  assert.equal(failure?.why, "workspace/missing.json: there is no such file (ENOENT).");
});

test("a secret whose file is missing is reported in words", async (t) => {
  const { agent } = await openUnprotectedRunner(t, { config: { secrets: { code: { file: "/nowhere/code" } } } });
  const job = agent.offer({ steps: [script("one", "true", { env: { CODE: "${{ secrets.code }}" } })] });
  const { failure } = await agent.reported(job);
  assert.equal(failure?.why, "The file /nowhere/code cannot be read: there is no such file (ENOENT).");
});

test("a shell that is missing on the runner is an error of the runner, not a failure of the script", async (t) => {
  const { agent } = await openUnprotectedRunner(t, { config: { path: "/nowhere" } });
  const job = agent.offer({ steps: [script("one", "true", { shell: "python3" })] });
  const report = await agent.reported(job);
  assert.equal(report.outcome, "errored");
  assert.equal(report.failure?.code, "program-missing");
});

test("every shell works, and stops at the first error", async (t) => {
  const { agent } = await openUnprotectedRunner(t);
  const job = agent.offer({
    steps: [
      script("sh", "echo sh=1 >> $GANTRY_OUTPUT"),
      script("bash", "declare -A a=([x]=2); echo bash=${a[x]} >> $GANTRY_OUTPUT", { shell: "bash" }),
      script("node", 'require("fs").appendFileSync(process.env.GANTRY_OUTPUT, "node=3\\n")', { shell: "node" }),
      script("python", 'import os; open(os.environ["GANTRY_OUTPUT"], "a").write("python=4\\n")', { shell: "python3" }),
      script("pipe", "false | true; echo unreachable", { shell: "bash" }),
    ],
    outputs: Object.fromEntries(
      ["sh", "bash", "node", "python"].map((id) => [id, `\${{ steps.${id}.outputs.${id} }}`]),
    ),
  });
  const report = await agent.reported(job);
  assert.equal(report.failure?.code, "script-failed");
  assert.equal(agent.log(job, "pipe"), "");
  assert.deepEqual(
    report.outputs,
    { sh: "1", bash: "2", node: "3", python: "4" },
    "the outputs that are available in spite of the failure",
  );
});

test("B11: a script gets its own environment, what describes its task, and nothing of the runner's", async (t) => {
  const { agent } = await openUnprotectedRunner(t, {
    env: { RUNNER_SECRET: "do-not-inherit", PATH: process.env.PATH ?? "" },
  });
  const job = agent.offer({
    env: { JOB: "${{ app.name }}", BOTH: "job" },
    steps: [script("env", "env | sort", { env: { BOTH: "step", COUNT: 3 as never, LIST: ["a"] as never } })],
  });
  assert.equal((await agent.reported(job)).outcome, "succeeded");
  const lines = agent.log(job, "env").trim().split("\n");
  const names = lines.map((line) => line.split("=")[0]);
  for (const line of [
    "JOB=orders",
    "BOTH=step",
    "COUNT=3",
    'LIST=["a"]',
    "CI=true",
    "GANTRY_JOB=build",
    "GANTRY_APP=orders",
    "GANTRY_SITE=seoul",
    "GANTRY_TRIGGER=person",
  ]) {
    assert.ok(lines.includes(line), line);
  }
  const known = /^(JOB|BOTH|COUNT|LIST|PATH|HOME|TMPDIR|LANG|CI|PWD|OLDPWD|SHLVL|_|GANTRY\w*)$/;
  assert.deepEqual(
    names.filter((name) => !known.test(name ?? "")),
    [],
  );
});

test("the runner gives every script the variables of its configuration; a pipeline may replace them", async (t) => {
  const { agent } = await openUnprotectedRunner(t, {
    config: { scriptEnv: { HTTPS_PROXY: "http://proxy.example:3128", NO_PROXY: "git.example" } },
  });
  const steps = [script("env", "env | grep PROXY | sort", { env: { NO_PROXY: "of the step" } })];
  const job = agent.offer({ steps });
  assert.equal((await agent.reported(job)).outcome, "succeeded");
  assert.equal(agent.log(job, "env").trim(), "HTTPS_PROXY=http://proxy.example:3128\nNO_PROXY=of the step");
});

for (const name of [
  "PATH",
  "LD_PRELOAD",
  "NODE_OPTIONS",
  "BASH_ENV",
  "GIT_SSH_COMMAND",
  "GANTRY_OUTPUT",
  "HOME",
  "A-B",
]) {
  test(`a pipeline file cannot set ${name}`, async (t) => {
    const { agent } = await openUnprotectedRunner(t);
    const job = agent.offer({ steps: [script("one", "true", { env: { [name]: "/tmp/evil" } })] });
    const report = await agent.reported(job);
    assert.equal(report.outcome, "errored");
    assert.equal(report.failure?.code, "bad-input");
  });
}

const PAYLOADS = [
  "$(touch P)",
  "`touch P`",
  "; touch P",
  "&& touch P",
  "|| touch P",
  "| touch P",
  "& touch P",
  "\n touch P \n",
  '"; touch P; "',
  "'; touch P; '",
  "' || touch P || '",
  "${IFS}touch${IFS}P",
  "$((`touch P`))",
  "<(touch P)",
  "> P",
  ">> P",
  "2> P",
  "< P",
  "$'\\ntouch P'",
  "\\\ntouch P",
  "!touch P",
  "{touch,P}",
  "%0atouch P",
  "$(</etc/passwd)> P",
  "*; touch P",
  "~; touch P",
  "#\ntouch P",
  "\r\ntouch P",
  "\u2028touch P",
  "--help; touch P",
  "-e touch P",
  "EOF\ntouch P\nEOF",
  "'$(touch P)'",
  '"$(touch P)"',
  "${{ secrets.X }}",
  "$${{ 1 }}",
  "${PATH:+$(touch P)}",
  "x=$(touch P)",
  "eval touch P",
  'zzz";touch${IFS}P;#',
];

test("40 injection payloads in parameters stay text", async (t) => {
  assert.equal(PAYLOADS.length, 40);
  const { agent, data } = await openUnprotectedRunner(t);
  const print = 'for name in $(seq 0 39); do eval "value=\\$P$name"; printf "%s\\0" "$value" >> ../../../seen; done';
  const job = agent.offer({
    scope: { params: { list: PAYLOADS } },
    steps: [
      script("print", print, {
        env: Object.fromEntries(PAYLOADS.map((_, index) => [`P${index}`, `\${{ params.list[${index}] }}`])),
      }),
      script("look", "ls -A . .. ../home"),
    ],
  });
  assert.equal((await agent.reported(job)).outcome, "succeeded");
  assert.deepEqual(readFileSync(join(data, "seen"), "utf8").split("\0").slice(0, 40), PAYLOADS);
  assert.equal(agent.log(job, "look"), ".:\n\n..:\nhome\nscripts\ntmp\nworkspace\n\n../home:\n");
  assert.ok(!existsSync("P"));
});

test("the working directory of a script must be inside the workspace", async (t) => {
  const { agent } = await openUnprotectedRunner(t);
  const inside = agent.offer({
    steps: [
      script("make", "mkdir -p a/b; ln -s / out"),
      script("there", "pwd", { action: { kind: "run", run: "pwd", shell: "sh", workingDirectory: "a/b" } }),
      script("out", "pwd", { action: { kind: "run", run: "pwd", shell: "sh", workingDirectory: "out/tmp" } }),
    ],
  });
  const report = await agent.reported(inside);
  assert.match(agent.log(inside, "there"), /workspace\/a\/b\n$/);
  assert.equal(report.failure?.code, "bad-input");
});

test("an output file that was replaced by a link or a pipe is not read", async (t) => {
  const { agent } = await openUnprotectedRunner(t);
  for (const [index, run] of [
    'rm "$GANTRY_OUTPUT"; ln -s /etc/passwd "$GANTRY_OUTPUT"',
    'rm "$GANTRY_OUTPUT"; mkfifo "$GANTRY_OUTPUT"',
  ].entries()) {
    const job = agent.offer({ steps: [script("one", run)] }, { job: `job-${index}` });
    const report = await agent.reported(job);
    assert.equal(report.failure?.code, "outputs-invalid");
    assert.ok(!JSON.stringify(job.progress).includes("root"));
  }
});

test("the standard output of a step is never interpreted as a command", async (t) => {
  const { agent } = await openUnprotectedRunner(t);
  const job = agent.offer({
    steps: [script("print", 'echo "::set-output name=x::1"; echo "GANTRY_OUTPUT<<E"; echo "x=1"')],
  });
  assert.equal((await agent.reported(job)).outcome, "succeeded");
  assert.deepEqual(job.progress.at(-1), { ...job.progress.at(-1), outcome: "succeeded" });
  assert.ok(!("outputs" in (job.progress.at(-1) ?? {})));
});

test("a step that this runner does not have is an error with its name", async (t) => {
  const { agent } = await openUnprotectedRunner(t);
  const job = agent.offer({ steps: [uses("x", "future/step")] });
  const report = await agent.reported(job);
  assert.equal(report.outcome, "errored");
  assert.equal(report.failure?.code, "step-unknown");
});

test("attempts of several jobs run in parallel, each in its own folders", async (t) => {
  const { agent, data } = await openUnprotectedRunner(t, { config: { slots: 3 } });
  const meet =
    'touch "../../../$GANTRY_JOB"; until [ -e ../../../a ] && [ -e ../../../b ] && [ -e ../../../c ]; do sleep 0.02; done; pwd';
  const jobs = ["a", "b", "c"].map((job) => agent.offer({ steps: [script("one", meet)] }, { job }));
  for (const job of jobs) assert.equal((await agent.reported(job)).outcome, "succeeded");
  assert.equal(new Set(jobs.map((job) => agent.log(job, "one"))).size, 3);
  await agent.until("the folders to be gone", () => readdirSync(join(data, "jobs")).length === 0);
});

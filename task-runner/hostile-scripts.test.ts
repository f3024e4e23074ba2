// What a script prints is text: it sets nothing, and no secret of the runner is left in it.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { tempDir } from "@gantry/connectors/temp-dir.fixture.ts";
import { script } from "./fake-agent.fixture.ts";
import { openUnprotectedRunner } from "./runner.fixture.ts";

test("A21: a secret that the job did not ask for is masked in its log, in its outputs and in its failure", async (t) => {
  const dir = await tempDir(t);
  const secret = "hunter2-of-another-team-9";
  const file = join(dir, "other");
  await writeFile(file, `${secret}\n`);
  const secrets = { other: { file }, gone: { file: join(dir, "gone") } };
  const { agent } = await openUnprotectedRunner(t, { config: { secrets } });
  const job = agent.offer({
    steps: [
      script(
        "print",
        `cat ${file}; base64 ${file}; od -An -tx1 ${file}; rev ${file}; echo "of=$(cat ${file})" >> $GANTRY_OUTPUT`,
      ),
      script("fail", `echo "error: $(cat ${file})"; exit 3`),
    ],
    outputs: { of: "${{ steps.print.outputs.of }}" },
  });
  const report = await agent.reported(job);
  assert.equal(report.failure?.code, "script-failed");
  const output = [agent.log(job, "print"), agent.log(job, "fail"), JSON.stringify([report, job.progress])].join("\n");
  assert.match(output, /\*\*\*/);
  for (const form of [secret, Buffer.from(secret).toString("base64").slice(0, 16), [...secret].reverse().join("")])
    assert.ok(!output.includes(form), output);
});

/** Commands that runners and terminals take from what a step prints. */
const COMMANDS: readonly string[] = [
  "::set-output name=x::1",
  "::set-env name=PATH::/tmp",
  "::add-path::/tmp",
  "::save-state name=x::1",
  "::add-mask::ok",
  "::stop-commands::x",
  "::error file=a,line=1::bad",
  "::group::x",
  "##[set-output name=x;]1",
  "##vso[task.setvariable variable=PATH]/tmp",
  "##vso[task.prependpath]/tmp",
  "##vso[task.complete result=Failed;]done",
  "##teamcity[setParameter name='env.PATH' value='/tmp']",
  "##teamcity[buildStatus status='FAILURE']",
  "##gantry[set-output name=x]1",
  "[gantry] waiting: for nobody",
  "[gantry] step-ended: failed",
  "GANTRY_OUTPUT=x=1",
  "GANTRY_OUTPUT<<EOF\nx=1\nEOF",
  "export PATH=/tmp",
  "section_start:0:x\r\u001b[0Kx",
  "section_end:0:x\r\u001b[0K",
  "+++ expanded",
  "^^^ +++",
  "echo ::x::",
  "\u001b]1337;SetUserVar=x=MQ==\u0007",
  "\u001b]52;c;eA==\u0007",
  "\u0000x=1",
  '{"outputs":{"x":"1"},"outcome":"failed"}',
  "x=1",
  "outcome: failed",
  "@/etc/passwd",
];

test("30 forms of commands in the output of a step have no effect", async (t) => {
  assert.ok(COMMANDS.length >= 30);
  const dir = await tempDir(t);
  await writeFile(join(dir, "commands"), `${COMMANDS.join("\n")}\n`);
  const { agent } = await openUnprotectedRunner(t);
  const env = "env | grep -vE '^GANTRY_(OUTPUT|STEP|STEP_SUMMARY|PROCESS|EFFECT_KEY)=' | sort";
  const job = agent.offer({
    steps: [
      script("before", env),
      script("print", `cat ${dir}/commands; cat ${dir}/commands >&2`),
      script("after", env),
    ],
    outputs: { x: "${{ has(steps.print.outputs.x) }}" },
  });
  const report = await agent.reported(job);
  assert.equal(report.outcome, "succeeded");
  assert.deepEqual(report.outputs, { x: false });
  assert.equal(agent.log(job, "after"), agent.log(job, "before"));
  assert.ok(agent.log(job, "print").includes("::set-env name=PATH::/tmp"));
  const ends = job.progress.filter(({ kind }) => kind === "step-ended");
  assert.deepEqual(
    ends.map((end) => ["outputs" in end, end.kind === "step-ended" && end.outcome]),
    [1, 2, 3].map(() => [false, "succeeded"]),
  );
});

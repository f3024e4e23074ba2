// What a script says by commands in its output: annotations, values to mask, groups.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { tempDir } from "@gantry/connectors/temp-dir.fixture.ts";
import { type FakeJob, script } from "./fake-agent.fixture.ts";
import { openTestRunner, openUnprotectedRunner } from "./runner.fixture.ts";

type Ended = Extract<FakeJob["progress"][number], { kind: "step-ended" }>;

function ended(job: FakeJob, step: string): Ended {
  const found = job.progress.find((one): one is Ended => one.kind === "step-ended" && one.step === step);
  assert.ok(found);
  return found;
}

test("the end of a step has what its script said about its files", async (t) => {
  const { agent } = await openTestRunner(t);
  const job = agent.offer({
    steps: [
      script(
        "lint",
        `echo checking
printf '::error file=src/app.js,line=3,col=5::Unused "x"%%0Aremove it\\r\\n'
echo "  ::warning file=$GANTRY_WORKSPACE/src/b.js::absolute"
echo "::notice file=./c.js,title=Hint::to stderr" >&2
echo 'not ::error::a command'
echo '::debug::nothing'
printf '::warning::without a line end'`,
      ),
      script("quiet", "true"),
    ],
  });
  assert.equal((await agent.reported(job)).outcome, "succeeded", "an annotation decides nothing");
  assert.deepEqual(ended(job, "lint").annotations, [
    { level: "error", message: 'Unused "x"\nremove it', file: "src/app.js", line: 3, column: 5 },
    { level: "warning", message: "absolute", file: "src/b.js" },
    { level: "notice", message: "to stderr", file: "c.js", title: "Hint" },
    { level: "warning", message: "without a line end" },
  ]);
  assert.equal(ended(job, "quiet").annotations, undefined);
  assert.match(agent.log(job, "lint"), /^checking\n::error file=src\/app\.js,line=3,col=5::Unused "x"%0A/);
});

const flood = (n: number): string => `seq ${n} | sed "s/.*/::error file=a.js,line=&::bad &/"`;

test("of a hundred thousand annotations ten of each level are kept, and how many were left out is told", async (t) => {
  const { agent } = await openTestRunner(t);
  const job = agent.offer({ steps: [script("flood", `${flood(100_000)}; echo "::warning::and one"`)] });
  assert.equal((await agent.reported(job)).outcome, "succeeded");
  const { annotations = [], annotationsLeftOut } = ended(job, "flood");
  assert.deepEqual([annotations.length, annotationsLeftOut], [11, 99_990]);
  assert.equal(annotations.at(-1)?.message, "and one");
});

test("a job keeps fifty annotations", async (t) => {
  const { agent } = await openTestRunner(t);
  const job = agent.offer({ steps: ["a", "b", "c", "d", "e", "f"].map((id) => script(id, flood(11))) });
  assert.equal((await agent.reported(job)).outcome, "succeeded");
  const ofJob = job.progress.flatMap((one) => (one.kind === "step-ended" ? (one.annotations ?? []) : []));
  assert.equal(ofJob.length, 50);
  assert.deepEqual([ended(job, "e").annotationsLeftOut, ended(job, "f").annotationsLeftOut], [1, 11]);
});

test("a value that a script names is masked from then on, in this job only, wherever it appears", async (t) => {
  const { agent } = await openTestRunner(t);
  const value = "s3cr3t%of,the-script";
  const job = agent.offer({
    steps: [
      script(
        "name",
        `printf '::add-mask::'; sleep 0.2; printf 's3cr3t%%'; sleep 0.1; echo '25of,the-script'
echo "now ${value} and $(printf '%s' '${value}' | base64)"
echo "::error title=${value},file=${value}::is ${value} or s3cr3t%25of,the-script"
echo "out=${value}" >> $GANTRY_OUTPUT`,
      ),
      script("later", `echo "::notice::${value}"; echo "error: ${value}"; exit 1`),
    ],
    outputs: { out: "${{ steps.name.outputs.out }}" },
  });
  const report = await agent.reported(job);
  const all = [agent.log(job, "name"), agent.log(job, "later"), JSON.stringify([report, job.progress])].join("\n");
  for (const form of [value, "s3cr3t", Buffer.from(value).toString("base64").slice(0, 16)])
    assert.ok(!all.includes(form), all);
  assert.match(
    agent.log(job, "name"),
    /^::add-mask::\*\*\*\nnow \*\*\* and \*\*\*Q=\n::error title=\*\*\*,file=\*\*\*::is \*\*\* or \*\*\*\n$/,
  );
  assert.equal(ended(job, "name").annotations?.[0]?.message, "is *** or ***");
  const other = agent.offer({ steps: [script("other", `echo '${value}'`)] }, { job: "other" });
  await agent.reported(other);
  assert.equal(agent.log(other, "other"), `${value}\n`);
});

test("a value that cannot be masked is hidden in its command, and the log says so", async (t) => {
  const { agent } = await openTestRunner(t);
  const job = agent.offer({
    steps: [
      script("short", "echo ::add-mask::abc; echo still abc"),
      script("long", `printf '::add-mask::'; head -c 200000 /dev/zero | tr '\\0' q; printf '\\nafter\\n'`),
      script("many", 'for i in $(seq 51); do echo "::add-mask::value-number-$i"; done; echo value-number-51'),
    ],
  });
  assert.equal((await agent.reported(job)).outcome, "succeeded");
  assert.equal(
    agent.log(job, "short"),
    "::add-mask::***\n[gantry] The value of `::add-mask::` is not masked: it is shorter than 6 characters.\nstill abc\n",
  );
  assert.match(agent.log(job, "long"), /^::add-mask::\*\*\*\n\[gantry\] .*longer than 65536 bytes\.\nafter\n$/);
  assert.match(agent.log(job, "many"), /this job has 50 such values already\.\n/);
});

test("between a token and its return, commands are only text", async (t) => {
  const { agent } = await openTestRunner(t);
  const job = agent.offer({
    steps: [
      script(
        "one",
        "echo ::stop-commands::tok1; echo ::error::no; echo ::add-mask::no-mask; echo ::tok1::; echo ::error::yes",
      ),
      script("two", "echo ::stop-commands::open; echo ::error::no"),
      script("three", "echo ::error::a new step begins anew"),
    ],
  });
  await agent.reported(job);
  assert.deepEqual(ended(job, "one").annotations, [{ level: "error", message: "yes" }]);
  assert.match(agent.log(job, "one"), /::add-mask::no-mask/);
  assert.equal(ended(job, "two").annotations, undefined);
  assert.equal(ended(job, "three").annotations?.length, 1);
});

test("only the last try of a step is told", async (t) => {
  const { agent } = await openTestRunner(t);
  const run = `n=$(cat $HOME/n 2>/dev/null || echo 1); echo $((n + 1)) > $HOME/n; echo "::error::try $n"; test $n -ge 2`;
  const job = agent.offer({ steps: [{ ...script("flaky", run), retry: { max: 2, delayMs: 1, on: ["failed"] } }] });
  assert.equal((await agent.reported(job)).outcome, "succeeded");
  assert.deepEqual(ended(job, "flaky").annotations, [{ level: "error", message: "try 2" }]);
});

test("a command without a line end is complete when the try of its step ends", async (t) => {
  const { agent } = await openTestRunner(t);
  const run = `n=$(cat $HOME/n 2>/dev/null || echo 1); echo $((n + 1)) > $HOME/n
if test $n = 1; then printf '::add-mask::value-of-the-first-try'; exit 1; fi; echo value-of-the-first-try`;
  const job = agent.offer({ steps: [{ ...script("flaky", run), retry: { max: 2, delayMs: 1, on: ["failed"] } }] });
  assert.equal((await agent.reported(job)).outcome, "succeeded");
  assert.match(agent.log(job, "flaky"), /^::add-mask::\*\*\*[\s\S]*\n\*\*\*\n$/);
});

test("the failure of a script is the error that it annotated", async (t) => {
  const { agent } = await openTestRunner(t);
  const job = agent.offer({
    steps: [script("lint", "echo '::warning::error: not this'; echo '::error file=a.js::Missing%0Asemicolon'; exit 1")],
  });
  const { failure } = await agent.reported(job);
  assert.equal(failure?.line, "Missing semicolon");
});

test("what a script writes to GANTRY_STEP_SUMMARY arrives as a text beside its log, masked", async (t) => {
  const { agent } = await openTestRunner(t);
  const job = agent.offer({
    steps: [
      script(
        "test",
        'echo "## 42 tests" >> "$GANTRY_STEP_SUMMARY"; echo "::add-mask::hidden-value"; echo "- hidden-value" >> "$GANTRY_STEP_SUMMARY"',
      ),
      script("blank", 'echo "  " > $GANTRY_STEP_SUMMARY'),
      script("fail", 'printf "why it **failed**" > $GANTRY_STEP_SUMMARY; exit 3'),
      script("never", "true"),
    ],
  });
  assert.equal((await agent.reported(job)).outcome, "failed");
  assert.equal(agent.log(job, "summary:test"), "## 42 tests\n- ***\n");
  assert.equal(agent.log(job, "summary:fail"), "why it **failed**");
  assert.deepEqual(
    ["test", "blank", "fail", "never"].map((step) => ended(job, step).summaryBytes),
    [18, undefined, 17, undefined],
  );
  assert.ok(job.logs.get("summary:test")?.final);
});

test("a summary that is too long ends with a sentence that says so, and all of a job have a limit", async (t) => {
  const { agent } = await openTestRunner(t);
  const long = "seq 300000 > $GANTRY_STEP_SUMMARY";
  const ids = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
  const job = agent.offer({ steps: ids.map((id) => script(id, long)) });
  assert.equal((await agent.reported(job)).outcome, "succeeded");
  const first = agent.log(job, "summary:a");
  assert.ok(first.length <= 1_048_576 && first.length > 1_000_000);
  assert.match(first, /^1\n2\n[\s\S]*\n\d+\n\n\n\*The summary ends here: the script wrote 1988895 bytes;/);
  const total = ids.reduce((sum, id) => sum + agent.log(job, `summary:${id}`).length, 0);
  assert.ok(total < 9 * 1_048_576, `${total}`);
  assert.match(agent.log(job, "summary:j"), /^\s*\*The summary is not shown:/);
});

test("a summary that is no file any more changes nothing about the step", async (t) => {
  const { agent } = await openTestRunner(t);
  const job = agent.offer({
    steps: [
      script("gone", "rm -f $GANTRY_STEP_SUMMARY || : > /dev/null; ln -sf /etc/passwd $GANTRY_STEP_SUMMARY || true"),
      script("bytes", "head -c 5000 /dev/urandom > $GANTRY_STEP_SUMMARY"),
    ],
  });
  assert.equal((await agent.reported(job)).outcome, "succeeded");
  assert.ok(!agent.log(job, "summary:gone").includes("root:"));
});

test("A13: the task-agent learns with every renewal of the lease how far the script is", async (t) => {
  const { agent } = await openUnprotectedRunner(t);
  const dir = await tempDir(t);
  agent.lease = { ...agent.lease, renewEveryMs: 50 };
  const wait = `while ! test -e ${dir}/go; do sleep 0.05; done`;
  const job = agent.offer({
    steps: [script("up", `echo "::progress::3/10 uploading"; ${wait}`), script("next", "true")],
  });
  const told = await agent.until("the progress", () => agent.told[0]);
  assert.deepEqual(told, { step: "up", done: 3, total: 10, text: "uploading" });
  await writeFile(join(dir, "go"), "");
  await agent.reported(job);
});

test("an older task-agent that knows no summaries gets everything else", async (t) => {
  const { agent } = await openTestRunner(t);
  agent.isOld = true;
  const job = agent.offer({
    steps: [script("one", "echo text; echo '# x' > $GANTRY_STEP_SUMMARY"), script("two", "echo more")],
  });
  assert.equal((await agent.reported(job)).outcome, "succeeded");
  assert.deepEqual([agent.log(job, "one"), agent.log(job, "two")], ["text\n", "more\n"]);
});

// What the pipeline language says, run by the code of the runner: `gantry pipeline exec`.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { runCommand } from "../portal.fixture.ts";

/** Runs a pipeline file. Its scripts may write to `FOLDER`. */
async function execFile(t: TestContext, jobs: string) {
  const folder = await mkdtemp(join(tmpdir(), "gantry-of-language-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "pipeline.yaml");
  const config = join(folder, "runner.yaml");
  const runner = { name: "mine", site: "here", agent: "http://localhost:1", token: "unused", data: "unused" };
  await writeFile(config, JSON.stringify({ ...runner, isolation: "none" }));
  await writeFile(file, `name: demo\napp: none\njobs:\n${jobs.replaceAll("FOLDER", folder)}`);
  const { code, out } = await runCommand(["pipeline", "exec", file, "--config", config], { env: process.env });
  return { code, out, read: (name: string) => readFile(join(folder, name), "utf8") };
}

test("a matrix with include and exclude runs its combinations, and each can be read afterwards (A4, B3)", async (t) => {
  const { code, out, read } = await execFile(
    t,
    `  test:
    site: here
    matrix:
      os: [linux, mac]
      node: [22, 24]
      exclude: [{ os: mac, node: 22 }]
      include: [{ os: linux, node: 24, label: newest }, { os: bsd, node: 20 }]
    steps:
      - run: echo "said=$OS-$NODE-$LABEL" >> "$GANTRY_OUTPUT"
        env: { OS: "\${{ each.os }}", NODE: "\${{ each.node }}", LABEL: "\${{ each.?label.orValue('') }}" }
    outputs: { said: "\${{ steps.run.outputs.said }}" }
  collect:
    site: here
    needs: test
    steps:
      - run: printf %s "$ALL / $MAC" > FOLDER/all
        env:
          ALL: "\${{ needs.test.each.map(one, one.outputs.said).join(' ') }}"
          MAC: "\${{ needs.test.each.filter(one, one.each.os == 'mac')[0].outputs.said }}"
`,
  );
  assert.equal(code, 0, out);
  assert.equal(await read("all"), "linux-22- linux-24-newest mac-24- bsd-20- / mac-24-");
});

test("maxParallel: 1 runs the jobs of a list one after the other (A4)", async (t) => {
  const { code, out, read } = await execFile(
    t,
    `  one:
    site: here
    each: [a, b, c]
    maxParallel: 1
    steps:
      - run: |
          mkdir FOLDER/lock
          echo "$NAME" >> FOLDER/order
          rmdir FOLDER/lock
        env: { NAME: "\${{ each }}" }
`,
  );
  assert.equal(code, 0, out);
  assert.equal(await read("order"), "a\nb\nc\n");
});

test("a step that may fail is recorded as failed, later steps read it and the job succeeds (A8)", async (t) => {
  const { code, out, read } = await execFile(
    t,
    `  check:
    site: here
    steps:
      - { id: lint, title: Lint, run: "exit 3", continueOnError: true, retry: { max: 1, delay: 0s } }
      - { title: Plain, run: echo plain >> FOLDER/ran }
      - { title: Read, when: 'steps.lint.outcome == "failed"', run: echo read >> FOLDER/ran }
      - { title: Rescue, when: 'status == "failed"', run: echo rescue >> FOLDER/ran }
  may:
    site: here
    needs: check
    continueOnError: true
    steps: [{ title: Break, run: exit 4 }]
  last:
    site: here
    needs: may
    steps: [{ title: Last, run: 'echo "last $MAY" >> FOLDER/ran', env: { MAY: "\${{ needs.may.outcome }}" } }]
`,
  );
  assert.equal(code, 0, out);
  assert.equal(await read("ran"), "plain\nread\nlast failed\n");
  assert.match(out, /✕ here check +Lint/);
  assert.match(out, /✓ Run demo succeeded after .* Tolerated by continueOnError: may: Break\./);
});

test("a job that is stopped by its own time limit does not go on after a step that may fail (A8, A9)", async (t) => {
  const { code, out } = await execFile(
    t,
    `  slow:
    site: here
    timeout: 1s
    steps:
      - { title: Wait, run: sleep 60, continueOnError: true }
      - { title: After, run: "true" }
`,
  );
  assert.equal(code, 1, out);
  assert.match(out, /⏱ here slow +Wait/);
  assert.match(out, /– here slow +After/);
});

test("jobs of finally run in the order of their needs after a failure (A4, A8)", async (t) => {
  const { code, out, read } = await execFile(
    t,
    `  work: { site: here, steps: [{ title: Work, run: exit 1 }] }
finally:
  close: { site: here, needs: [report], steps: [{ title: Close, run: echo close >> FOLDER/order }] }
  report:
    site: here
    needs: collect
    steps: [{ title: Report, run: 'echo "report $HOW" >> FOLDER/order', env: { HOW: "\${{ needs.collect.outcome }}" } }]
  collect: { site: here, steps: [{ title: Collect, run: "echo collect >> FOLDER/order; exit 1" }] }
`,
  );
  assert.equal(code, 1, out);
  assert.equal(await read("order"), "collect\nreport failed\nclose\n");
});

test("a list that a script has written as JSON becomes jobs (B2, B3)", async (t) => {
  const { code, out, read } = await execFile(
    t,
    `  plan:
    site: here
    steps: [{ run: 'echo "list=[2,3]" >> "$GANTRY_OUTPUT"' }]
    outputs: { list: "\${{ fromJson(steps.run.outputs.list) }}" }
  square:
    site: here
    needs: plan
    each: "\${{ needs.plan.outputs.list }}"
    steps: [{ run: 'echo "value=$((N * N))" >> "$GANTRY_OUTPUT"', env: { N: "\${{ each }}" } }]
    outputs: { value: "\${{ int(steps.run.outputs.value) }}" }
  all:
    site: here
    needs: square
    steps: [{ run: 'printf %s "$ALL" > FOLDER/all', env: { ALL: "\${{ toJson(needs.square.each.map(e, e.outputs.value)) }}" } }]
`,
  );
  assert.equal(code, 0, out);
  assert.equal(await read("all"), "[4,9]");
});

test("B7: an expression filters, counts and changes what a script has written, and one that would take for ever is stopped", async (t) => {
  const pods = JSON.stringify([
    { name: "web", ready: true },
    { name: "db", ready: false },
  ]);
  const { code, out, read } = await execFile(
    t,
    `  list:
    site: here
    steps: [{ run: 'echo ''pods=${pods}'' >> "$GANTRY_OUTPUT"' }]
    outputs: { pods: "\${{ fromJson(steps.run.outputs.pods) }}" }
  tell:
    site: here
    needs: list
    steps:
      - run: printf %s "$COUNT $NAMES" > FOLDER/told
        env:
          COUNT: "\${{ size(needs.list.outputs.pods) }}"
          NAMES: "\${{ toJson(needs.list.outputs.pods.filter(pod, !pod.ready).map(pod, pod.name)) }}"
`,
  );
  assert.equal(code, 0, out);
  assert.equal(await read("told"), '2 ["db"]');

  const many = `[${Array.from({ length: 1_000 }, (_, n) => n).join(",")}]`;
  const endless = await execFile(
    t,
    `  list:
    site: here
    steps: [{ run: 'echo "all=${many}" >> "$GANTRY_OUTPUT"' }]
    outputs: { all: "\${{ fromJson(steps.run.outputs.all) }}" }
  count:
    site: here
    needs: list
    steps:
      - run: "true"
        env: { N: "\${{ needs.list.outputs.all.map(a, needs.list.outputs.all.map(b, needs.list.outputs.all.map(c, a + b + c))) }}" }
`,
  );
  assert.equal(endless.code, 1, endless.out);
  assert.match(endless.out, /expression/i);
});

// `gantry pipeline exec`: pipeline files that run on this machine.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import { sandboxProblem } from "@gantry/task-runner/main.ts";
import { runCommand } from "../portal.fixture.ts";

const leftovers = async (): Promise<readonly string[]> =>
  (await readdir(tmpdir())).filter((name) => name.startsWith(`gantry-exec-${process.pid}-`));

async function folderOf(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "gantry-of-exec-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const runner = join(folder, "runner.yaml");
  const agent = "http://localhost:1";
  await writeFile(
    runner,
    JSON.stringify({ name: "mine", site: "here", agent, token: "unused", data: "unused", isolation: "none" }),
  );
  return {
    folder,
    exec: async (text: string, flags: readonly string[] = [], interruption?: () => AbortSignal) => {
      const file = join(folder, "pipeline.yaml");
      await writeFile(file, text);
      const about = { env: process.env, ...(interruption ? { interruption } : {}) };
      return runCommand(["pipeline", "exec", file, ...flags], about);
    },
    config: ["--config", runner],
  };
}

const JOBS = `jobs:
  first:
    site: seoul
    labels: [java]
    steps:
      - id: greet
        title: Greet
        run: |
          echo "hello $WHO" > made.txt
          echo "at=$(cat made.txt)" >> "$GANTRY_OUTPUT"
        env: { WHO: "\${{ params.who }}" }
    outputs: { at: "\${{ steps.greet.outputs.at }}" }
  second:
    needs: first
    site: tokyo
    each: [{ name: a }, { name: b }]
    steps: [{ title: Check, run: 'test "$AT" = "hello kim"', env: { AT: "\${{ needs.first.outputs.at }}" } }]
`;
const HELLO = `name: hello\nparams:\n  who: { type: string, default: world }\n${JOBS}`;

test("scripts of a pipeline file run, with the steps as task watch prints them", async (t) => {
  const { exec, config, folder } = await folderOf(t);
  const before = await leftovers();
  const good = await exec(HELLO, [...config, "--param", "who=kim", "--workspace", folder]);
  assert.equal(good.code, 0, good.out);
  assert.match(good.out, /→ Run hello /);
  for (const step of ["first +Greet", "second\\[a\\] +Check", "second\\[b\\] +Check"])
    assert.match(good.out, new RegExp(`✓ here ${step}`));
  assert.equal(await readFile(join(folder, "made.txt"), "utf8"), "hello kim\n", "the folder stays");
  const bad = await exec(HELLO, config);
  assert.equal(bad.code, 1, bad.out);
  assert.match(bad.out, /✕ here second/);
  assert.deepEqual(await leftovers(), before);
});

const TYPED = `name: typed
app: none
params:
  image:
    type: object
    required: true
    properties:
      name: string
      ports: { type: array, items: { type: integer, minimum: 1 } }
jobs:
  count:
    site: seoul
    steps:
      - id: count
        run: |
          echo "n=$COUNT" >> "$GANTRY_OUTPUT"
          echo 'hosts=["a","b"]' >> "$GANTRY_OUTPUT"
        env: { COUNT: "\${{ params.image.?ports.orValue([]).size() }}" }
    outputs: { n: "\${{ steps.count.outputs.n }}", hosts: "\${{ steps.count.outputs.hosts }}" }
    outputTypes: { n: { type: integer, maximum: 2 }, hosts: { type: array, items: string } }
  each:
    needs: count
    site: seoul
    each: "\${{ needs.count.outputs.hosts }}"
    when: needs.count.outputs.n + 1 == 3
    steps: [{ title: Greet, run: 'test "$NAME" = web-a || test "$NAME" = web-b', env: { NAME: "\${{ params.image.name }}-\${{ each }}" } }]
`;

test("a param that is a map is checked and read, and outputs have their types", async (t) => {
  const { exec, config } = await folderOf(t);
  const good = await exec(TYPED, [...config, "--param", "image.name=web", "--param", "image.ports=[80, 443]"]);
  assert.equal(good.code, 0, good.out);
  for (const key of ["a", "b"]) assert.match(good.out, new RegExp(`✓ here each\\[${key}\\] +Greet`));
  await assert.rejects(exec(TYPED, [...config, "--param", "image={ nme: web, ports: [0, x] }"]), (error) => {
    assert.ok(error instanceof GantryError && error.code === "bad-params");
    assert.deepEqual(
      error.problems.map(({ pointer, detail }) => `${pointer} ${detail}`),
      [
        "/image/name name is missing",
        "/image/nme nme is not known (did you mean name?)",
        "/image/ports/0 it must be at least 1",
        "/image/ports/1 it must be a whole number, not text",
      ],
    );
    assert.match(
      String(error.details.problem),
      /image: name is missing; image: nme is not known .*; image: element 1 of ports must be at least 1/,
    );
    return true;
  });
  const tooMany = await exec(TYPED, [...config, "--param", "image={ name: web, ports: [1, 2, 3] }"]);
  assert.equal(tooMany.code, 1, tooMany.out);
  assert.match(tooMany.out, /n must be at most 2/);
});

test("templates of the set are included: lint, plan and graph show the result, and exec runs it", async (t) => {
  const { exec, config, folder } = await folderOf(t);
  await mkdir(join(folder, "includes"));
  const template = (name: string, text: string) => writeFile(join(folder, `includes/${name}.yaml`), text);
  await template(
    "check",
    `params: { who: string, times: { type: integer, default: 2 } }
job:
  title: Check \${{ params.times }} times
  site: tokyo
  labels: [java]
  steps:
    - include: greet
      with: { who: "\${{ params.who }}" }
    - { title: Compare, run: 'test "$AT" = "hello kim 2"', env: { AT: "\${{ steps.greet.outputs.at }}" } }
`,
  );
  await template(
    "greet",
    `params: { who: string }
steps:
  - { id: greet, title: Greet, run: 'echo "at=hello $WHO" >> "$GANTRY_OUTPUT"', env: { WHO: "\${{ params.who + ' 2' }}" } }
`,
  );
  const text = `name: hello
app: none
params: { who: string }
jobs:
  check: { include: check, with: { who: "\${{ params.who }}" } }
`;
  const good = await exec(text, [...config, "--param", "who=kim"]);
  assert.equal(good.code, 0, good.out);
  assert.match(good.out, /✓ here check +Compare/);
  const file = join(folder, "pipeline.yaml");
  const about = { env: process.env };
  const plan = await runCommand(["pipeline", "plan", file, "--param", "who=kim"], about);
  assert.match(
    plan.out,
    /check · Check 2 times\n {2}at tokyo .*\n {3}1\. Greet \(script\)\n {3}2\. Compare \(script\)/,
  );
  const graph = await runCommand(["pipeline", "graph", file], about);
  assert.match(graph.out, /Check 2 times<br\/>check at tokyo/);
  await template("greet", 'steps: [{ run: "true", env: { A: "${{ steps.nothing.outputs.x }}" } }]\n');
  const lint = await runCommand(["pipeline", "lint", file], about);
  assert.equal(lint.code, 2);
  assert.deepEqual(lint.out.trim().split("\n"), [
    `${folder}/includes/check.yaml:8:15 who is not known (included at ${file}:5)`,
  ]);
});

test("the log of a script that fails is printed", async (t) => {
  const { exec, config } = await folderOf(t);
  const { code, out } = await exec(
    "name: a\napp: none\njobs:\n  a: { site: s, steps: [{ run: 'echo why; exit 3' }] }\n",
    config,
  );
  assert.equal(code, 1);
  assert.match(out, /exit code 3/);
  assert.match(out, /\nwhy\n/);
});

test("why a step is skipped and why a job is tried again is printed", async (t) => {
  const { exec, config } = await folderOf(t);
  const { code, out } = await exec(
    `name: twice
jobs:
  make:
    site: seoul
    retry: { max: 1, delay: 1ms }
    steps:
      - { title: Never, when: task.id == "x", run: exit 1 }
      - { title: Second time, run: 'test "$GANTRY_ATTEMPT" = 2' }
`,
    config,
  );
  assert.equal(code, 0, out);
  assert.match(out, /^ {2}– here make +Never {2}Its condition is not met: the id of the task is \S+\.$/m);
  assert.match(out, /^ {2}⏸ here make +is tried again: The script ended with exit code 1/m);
});

test("what cannot run on this machine is refused before anything runs", async (t) => {
  const { exec, config, folder } = await folderOf(t);
  const checkout =
    "name: a\napp: none\njobs:\n  a: { site: s, steps: [{ uses: git/checkout, with: { repository: { project: A, slug: b }, ref: main } }] }\n";
  const { code, out } = await exec(checkout);
  assert.equal(code, 2);
  assert.match(out, /of the job a \(git\/checkout\) needs a system of the site: git\./);
  assert.match(out, /--config runner\.yaml/);
  const ofApp = await exec(HELLO.replace("params.who", "app.name"));
  assert.equal(ofApp.code, 2, ofApp.out);
  assert.match(ofApp.out, /this pipeline has `app: none`, so there is no app/);
  assert.match(ofApp.out, /There is no app here/);
  const mistake = await exec("name: a\njobs:\n  a: { steps: [{ run: x }] }\n");
  assert.deepEqual([mistake.code, /:3:\d+ site is missing/.test(mistake.out)], [2, true], mistake.out);
  await assert.rejects(exec(HELLO, ["--workspace", join(folder, "none")]), { code: "argument-unusable" });
  await assert.rejects(exec(HELLO, [...config, "--param", "who=[1]"]), { code: "bad-params" });
});

test("a file that runs other pipelines is refused with the reason, and one that undoes what it created runs", async (t) => {
  const { exec, config } = await folderOf(t);
  const others = await exec("name: release\napp: none\njobs:\n  go: { pipeline: other }\n", config);
  assert.equal(others.code, 2);
  assert.match(others.out, /The job go runs the pipeline other, which is not in this file\.\n.*gantry pipeline run/);
  const failing = "jobs:\n  a: { site: x, steps: [{ run: 'false' }] }\n";
  const undone = await exec(`name: fails\napp: none\nundo: onFailure\n${failing}`, config);
  assert.equal(undone.code, 1, undone.out);
  assert.match(undone.out, /undo +not run|nothing was created that can be taken back/);
});

test("Ctrl-C cancels the pipeline, and nothing of it stays", async (t) => {
  const { exec, config, folder } = await folderOf(t);
  const before = await leftovers();
  const interruption = new AbortController();
  const started = join(folder, "started");
  const script = `echo $$ > ${started}; exec sleep 600`;
  const running = exec(
    `name: a\napp: none\njobs:\n  a: { site: s, steps: [{ run: "${script}" }] }\n`,
    config,
    () => interruption.signal,
  );
  const pidOf = async (): Promise<string> => readFile(started, "utf8").catch(() => "");
  while ((await pidOf()).trim() === "") await new Promise((resolve) => setImmediate(resolve));
  interruption.abort();
  const { code, out } = await running;
  assert.equal(code, 130, out);
  const pid = Number(await pidOf());
  assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  assert.deepEqual(await leftovers(), before);
});

test("without a configuration, scripts run in the sandbox", async (t) => {
  const problem = await sandboxProblem(process.env.PATH ?? "");
  if (problem !== undefined) return t.skip(`no sandbox here: ${problem}`);
  const { exec, folder } = await folderOf(t);
  await writeFile(join(folder, "secret"), "s");
  const script = `touch made; test ! -e ${folder}/secret`;
  const { code, out } = await exec(`name: a\napp: none\njobs:\n  a: { site: s, steps: [{ run: "${script}" }] }\n`);
  assert.equal(code, 0, out);
});

// A day at the command line: `gantry ci`, `cd`, `build` and `task` against a real portal, task-agent and runner.

import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { startRunner } from "@gantry/task-runner/main.ts";
import { runLine } from "../line/run-line.ts";
import { openPortal, runCommand } from "../portal.fixture.ts";

const RUNNER_TOKEN = "runner-token-of-seoul-0";
const DIGEST = `sha256:${"a".repeat(64)}`;
const DEFINITIONS = {
  "ci.yaml": `
name: ci
title: CI
params:
  ref: { type: string, default: "\${{ app.source.branch }}" }
  severity: { type: string, default: "None" }
jobs:
  make:
    site: seoul
    steps:
      - id: compile
        title: Compile
        run: printf '\\033[31mred\\033[0m text\\nhalf\\rwhole line\\nbell \\007 \\033]0;title\\007\\n'
build:
  commit: c0ffee0000
  branch: \${{ params.ref }}
  subject: Mend the till
  images:
    - { name: orders, repository: apps/orders, image: harbor/apps/orders, digest: "${DIGEST}" }
  scan: { severity: "\${{ params.severity }}", report: "" }
`,
  "cd.yaml": `
name: cd
title: CD
params:
  build: { type: string, default: "", ui: build }
  targets: { type: array, items: string, default: "\${{ app.targets.map(t, t.name) }}", ui: target }
jobs:
  deploy:
    each: \${{ params.targets }}
    site: seoul
    deploys: \${{ each }}
    steps: [{ run: "true", title: Deploy }]
`,
  "other.yaml": `
name: other
title: Other
app: none
params:
  code: { type: integer, required: true, description: What to exit with. }
jobs:
  one:
    site: seoul
    steps: [{ id: work, title: Work, run: "echo working; exit $CODE", env: { CODE: "\${{ params.code }}" } }]
`,
  "fetch.yaml": `
name: fetch
title: Fetch
jobs:
  source:
    site: seoul
    steps:
      - id: checkout
        title: Check out the source
        uses: git/checkout
        with: { repository: { system: bitbucket, project: SHOP, slug: orders } }
`,
  "lint.yaml": `
name: lint
title: Lint
app: none
jobs:
  one:
    site: seoul
    steps:
      - id: lint
        title: Check the style
        shell: bash
        run: |
          echo '::group::Rules'
          echo 'rule 1'
          echo '::endgroup::'
          echo '::error file=src/app.js,line=3,col=5,title=unused::Unused "x"%0Aremove it'
          echo '::debug::details'
          for n in {1..12}; do echo "::notice::hint $n"; done
          echo '::stop-commands::t1'; echo '::error::text'; echo '::t1::'
          printf '## Style\\n\\n| rule | hits |\\n|---|---|\\n| x | 1 |\\n' >> "$GANTRY_STEP_SUMMARY"
          seq 30 >> "$GANTRY_STEP_SUMMARY"
`,
  "nowhere.yaml": `
name: nowhere
title: Nowhere
app: none
jobs:
  one: { site: tokyo, steps: [{ run: "true" }] }
`,
  "pack.yaml": `
name: pack
title: Pack
app: none
jobs:
  make:
    site: seoul
    artifacts: { dist: dist }
    steps: [{ run: "mkdir -p dist/bin; echo hello > dist/bin/run; chmod +x dist/bin/run; printf '<b>' > dist/page.html" }]
`,
  "environments.yaml": "environments: { prod: { requires: { scan: no-critical } } }\n",
};
const APPS = `apps:
  - name: orders
    title: Orders
    team: payments
    source: { system: bitbucket, project: SHOP, slug: orders, branch: main }
    build: { site: seoul }
    yaml: { system: bitbucket, project: SHOP, slug: deployments }
    targets:
      - { name: test, site: seoul, cluster: seoul-dp, overlay: orders/test }
      - { name: prod, site: seoul, cluster: seoul-dp, overlay: orders/prod, application: orders-prod, environment: prod }
`;

const logger = makeLogger("test", "silent");
const portal = await openPortal({ agent: logger, portal: logger }, { [RUNNER_TOKEN]: "seoul" }, undefined, DEFINITIONS);
const runner = await startRunner(
  {
    name: "seoul-1",
    site: "seoul",
    agent: portal.agentUrl,
    token: RUNNER_TOKEN,
    data: join(portal.folder, "runner"),
    isolation: "none",
    path: process.env.PATH,
    // Nothing listens there.
    systems: {
      bitbucket: {
        kind: "git",
        provider: "bitbucket-dc",
        url: "http://127.0.0.1:9",
        token: "GIT",
        appsMay: ["SHOP/*"],
      },
    },
    secrets: { GIT: { env: "PATH" } },
  },
  { logger },
);
after(async () => {
  await runner.close({ drainMs: 0 });
  await portal.close();
});
const run = (line: string, ...more: string[]) => portal.runAsPerson(...line.split(" "), ...more);

before(async () => {
  const file = join(portal.folder, "apps.yaml");
  await writeFile(file, APPS);
  const adopted = await run(`app adopt -f ${file}`);
  assert.equal(adopted.code, 0, adopted.out);
});

test("CI is started, followed to its end, and leaves a build that CD deploys", async () => {
  const none = await run("build list orders");
  assert.match(none.out, /^orders has no builds yet\. `gantry ci orders --follow` makes one\.\n$/);
  const ci = await run("ci orders --follow");
  assert.equal(ci.code, 0, ci.out);
  assert.match(ci.out, /^→ .*orders {3}(t\w+)\n {2}http:\S+\/tasks\/\1\n[\s\S]*✓ seoul make +Compile {2}\d/);
  const builds = await run("build list orders");
  assert.match(builds.out, /^BUILD +COMMIT .*\n#1 +c0ffee000 +main .* admin +Mend the till\n/);
  const ofAll = await run("build list");
  assert.match(ofAll.out, /^APP +BUILD +COMMIT .*\norders +#1 +c0ffee000 +main .* admin +Mend the till\n/);
  assert.match((await run("build list --branch main")).out, /^orders +#1 /m);
  assert.match((await run("build list orders --branch none")).out, /^No build matches\./);
  const cd = await run("cd orders --build 1 --target test --follow");
  assert.equal(cd.code, 0, cd.out);
  assert.match((await run("build list orders")).out, /^#1 .* test +Mend the till$/m);
  assert.match(
    (await run("task list --app orders")).out,
    /^TASK .*\nt\w+ +✓ succeeded +.*orders .*\nt\w+ +✓ succeeded/,
  );
});

test("without --follow a command says which task it started, and how to follow it", async () => {
  const started = await run("ci orders --ref feature/x");
  assert.equal(started.code, 0);
  const id = /Follow it: gantry task watch (t\w+)\n$/.exec(started.out)?.[1] ?? "";
  const watched = await run(`task watch ${id}`);
  assert.equal(watched.code, 0, watched.out);
  const { out } = await run("build list orders");
  assert.match(out, /feature\/x \(not the release branch\)/);
  assert.match(out, /^`gantry cd orders --build 1 --follow` deploys the newest of main\.$/m);
  const events = (await run(`task watch ${id} --json`)).out.trimEnd().split("\n");
  const kinds = events.map((line) => (JSON.parse(line) as { data: { event: { kind: string } } }).data.event.kind);
  assert.deepEqual([kinds[0], kinds.at(-1)], ["TaskRequested", "TaskEnded"]);
});

test("what a policy refuses is said with what to do, and a reason overrides it", async () => {
  await run("ci orders --param severity=Critical --follow");
  const [newest] = JSON.parse((await run("build list orders --json")).out) as { number: number }[];
  const refused = await run(`cd orders --build ${newest?.number} --target prod`);
  assert.equal(refused.code, 1);
  assert.match(
    refused.out,
    /refuses build #\d+ of orders\. .*\.\s*`gantry build list orders` .*--override-reason TEXT/,
  );
  assert.match((await run("build list orders")).out, new RegExp(`#${newest?.number} may not go to prod: `));
  const forced = await run(`cd orders --build ${newest?.number} --target prod --follow --override-reason`, "an outage");
  assert.equal(forced.code, 0, forced.out);
});

test("A21: logs are printed without colours and control characters, of all steps or of some lines", async () => {
  const [ci] = JSON.parse((await run("task list --pipeline ci --limit 1 --json")).out) as { id: string }[];
  const all = await run(`task logs ${ci?.id}`);
  assert.equal(all.code, 0);
  assert.match(all.out, /^red text\nwhole line\nbell .*$/m);
  assert.doesNotMatch(all.out, /(?!\n)\p{Cc}/u);
  assert.equal((await run(`task logs ${ci?.id} make compile --grep WHOLE`)).out, "whole line\n");
  assert.equal((await run(`task logs ${ci?.id} make compile --tail 1`)).out.split("\n").length, 2);
  const noJob = await run(`task logs ${ci?.id} mak`);
  assert.equal(noJob.code, 5);
  assert.match(noJob.out, /did you mean make\?\)\..* The jobs of this task: make\.\n$/);
  assert.match(
    (await run(`task logs ${ci?.id} make link`)).out,
    /^There is no step link\..* The steps of make: compile\.\n$/,
  );
  assert.equal((await run(`task logs ${ci?.id} --grep nothing-like-it`)).out, "No line matches.\n");
  const lines = (await run(`task logs ${ci?.id} make --json`)).out.trimEnd().split("\n");
  assert.deepEqual(JSON.parse(lines[0] ?? ""), { job: "make", step: "compile", text: "red text" });
});

test("what jobs have saved is listed, and written to a folder without replacing anything", async () => {
  assert.equal((await run("task artifacts")).out, "The jobs of this task have saved no artifacts.\n");
  const started = await run("pipeline run pack --follow");
  assert.equal(started.code, 0, started.out);
  const list = await run("task artifacts");
  assert.match(list.out, /^ARTIFACT +FILES +BYTES +KEPT UNTIL \(UTC\)\nmake\/dist +2 +9 +20\d\d-\d\d-\d\d /);
  const [task] = JSON.parse((await run("task list --pipeline pack --json")).out) as { id: string }[];
  assert.match(
    (await run(`task artifacts ${task?.id} dist`)).out,
    /^FILE .*\ndist\/bin\/run +6\ndist\/page\.html +3\n$/,
  );
  const folder = join(portal.folder, "taken");
  const written = await run(`task artifacts ${task?.id} make/dist --to ${folder}`);
  assert.equal(written.out, `2 files of dist written to ${folder}\n`);
  assert.equal(await readFile(join(folder, "dist/bin/run"), "utf8"), "hello\n");
  assert.equal((await stat(join(folder, "dist/bin/run"))).mode & 0o111, 0o111);
  const again = await run(`task artifacts ${task?.id} dist --to ${folder}`);
  assert.equal(again.code, 1);
  assert.match(again.out, /There is a file of this name already/);
  assert.match((await run(`task artifacts ${task?.id} dits`)).out, /dits.*The artifacts of this task: make\/dist\./s);
});

test("a failed task has exit code 1, with the way to its logs and to a rerun", async () => {
  const failed = await run("pipeline run other --param code=3 --follow");
  assert.equal(failed.code, 1, failed.out);
  const id = /gantry task logs (t\w+) --failed\n/.exec(failed.out)?.[1] ?? "";
  assert.match((await run(`task logs ${id} --failed`)).out, /^working\n/);
  const shown = await run("task show");
  assert.match(shown.out, new RegExp(`^one +seoul +✕ failed .*\\n[\\s\\S]*gantry task rerun ${id} --follow`, "m"));
  assert.equal((await run(`task rerun ${id} --follow`)).code, 1);
  const wrong = await run("pipeline run other --param code=many");
  assert.equal(wrong.code, 2);
  assert.match(wrong.out, /`gantry pipeline show other` lists the parameters\.\n {2}code: /);
  assert.equal((await run(`pipeline run other --param code=@${join(portal.folder, "none")}`)).code, 2);
  assert.match((await run("pipeline show other")).out, /^code +required +What to exit with\.$/m);
});

test("A21: logs are followed while they are written", async () => {
  const started = await run("pipeline run other --param code=0 --json");
  const { id } = JSON.parse(started.out) as { id: string };
  const { code, out } = await run(`task logs ${id} --follow`);
  assert.deepEqual([code, out], [0, "one/work │ working\n"]);
});

/** Runs the line until it prints what matches, and then presses Ctrl-C. */
async function runUntil(pattern: RegExp, line: string): Promise<string> {
  const stop = new AbortController();
  let said = "";
  const say = (text: string): void => {
    said += text;
    if (pattern.test(said)) setImmediate(() => stop.abort());
  };
  const about = { env: portal.env, stdout: say, stderr: say, interruption: () => stop.signal };
  assert.equal((await runCommand(line.split(" "), about, runLine)).code, 130);
  return said;
}

test("I11: while a task waits, --follow and `task show` say for what, once", async () => {
  const nowhere = await runUntil(/waits: /, "pipeline run nowhere --follow");
  assert.match(nowhere, /^ {2}\S tokyo one +waits: .*tokyo/m);
  await run(`task cancel ${/(t\w{19})/.exec(nowhere)?.[1]}`);

  const fetch = await runUntil(/waits: /, "pipeline run fetch --app orders --follow");
  const id = /(t\w{19})/.exec(fetch)?.[1] ?? "";
  assert.match(fetch, /^ {2}\S seoul source +Check out the source waits: .*127\.0\.0\.1/m);
  const again = await runUntil(/Check out the source waits: /, `task watch ${id}`);
  assert.equal(again.match(/Check out the source waits: /g)?.length, 1, again);
  assert.match((await run(`task show ${id}`)).out, /^source +seoul +\S running .*127\.0\.0\.1/m);
  await run(`task cancel ${id}`);
});

test("Ctrl-C ends the command and not the task", async () => {
  const stop = new AbortController();
  const seen = (text: string): void => {
    if (text.startsWith("→")) setImmediate(() => stop.abort());
  };
  const said: string[] = [];
  const say = (text: string): void => {
    said.push(text);
    seen(text);
  };
  const about = { env: portal.env, stdout: say, stderr: say, interruption: () => stop.signal };
  const { code } = await runCommand(["pipeline", "run", "nowhere", "--follow"], about, runLine);
  assert.equal(code, 130);
  const id = /The task continues\. Follow it: gantry task watch (t\w+) /.exec(said.join(""))?.[1] ?? "";
  assert.match((await run("task list --state open")).out, new RegExp(`^${id} `, "m"));
  const canceled = await run(`task cancel ${id} --reason`, "nobody needs it");
  assert.equal(canceled.code, 0, canceled.out);
  assert.equal((await run(`task watch ${id}`)).code, 1);
});

test("what does not exist has exit code 5, and an answer that is none 2", async () => {
  for (const line of [
    "ci nothing",
    "cd nothing",
    "build list nothing",
    "build list nothing --branch main",
    "task show t0",
    "site show soul",
    "pipeline show no",
  ])
    assert.equal((await run(line)).code, 5, line);
  assert.match((await run("site show soul")).out, /There is no site soul \(did you mean seoul\?\)\./);
  assert.match((await run("task show t0")).out, /^There is no task t0\..* `gantry task list` lists the newest\.\n$/);
  assert.match((await run("site list")).out, /^seoul +online +1\/1 online/m);
  assert.match((await run("site show seoul")).out, /^seoul-1 +online/m);
  const wrong = await run("task resolve t0 job runagain");
  assert.equal(wrong.code, 2);
  assert.match(wrong.out, /use run-again, mark-done or fail \(did you mean run-again\?\)/);
  assert.equal((await run("inbox")).code, 8, "this portal has no notify-agent");
});

test("`gantry api` sends any request, and its exit code is that of the response", async () => {
  const { code, out } = await run("api GET /v1/me");
  assert.deepEqual([code, (JSON.parse(out) as { name: string }).name], [0, "admin"]);
  const started = await run("api post /v1/apps/orders/ci -d", '{"params":{"ref":"main"}}');
  assert.equal(started.code, 0, started.out);
  assert.equal((await run("api GET /v1/apps/nothing")).code, 5);
  assert.equal((await run("api GET //elsewhere.example/")).code, 2);
  assert.equal((await run("api FETCH /v1/me")).code, 2);
});

test("what scripts say by commands and summaries is in `task show`, and in words in `task logs`", async () => {
  const started = await run("pipeline run lint --follow");
  assert.equal(started.code, 0, started.out);
  const shown = await run("task show");
  assert.match(shown.out, /^SAYS +PLACE +MESSAGE +STEP$/m);
  assert.match(shown.out, /^error +src\/app\.js:3:5 +unused: Unused "x" remove it +one › Check the style$/m);
  assert.match(shown.out, /^2 more are only in the log: gantry task logs /m);
  assert.match(shown.out, /^Summary of one › Check the style\n## Style\n\n\| rule \| hits \|$/m);
  assert.match(shown.out, /^… 15 more lines: gantry task summary t\w+ 'one' lint$/m);
  const logs = await run("task logs");
  assert.equal(
    logs.out.split("\n").slice(0, 4).join("\n"),
    '▸ Rules\n  rule 1\nerror: src/app.js:3:5: unused: Unused "x" remove it\ndebug: details',
  );
  assert.match(logs.out, /^::error::text$/m, "it is only text");
  const raw = await run("task logs --json");
  assert.match(raw.out, /"text":"::group::Rules"/);
  const summary = await run("task summary");
  assert.match(summary.out, /^── one › Check the style\n## Style\n[\s\S]*\n30\n$/);
  const [value] = JSON.parse((await run("task summary --json")).out);
  assert.deepEqual([value.job, value.step, value.text.slice(0, 8)], ["one", "lint", "## Style"]);
  const [job] = JSON.parse((await run("task show --json")).out).jobs;
  assert.deepEqual([job.steps[0].annotations.length, job.steps[0].annotationsLeftOut], [11, 2]);
});

test("a rollback says what goes back to which build, deploys that one, and holds the other until it is released", async () => {
  for (const branch of ["main", "main"]) {
    assert.equal((await run("ci", "orders", "--param", `ref=${branch}`, "--follow")).code, 0);
    assert.equal((await run("cd", "orders", "--target", "test", "--follow")).code, 0);
  }
  const plan = await run("cd", "rollback", "orders", "--plan");
  const [, from, to] = /^ {2}test: #(\d+) → #(\d+) c0ffee0 Mend the till$/m.exec(plan.out) ?? [];
  assert.ok(from !== undefined && to !== undefined, plan.out);
  const back = await run("cd", "rollback", "orders", "--reason", "orders are counted twice", "--follow");
  assert.equal(back.code, 0, back.out);
  assert.match(back.out, /Roll back: orders/);
  assert.match(
    (await run("task", "list", "--limit", "1")).out,
    new RegExp(`Roll back: orders +#${to} c0ffee0 main Mend the till → test`),
  );
  assert.match(
    (await run("build", "list", "orders")).out,
    new RegExp(`#${from} is held by .*: orders are counted twice`),
  );
  const impossible = await run("cd", "rollback", "orders", "--target", "prod");
  assert.equal(impossible.code, 1);
  assert.match(impossible.out, /prod: there is no earlier build that ran well there/);
  assert.match((await run("build", "release", "orders", from)).out, new RegExp(`Build #${from} of orders is not held`));
  assert.match((await run("build", "hold", "orders", from, "--reason", "once more")).out, /is held/);
  assert.equal((await run("build", "hold", "orders", from)).code, 2);
});

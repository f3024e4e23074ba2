import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import type { GantryError } from "@gantry/core/errors.ts";
import { STEP_FIXTURES } from "@gantry/core/pipeline/steps.fixture.ts";
import { runCommand } from "../portal.fixture.ts";

const GOOD = `name: demo
title: Demo
params:
  sites: { type: array, items: string, default: [seoul, tokyo] }
jobs:
  deploy:
    title: Deploy
    needs: build
    each: \${{ params.sites }}
    site: \${{ each }}
    steps: [{ run: ./deploy.sh, title: Deploy it }]
  build:
    title: Build
    site: \${{ app.build.site }}
    timeout: 90s
    steps:
      - uses: git/checkout
        title: Check out
        with: { repository: { project: A, slug: b } }
`;
const FILES: { readonly [path: string]: string } = {
  "good.yaml": GOOD,
  "bad.yaml": GOOD.replace("git/checkout", "git/chekout").replace("needs: build", "needs: biuld"),
  "odd.yaml": GOOD.replace("default: [seoul, tokyo] }", "}"),
  "broken.yaml": "a: [",
  "secret.yaml": `name: demo
jobs:
  build:
    site: seoul
    steps:
      - env: { T: "\${{ secrets.NPM_TOKN }}" }
        run: ./build.sh
`,
  "past.yaml": `name: demo
triggers:
  - schedule: { once: 2020-01-01T00:00:00Z }
  - schedule: { cron: "0 3 * * *", until: 2020-01-01T00:00:00Z, timeZone: UTC }
  - schedule: { once: 9000-01-01T00:00:00Z }
jobs:
  build:
    site: seoul
    steps: [{ run: ./build.sh }]
`,
  "app.yaml": "build: { site: seoul }\n",
  "steps.json": JSON.stringify(STEP_FIXTURES),
};

async function run(command: "lint" | "plan" | "graph", ...argv: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const readFile = (path: string): string => {
    const text = FILES[path];
    if (text === undefined) throw Object.assign(new Error(`ENOENT: no such file, open ${path}`), { code: "ENOENT" });
    return text;
  };
  const { code } = await runCommand(["pipeline", command, ...argv, "--steps", "steps.json"], {
    stdout: (text) => void out.push(text),
    stderr: (text) => void err.push(text),
    readFile,
  });
  return { code, out: out.join(""), err: err.join("") };
}

test("lint prints nothing for a valid file", async () => {
  assert.deepEqual(await run("lint", "good.yaml"), { code: 0, out: "", err: "" });
});

test("a catalogue or an app that cannot be read is named, with the reason in words", async () => {
  const wanted = { code: "argument-unusable", message: /^The file app\.json cannot be used\./ };
  await assert.rejects(run("plan", "good.yaml", "--app", "app.json"), wanted);
  await assert.rejects(run("plan", "good.yaml", "--app", "broken.yaml"), (error: GantryError) => {
    return /^It is not YAML: .+ at line 1, column 5\.$/.test(String(error.details.problem));
  });
});

test("lint prints every error of every file with its position", async () => {
  assert.deepEqual(await run("lint", "good.yaml", "bad.yaml", "none.yaml"), {
    code: 2,
    out: [
      "bad.yaml:8:12 there is no job biuld (did you mean build?)\n",
      "bad.yaml:17:15 there is no step git/chekout (did you mean git/checkout?)\n",
      "none.yaml:1:1 the file cannot be read: there is no such file (ENOENT)\n",
    ].join(""),
    err: "",
  });
});

test("lint prints warnings and exits with 0", async () => {
  const { code, out } = await run("lint", "odd.yaml");
  assert.equal(code, 0);
  assert.match(out, /^odd\.yaml:9:15 warning: params\.sites may be absent/);
});

test("lint warns about schedules whose time has passed", async () => {
  const { code, out } = await run("lint", "past.yaml");
  assert.equal(code, 0);
  assert.equal(
    out,
    [
      "past.yaml:3:23 warning: this time has passed: it starts nothing any more\n",
      "past.yaml:4:43 warning: this time has passed: it starts nothing any more\n",
    ].join(""),
  );
});

test("lint warns about secrets that are not among the known ones", async () => {
  const { code, out } = await run("lint", "secret.yaml", "--secrets", "NPM_TOKEN, HARBOR");
  assert.equal(code, 0);
  assert.equal(out, "secret.yaml:6:24 warning: there is no secret NPM_TOKN (did you mean NPM_TOKEN?)\n");
  assert.equal((await run("lint", "secret.yaml", "--secrets", "NPM_TOKN")).out, "");
  assert.equal((await run("lint", "secret.yaml")).out, "", "nobody knows the secrets");
});

test("lint checks a folder as the set that would be read, with roles, rules, sites and settings", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-lint-"));
  t.after(() => rm(folder, { recursive: true }));
  const files = {
    "pipelines/good.yaml": GOOD,
    "pipelines/bad.yaml": GOOD.replace("needs: build", "needs: biuld").replace("name: demo", "name: other"),
    "pipelines/old.yml": GOOD,
    "roles/team.yaml": "roles: { dev: { verbs: [viw] } }\n",
    "rules/mail.yaml":
      "rules:\n  - name: a\n    when: event.kindd == 'x'\n    oncePer: task.id\n    send: [{ channel: inbox }]\n",
    "sites/seoul.yaml": "params: { demo: { sits: [seoul] } }\n",
    "environments.yaml": "environmets: {}\n",
    "own-pipelines.yaml": "allow: nobody\n",
    "params.yaml": "demo: { sites: { default: 3 } }\n",
    "README.md": "no definition\n",
  };
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text);
  }
  const { code, out } = await run("lint", folder);
  assert.equal(code, 2);
  const places = new Set(
    out
      .trim()
      .split("\n")
      .map((one) => /^(\S+?):\d+:\d+ \S/.exec(one)?.[1]),
  );
  const broken = Object.keys(files).filter((file) => !["pipelines/good.yaml", "README.md"].includes(file));
  assert.deepEqual([...places].toSorted(), broken.map((file) => join(folder, file)).toSorted(), out);
  assert.match(out, /sites\/seoul\.yaml:1:\d+ .*did you mean sites\?/);

  for (const file of broken) await rm(join(folder, file));
  assert.deepEqual(await run("lint", folder), { code: 0, out: "", err: "" });
  await rm(join(folder, "pipelines/good.yaml"));
  assert.match((await run("lint", folder)).out, /there is no pipeline file/);
});

test("lint prints its usage", async () => {
  assert.equal((await run("lint")).code, 2);
  assert.match((await run("lint", "--nope", "good.yaml")).err, /--nope/);
  assert.equal((await run("lint", "--help")).code, 0);
});

test("plan prints the jobs in the order in which they run, with known values", async () => {
  const { code, out } = await run("plan", "good.yaml", "--app", "app.yaml");
  assert.equal(code, 0);
  assert.equal(
    out,
    `demo: Demo

build · Build
  at seoul · at most 1m30s
   1. Check out (git/checkout)

deploy[seoul] · Deploy
  at seoul · after build · at most 1h
   1. Deploy it (script)

deploy[tokyo] · Deploy
  at tokyo · after build · at most 1h
   1. Deploy it (script)
`,
  );
});

test("plan prints unknown values as expressions", async () => {
  const { out } = await run("plan", "good.yaml", "--param", "sites=[osaka]");
  assert.match(out, /build · Build\n {2}at \$\{\{ app\.build\.site \}\}/);
  assert.match(out, /deploy\[osaka\] · Deploy\n {2}at osaka/);
});

test("plan says which jobs do not run with these values, and which end with an error", async () => {
  const empty = await run("plan", "good.yaml", "--param", "sites=[]", "--app", "app.yaml");
  assert.match(empty.out, /deploy · Deploy\n.*\n {2}not run, because its `each` gives an empty list\n/);
  const wrong = await run("plan", "good.yaml", "--param", "sites=[a b]", "--app", "app.yaml");
  assert.match(wrong.out, /deploy\[…\] · Deploy\n.*\n {2}ends with an error: .* "a b" is not the name of a site/i);
  const twice = await run("plan", "good.yaml", "--param", "sites=[x, x]", "--app", "app.yaml");
  assert.match(twice.out, /ends with an error: .*have the name x/i);
  assert.doesNotMatch((await run("plan", "good.yaml")).out, /error/, "the site is not known yet");
});

test("plan prints a diagram", async () => {
  const { out } = await run("plan", "good.yaml", "--format", "mermaid", "--app", "app.yaml");
  assert.equal((await run("graph", "good.yaml", "--app", "app.yaml")).out, out);
  assert.equal(
    out,
    `flowchart LR
  j0["Build<br/>build at seoul"]
  j1["Deploy<br/>deploy[seoul] at seoul"]
  j2["Deploy<br/>deploy[tokyo] at tokyo"]
  j0 --> j1
  j0 --> j2
`,
  );
});

test("plan rejects invalid arguments", async () => {
  assert.match((await run("plan", "bad.yaml")).err, /there is no job biuld/);
  assert.match((await run("plan", "good.yaml", "--param", "sites=x")).err, /must be a list, not text/);
  assert.match((await run("plan", "good.yaml", "--param", "nope=x")).err, /nope is not known/);
  assert.match((await run("plan", "good.yaml", "--format", "png")).err, /--format png: use text or mermaid/);
});

test("at a terminal, lint shows the line of each mistake with a caret under its place", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-lint-"));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, "a.yaml");
  const text = `name: a
app: none
jobs:
  a:
    site: x
    runs-on: linux
    steps: [{ run: x, env: { A: "\${{ task.idd }}" } }]
`;
  await writeFile(file, text);
  const { out } = await runCommand(["pipeline", "lint", file], { tty: true });
  assert.deepEqual(out.split("\n"), [
    `${file}:6:5 unknown key runs-on; use \`site\`, and \`labels\` to select a runner`,
    "        runs-on: linux",
    "        ^",
    `${file}:7:38 there is no task.idd (did you mean id?)`,
    '        steps: [{ run: x, env: { A: "${{ task.idd }}" } }]',
    `${" ".repeat(41)}^`,
    "",
  ]);
});

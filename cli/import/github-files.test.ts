// What workflows of GitHub Actions keep and hand on: artifacts, caches, groups, summaries.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@gantry/core/json.ts";
import { parse } from "yaml";
import { at, importing } from "./import.fixture.ts";
import { GO_RELEASE, NODE_LIBRARY, PYTHON_PACKAGE } from "./workflows.fixture.ts";

const what = (note: string): string => note.replace(/^\S+ /, "");

test("a library for Node: its matrix, its cache, its group and the coverage of all versions", async (t) => {
  const { run } = await importing(t);
  const { out, notes } = await run("github", NODE_LIBRARY);
  assert.deepEqual(notes.map(what), [
    "`actions/setup-node@v4` is left out: give the runner this tool, and choose it by `labels`",
    "`actions/setup-node@v4` is left out: give the runner this tool, and choose it by `labels`",
    "the restore key ${{ runner.os }}- stands for all keys that begin with it; `fallback` has whole keys",
  ]);
  const pipeline = parse(out) as JsonObject;
  assert.match(String(at(pipeline, "concurrency", "group")), /^\$\{\{ app\.name \}\}\/ci-\$\{\{ .+ : task\.id \}\}$/);
  assert.equal(at(pipeline, "concurrency", "policy"), "cancel-older");
  assert.deepEqual(at(pipeline, "jobs", "lint", "cache"), { npm: { paths: ["~/.npm"], files: ["package-lock.json"] } });
  const test = at(pipeline, "jobs", "test");
  assert.equal(at(test, "continueOnError"), "${{ each.?experimental.orValue(false) }}");
  assert.deepEqual(at(test, "artifacts"), {
    coverage: { paths: ["coverage"], retention: "5d", optional: true, when: "always" },
  });
  assert.deepEqual(at(test, "steps", 1), {
    uses: "cache/restore",
    with: {
      name: "node_modules",
      paths: ["node_modules", "~/.npm"],
      files: ["**/package-lock.json"],
      key: "Linux-node-${{ each.node }}",
    },
    id: "modules",
  });
  assert.match(String(at(test, "steps", 2, "when")), /steps\.modules\.outputs\.\?hit\.orValue\(""\) == "exact"/);
  assert.deepEqual(at(test, "steps", 4, "with", "name"), "node_modules", "it is saved at the end");
  const report = at(pipeline, "jobs", "report");
  assert.deepEqual(at(report, "download"), [{ job: "test", to: ".artifacts/test/coverage" }]);
  assert.deepEqual(at(report, "steps", 0, "env"), { ROOT: "coverage", TO: "all" });
  assert.match(String(at(report, "steps", 1, "run")), /GANTRY_STEP_SUMMARY/);
});

test("a release in Go: files go from job to job, also to one that needs their job only through another", async (t) => {
  const { run } = await importing(t);
  const { out, notes } = await run("github", GO_RELEASE);
  assert.deepEqual(notes.map(what), [
    "`actions/setup-go@v5` is left out: give the runner this tool, and choose it by `labels`",
    "the action `softprops/action-gh-release@v2` has no counterpart: write a script, or use a step of `gantry steps`",
  ]);
  const jobs = at(parse(out) as JsonObject, "jobs");
  assert.deepEqual(at(jobs, "build", "artifacts"), { tool: ["dist/*"] });
  assert.deepEqual(at(jobs, "notes", "artifacts"), { notes: { paths: ["NOTES.md"], optional: true } });
  assert.deepEqual(at(jobs, "release", "concurrency"), { group: "${{ app.name }}/release", policy: "queue" });
  assert.deepEqual(at(jobs, "publish", "needs"), ["release", "notes"]);
  assert.deepEqual(at(jobs, "publish", "download"), [{ job: "notes", artifact: "notes", to: "notes" }]);
  assert.equal(at(jobs, "publish", "steps", 1, "env", "GITHUB_REF_NAME"), "${{ trigger.?tag.orValue(params.branch) }}");
});

test("a package in Python: a job whose work has no counterpart fails, and seems not to have published", async (t) => {
  const { run } = await importing(t);
  const { out, notes } = await run("github", PYTHON_PACKAGE);
  assert.deepEqual(notes.map(what), [
    "`services` has no counterpart (start what the job needs in a script, or on the machine of the runner)",
    "`actions/setup-python@v5` is left out: give the runner this tool, and choose it by `labels`",
    "the action `codecov/codecov-action@v4` has no counterpart: write a script, or use a step of `gantry steps`",
    "`environment` has no counterpart (environments belong to the targets of an app)",
    "the action `pypa/gh-action-pypi-publish@release/v1` has no counterpart: write a script, or use a step of `gantry steps`",
  ]);
  const pipeline = parse(out) as JsonObject;
  assert.deepEqual(at(pipeline, "triggers", 1, "tag"), { names: ["**"] }, "`on: push` is also for tags");
  const jobs = at(pipeline, "jobs");
  assert.deepEqual(at(jobs, "test", "cache"), { pip: { paths: ["~/.cache/pip"], files: ["requirements/*.txt"] } });
  assert.deepEqual(at(jobs, "publish", "download"), [{ job: "build", artifact: "dist" }]);
  assert.deepEqual(at(jobs, "publish", "steps"), [{ title: "Nothing was carried over", run: "exit 1" }]);
});

test("what artifacts, caches and groups cannot say is named with its place and its reason", async (t) => {
  const { run } = await importing(t);
  const { notes } = await run(
    "github",
    `on: push
concurrency:
  group: x
  cancel-in-progress: \${{ github.ref_name != 'main' }}
jobs:
  a:
    runs-on: ubuntu-latest
    timeout-minutes: \${{ matrix.time }}
    steps:
      - uses: actions/checkout@v4
      - uses: actions/cache@v4
        with: { path: /opt/tools, key: tools }
      - uses: actions/cache@v4
        with:
          path: vendor
          key: gems-\${{ hashFiles('Gemfile.lock') }}
      - run: echo "::set-output name=a::b"
      - uses: actions/upload-artifact@v4
        with: { name: logs, path: "/var/log/*.log" }
  b:
    needs: a
    runs-on: ubuntu-latest
    steps:
      - uses: actions/download-artifact@v4
        with: { name: other }
      - uses: actions/download-artifact@v4
        with: { name: other, run-id: 1 }
      - uses: actions/cache@v4
        with: { path: out, key: out }
      - run: make
`,
  );
  const found = notes.map((note) => note.replace(/^\/ci\.yml:(\d+):\d+/, "$1"));
  assert.deepEqual(found, [
    "4 `policy` is no expression: tasks wait for each other; write `cancel-older` to cancel them",
    "8 `timeout-minutes: ${{ matrix.time }}` has no counterpart: a time such as 10m",
    "12 the cache is left out: its path /opt/tools is not below the workspace or the home",
    "16 without `restore-keys` the job began without files when what the key is made of had changed; here it begins with the newest ones",
    "17 the command `::set-output::` is text here: write to the file $GANTRY_OUTPUT, or set `env` of later steps",
    "19 the path /var/log/*.log is not below the workspace: artifacts have only files of the workspace",
    "24 the caches are left out: they belong to a branch, and this job has no checkout",
    "24 the artifact other is not downloaded: no job before this one uploads it",
    "27 `run-id` of a download has no counterpart (a job takes artifacts of its own task)",
  ]);
});

test("an upload in the middle of a job saves the files as they are then", async (t) => {
  const { run } = await importing(t);
  const { out, notes } = await run(
    "github",
    `on: workflow_dispatch
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - run: make
      - uses: actions/upload-artifact@v4
        with: { path: out/app, if-no-files-found: error }
      - run: make clean
  b:
    needs: a
    runs-on: ubuntu-latest
    steps:
      - uses: actions/download-artifact@v4
        with: { name: artifact, path: bin }
      - run: bin/app
`,
    "--site",
    "here",
  );
  assert.deepEqual(notes, []);
  const jobs = at(parse(out) as JsonObject, "jobs");
  assert.deepEqual(at(jobs, "a", "steps", 1), {
    uses: "artifact/save",
    with: { name: "artifact", paths: ["out/app"] },
  });
  assert.deepEqual(at(jobs, "b", "download"), [{ job: "a", artifact: "artifact", to: ".artifacts/a/artifact" }]);
  assert.deepEqual(at(jobs, "b", "steps", 0, "env"), { ROOT: "out/app", TO: "bin" });
});

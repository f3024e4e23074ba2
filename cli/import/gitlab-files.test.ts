// What files of GitLab CI and Woodpecker keep and hand on: artifacts, caches, groups.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@gantry/core/json.ts";
import { parse } from "yaml";
import { at, importing } from "./import.fixture.ts";
import { GITLAB_FILES } from "./workflows.fixture.ts";

test("a file of GitLab CI: artifacts go to all later stages, caches, a resource group, and what may be interrupted", async (t) => {
  const { run } = await importing(t);
  const { out, notes, code } = await run("gitlab", GITLAB_FILES);
  assert.deepEqual([code, notes], [0, []], out);
  const pipeline = parse(out) as JsonObject;
  assert.deepEqual(at(pipeline, "concurrency"), {
    group: "${{ app.name }}/${{ task.pipeline }}/${{ params.branch }}",
    policy: "cancel-older",
    until: "deploy",
  });
  const jobs = at(pipeline, "jobs");
  assert.deepEqual(at(jobs, "build", "artifacts"), {
    build: {
      paths: ["dist", "report", "!dist/**/*.map"],
      retention: "7d",
      optional: true,
      when: 'status != "canceled"',
    },
  });
  assert.deepEqual(at(jobs, "build", "cache"), {
    npm: { paths: [".npm", "node_modules"], files: ["package-lock.json"], key: "node-22", fallback: ["node-main"] },
  });
  assert.equal(at(jobs, "lint", "cache"), null, "an empty list is no cache");
  assert.deepEqual(at(jobs, "test", "download"), ["build"]);
  assert.deepEqual(at(jobs, "test", "steps", 1), {
    uses: "cache/restore",
    with: { name: "tmp", paths: ["tmp"], key: "tests" },
  });
  assert.deepEqual(at(jobs, "deploy", "needs"), ["test", "build"]);
  assert.deepEqual(at(jobs, "deploy", "download"), ["build"]);
  assert.equal(at(jobs, "deploy", "concurrency"), "${{ app.name }}/production");
});

test("what artifacts and caches of GitLab cannot say is named with its place and its reason", async (t) => {
  const { run } = await importing(t);
  const { out, notes } = await run(
    "gitlab",
    `build:
  stage: build
  parallel: 2
  interruptible: true
  script: make
  artifacts:
    paths: [/var/log, out]
    expire_in: never
    reports: { junit: junit.xml }
  cache:
    key: $UNKNOWN
    paths: [vendor]
    untracked: true
test:
  script: make test
  cache: { paths: [vendor] }
last:
  needs: [{ job: build, artifacts: false }]
  script: make last
  dependencies: []
`,
  );
  const found = notes.map((note) => note.replace(/^\/ci\.yml:(\d+):\d+/, "$1"));
  assert.deepEqual(found, [
    "4 tasks are not canceled: `until` of `concurrency` names one job that may not be interrupted, and here are several",
    "7 the path /var/log is left out: it is not below the workspace",
    "8 `expire_in: never` has no counterpart: artifacts are kept for at most 366d, and here for the default",
    "9 `reports` of artifacts has no counterpart (the page of a task has what scripts say by `::error::` and summaries)",
    "11 GitLab saves the cache after every job; here it is saved when its key is new: name lock files in `files`",
    "11 the cache is left out: the variable $UNKNOWN is not set in the file",
    "13 `untracked` of a cache has no counterpart",
    "15 the files of each job of build come into a folder of its own, named by its values: GitLab puts them together",
    "16 GitLab saves the cache after every job; here it is saved when its key is new: name lock files in `files`",
  ]);
  const jobs = at(parse(out) as JsonObject, "jobs");
  assert.deepEqual(at(jobs, "test", "cache"), { vendor: ["vendor"] });
  assert.deepEqual([at(jobs, "last", "needs"), at(jobs, "last", "download")], [["build"], null]);
  assert.equal(at(jobs, "build", "env", "CI_NODE_INDEX"), "${{ each }}");
});

test("a workflow of Woodpecker: the values of its matrix are variables, and the plugin for caches is a cache", async (t) => {
  const { run } = await importing(t);
  const { out, notes } = await run(
    "woodpecker",
    `matrix: { include: [{ GO: "1.24" }, { GO: "1.25", RACE: "yes" }] }
steps:
  - { name: restore, image: meltwater/drone-cache, settings: { restore: true, cache_key: '{{ checksum "go.sum" }}', mount: [.cache] } }
  - { name: build, image: golang, commands: [go test ./...] }
  - { name: keep, image: meltwater/drone-cache, settings: { rebuild: true, cache_key: '{{ checksum "go.sum" }}', mount: [.cache] } }
`,
  );
  assert.deepEqual(
    notes.map((note) => note.replace(/^\S+ /, "")),
    ["build ran in the image golang: give the runner its tools, and choose it by `labels`"],
  );
  const job = at(parse(out) as JsonObject, "jobs", "ci");
  assert.deepEqual(at(job, "each"), [{ GO: "1.24" }, { GO: "1.25", RACE: "yes" }]);
  assert.equal(at(job, "env", "RACE"), '${{ each.?RACE.orValue("") }}');
  assert.deepEqual(at(job, "cache"), { cache: { paths: [".cache"], files: ["go.sum"] } });
});

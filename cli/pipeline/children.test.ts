// Pipelines that run others, by the commands of people, against a real portal and a real task-agent.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { startAgentAndPortal } from "./agent-and-portal.fixture.ts";

/** Ends at once, because its only job is skipped; fails for the place `nowhere`. */
const PATCH = `name: patch
title: Patch a place
app: none
params: { place: string, note: { type: string, default: none } }
jobs:
  look: { site: seoul, when: "params.place == 'none'", steps: [{ run: x }] }
  name: { site: "\${{ params.place == 'nowhere' ? '' : 'seoul' }}", when: "params.place == 'nowhere'", steps: [{ run: x }] }
`;
const RELEASE = `name: release
app: none
concurrency: { group: releases, policy: reject, limit: 2 }
priority: high
undo: onFailure
jobs:
  patch: { pipeline: patch, params: { place: tokyo } }
  tell: { pipeline: patch, needs: patch, wait: false, params: { place: oslo } }
`;
const { folder, pipelines, run } = await startAgentAndPortal({ "patch.yaml": PATCH, "release.yaml": RELEASE });

const taskIn = (text: string): string => /\b(t[0-9a-z]{10,})\b/.exec(text)?.[1] ?? "";

test("I8: a person starts a pipeline that runs others, and finds each task from the other one", async () => {
  const planned = await run("pipeline", "plan", join(pipelines, "release.yaml"));
  assert.match(planned.out, /^ {2}runs patch as a task of its own$/m);
  assert.match(planned.out, /runs patch as a task of its own, and does not wait for its end · after patch/);
  const started = await run("pipeline", "run", "release", "--follow");
  assert.equal(started.code, 0, started.out);
  const shown = await run("task", "show", taskIn(started.out));
  const child = /^patch +.* (t[0-9a-z]{10,})/m.exec(shown.out)?.[1] ?? "";
  const ofChild = await run("task", "show", child);
  assert.match(ofChild.out, new RegExp(`part of task ${taskIn(started.out)}, job patch`));
});

test("C2: one command runs a pipeline for each value, and stops after a failure", async () => {
  const started = await run(
    "pipeline",
    "run",
    "patch",
    "--each",
    "place=tokyo, nowhere,oslo",
    "--max-parallel",
    "1",
    "--stop-on-failure",
    "--follow",
  );
  assert.equal(started.code, 1, started.out);
  const shown = await run("task", "show", taskIn(started.out));
  assert.match(shown.out, /^Run Patch a place, for each place/);
  assert.match(shown.out, /^each\[tokyo\] .*succeeded/m);
  assert.match(shown.out, /^each\[nowhere\] .*errored/m);
  assert.match(shown.out, /^each\[oslo\] .*canceled/m);
  const unreadable = await run("pipeline", "run", "patch", "--each", "place");
  assert.equal(unreadable.code, 2);
  assert.match(unreadable.out, /write a parameter and its values/);
  assert.equal((await run("pipeline", "run", "patch", "--stop-on-failure")).code, 2);
});

test("I8: lint refuses pipelines that run each other without end, and params that do not exist", async () => {
  const one = join(folder, "one.yaml");
  const other = join(folder, "other.yaml");
  await writeFile(one, "name: one\napp: none\njobs:\n  go: { pipeline: other }\n");
  await writeFile(other, "name: other\napp: none\njobs:\n  go: { pipeline: one, params: { who: kim } }\n");
  const linted = await run("pipeline", "lint", one, other);
  assert.equal(linted.code, 2);
  assert.match(linted.out, /one\.yaml:4:19 jobs\.go: pipelines run each other without end: one → other → one/);
});

test("who is about to run a pipeline sees what holds it: turns, priority, undo and approvals", async (t) => {
  const asking = join(pipelines, "release.yaml");
  const wait =
    "  ask: { needs: tell, pipeline: patch, approval: { question: Go on?, approvers: [group:ops], count: 2 }, params: { place: x } }\n";
  await writeFile(asking, `${RELEASE}${wait}`);
  const planned = await run("pipeline", "plan", asking);
  await t.waitFor(async () => assert.match((await run("pipeline", "show", "release")).out, /Go on/), {
    timeout: 60_000,
  });
  const shown = await run("pipeline", "show", "release");
  for (const { out } of [planned, shown]) {
    assert.match(out, /^Of the concurrency group releases, 2 tasks run at a time: a new one is refused\.$/m);
    assert.match(out, /^Its priority is high\.$/m);
    assert.match(out, /^When it fails, what its steps have created is deleted again\.$/m);
    assert.match(out, /asks: Go on\? \(2 people of group:ops\)/);
  }
  assert.match(shown.out, /^ask .*runs patch/m);
});

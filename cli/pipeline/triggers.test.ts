// `gantry trigger` and the times in `gantry pipeline plan`, against a real portal and a real task-agent.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { startAgentAndPortal } from "./agent-and-portal.fixture.ts";

const NIGHTLY = `name: nightly
app: none
params: { day: { type: string, default: none } }
triggers:
  - schedule: { cron: "30 2 * * *", timeZone: Europe/Berlin, jitter: 5m }
    title: Every night
    params: { day: "\${{ trigger.at }}" }
jobs:
  work: { site: seoul, steps: [{ run: echo $GANTRY_TRIGGER }] }
`;
const { folder, pipelines, run } = await startAgentAndPortal({ "nightly.yaml": NIGHTLY });

const ID = "_:nightly:schedule-1";

test("A12: a schedule is listed with its next time in its zone, paused with a reason, resumed, and run by hand", async () => {
  const listed = await run("trigger", "list");
  assert.equal(listed.code, 0, listed.out);
  assert.match(
    listed.out,
    /_:nightly:schedule-1 +30 2 \* \* \* Europe\/Berlin +\d{4}-\d{2}-\d{2} 0[23]:3\d (?:CET|CEST|GMT\+[12])/,
  );

  assert.equal((await run("trigger", "pause", ID, "--reason", "the database moves")).code, 0);
  assert.match((await run("trigger", "list")).out, /paused by admin: the database moves/);
  const resumed = await run("trigger", "resume", ID);
  assert.match(resumed.out, /^_:nightly:schedule-1 is resumed\. Next: \d{4}-/);

  const started = await run("trigger", "run", ID);
  const [, task = ""] = /^Task (t\S+) was started/.exec(started.out) ?? [];
  const shown = await run("task", "show", task, "--json");
  const view = JSON.parse(shown.out) as { requestedBy: string; trigger: object; params: { day: string } };
  assert.equal(view.requestedBy, "admin");
  assert.deepEqual(view.trigger, { kind: "schedule", text: "schedule 30 2 * * * Europe/Berlin" });
  assert.match(view.params.day, /^\d{4}-\d{2}-\d{2}T/);
});

test("an unknown trigger is said to be unknown", async () => {
  await assert.rejects(run("trigger", "pause", "_:nightly:schedule-2"), /There is no trigger _:nightly:schedule-2/);
});

test("A12: `pipeline plan` shows the next five times with their zone; `lint` refuses pipelines that start each other", async () => {
  const planned = await run("pipeline", "plan", join(pipelines, "nightly.yaml"));
  assert.equal(planned.code, 0, planned.out);
  const times = planned.out.match(/^ {4}\d{4}-\d{2}-\d{2} \d{2}:\d{2} \S+ \+ up to 5m$/gm) ?? [];
  assert.equal(times.length, 5, planned.out);

  const work = "jobs: { work: { site: seoul, steps: [{ run: x }] } }\n";
  const one = join(folder, "one.yaml");
  const other = join(folder, "other.yaml");
  await writeFile(one, `name: one\ntriggers:\n  - upstream: { pipeline: other }\n${work}`);
  await writeFile(other, `name: other\ntriggers:\n  - upstream: { pipeline: one }\n${work}`);
  const linted = await run("pipeline", "lint", one, other);
  assert.equal(linted.code, 2);
  assert.match(linted.out, /one\.yaml:3:27 pipelines start each other without end: one → other → one/);
  assert.match(linted.out, /other\.yaml:3:27 /);
});

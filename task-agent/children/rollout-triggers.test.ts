// What starts by itself is deployed in waves, too.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@gantry/core/json.ts";
import { A, CD, openBench } from "../builds/builds.fixture.ts";
import { NO_OWN_PIPELINES } from "../definitions/own-pipelines.ts";
import { taskStream } from "../tasks/task-stream.ts";
import { statesOf } from "../triggers/trigger-stream.ts";
import { openUpstream } from "../triggers/upstream.ts";

const TRIGGERED = CD.replace(
  "params:",
  "action: cd\napps: [orders]\ntriggers: [{ upstream: { pipeline: ci } }]\nparams:",
);

test("a CD that follows CI of an app with a rollout begins with the first wave, with two agents once", async (t) => {
  const waves: readonly JsonObject[] = [{ name: "canary", targets: ["prod"] }, { name: "rest" }];
  const { apps, run, deps, journal } = await openBench(t, { cd: TRIGGERED, environments: "environments: {}" });
  await apps.change("orders", { by: "ada", patch: { rollout: { waves } }, revision: undefined });
  const agents = [0, 1].map(() => openUpstream({ ...deps, ownPipelines: NO_OWN_PIPELINES }));
  for (const agent of agents) await agent.tick();
  await run("ci", { letter: A });
  for (const agent of agents) await agent.tick();
  const all = (await statesOf(journal, "tasks", taskStream)).filter(({ pipeline }) => pipeline !== "ci");
  assert.deepEqual(
    all.map(({ pipeline, requestedBy }) => [pipeline, requestedBy]),
    [["rollout", "trigger:upstream"]],
  );
  const state = all[0] ?? assert.fail();
  assert.deepEqual(state.params, {
    ...{ build: "1", targets: ["prod", "test"], back: ["test", "prod"] },
    waves: [[{ name: "prod", targets: ["prod"] }], [{ name: "test", targets: ["test"] }]],
  });
  assert.equal(state.jobs["wave1[prod]"]?.phase, "delegated");
});

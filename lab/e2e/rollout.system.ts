// An app in two waves, with the CD that ships: each wave is a commit of its own, and the second one begins when the first one runs.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { GantryProcess } from "../processes/gantry-process.ts";
import { CREATE } from "./main-job.fixture.ts";
import { argoApp, Clone, latestFirst, tempFolder } from "./outside.fixture.ts";

test("Run CD deploys an app with a rollout wave by wave", { timeout: 900_000 }, async (t) => {
  const ends = latestFirst(t);
  const data = await tempFolder(ends, "rollout");
  const gantry = await GantryProcess.start(join(data, "gantry"), ["--no-demo"]);
  ends.after(() => gantry.stop());
  const succeeded = async (path: string, body: object): Promise<TaskView> => {
    const task = await gantry.ended((await gantry.press(path, body)).id);
    assert.equal(task.state, "succeeded", task.headline);
    return task;
  };
  await succeeded("/v1/apps", CREATE);
  const waves = [{ name: "canary", targets: ["tokyo"] }, { name: "rest" }];
  const changed = await gantry.call("PATCH", "/v1/apps/orders", { rollout: { waves } }, { "if-match": "*" });
  assert.equal(changed.status, 200, JSON.stringify(changed.body));
  await succeeded("/v1/apps/orders/ci", {});

  const task = await succeeded("/v1/apps/orders/cd", {});
  assert.equal(task.pipeline, "rollout");
  assert.deepEqual(
    task.jobs.map(({ key, state }) => [key, state]),
    [
      ["wave1[tokyo]", "succeeded"],
      ["wave2[seoul]", "succeeded"],
    ],
  );
  const { record } = (await gantry.call("GET", "/v1/apps/orders")).body as { record: { yaml: { cloneUrl: string } } };
  const yaml = await Clone.of(gantry, record.yaml.cloneUrl, join(data, "yaml"));
  const subjects = (await yaml.git("log", "--format=%s", "-2")).split("\n").filter(Boolean);
  assert.match(subjects.join("\n"), /^Deploy orders .* to seoul\nDeploy orders .* to tokyo$/);
  for (const site of ["seoul", "tokyo"]) {
    const { status } = await argoApp(gantry, site, `orders-${site}-dp`);
    assert.equal(status.health.status, "Healthy", site);
  }
});

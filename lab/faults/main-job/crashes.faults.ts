// Kills processes (SIGKILL) during the work: after a restart the task ends well, and nothing was done twice.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { argoApp, Clone, latestFirst, messages, tags, tempFolder, untilNotified } from "../../e2e/outside.fixture.ts";
import { GantryProcess } from "../../processes/gantry-process.ts";

const CREATE = { params: { name: "orders", title: "Orders", jiraKey: "ORD" } };

test("kill -9 during CI and CD", { timeout: 240_000 }, async (t) => {
  const ends = latestFirst(t);
  const folder = await tempFolder(ends, "crashes");
  const data = join(folder, "gantry");
  let gantry = await GantryProcess.start(data);
  ends.after(() => gantry.stop());
  const created = await gantry.ended((await gantry.press("/v1/apps", CREATE)).id);
  assert.equal(created.state, "succeeded", created.headline);

  await t.test("of the whole process during CI", async () => {
    const task = await gantry.press("/v1/apps/orders/ci", {}, "one-press");
    // Between two steps, during the push of the image, and while a step waits for another system.
    for (const step of ["install", "image", "gate"]) {
      await gantry.until(task.id, (fact) => fact.kind === "StepStarted" && fact.step === step);
      await gantry.kill();
      gantry = await GantryProcess.start(data);
    }
    const ended = await gantry.ended(task.id);
    assert.equal(ended.state, "succeeded", ended.headline);
    assert.equal(
      (await gantry.press("/v1/apps/orders/ci", {}, "one-press")).id,
      task.id,
      "the same key gives the same task",
    );
    assert.equal((await tags(gantry, "seoul", "apps/orders")).length, 1);
    await untilNotified(gantry, [created.id, task.id]);
    assert.equal((await messages(gantry)).length, 2);
  });

  await t.test("of a runner alone during CD, with separate processes", async () => {
    assert.equal(await gantry.stop(), 0);
    gantry = await GantryProcess.start(data, ["--no-demo", "--separate"]);
    const killRunner = (site: string): void => {
      const pids = JSON.parse(readFileSync(join(data, "pids.json"), "utf8")) as Record<string, number>;
      process.kill(pids[`task-runner-${site}-1`] ?? Number.NaN, "SIGKILL");
    };
    const task = await gantry.press("/v1/apps/orders/cd", {});
    await gantry.until(task.id, (fact) => fact.kind === "StepStarted" && fact.step === "push");
    killRunner("seoul");
    await gantry.until(
      task.id,
      (fact) => fact.kind === "StepStarted" && fact.job === "deploy[tokyo]" && fact.step === "sync",
    );
    killRunner("tokyo");

    const ended = await gantry.ended(task.id);
    assert.equal(ended.state, "succeeded", ended.headline);
    assert.ok(
      ended.jobs.some((job) => job.attempts.some((one) => one.outcome === "lost")),
      "an attempt was lost, and says so",
    );
    const { record } = (await gantry.call("GET", "/v1/apps/orders")).body as {
      record: { yaml: { cloneUrl: string } };
    };
    const yaml = await Clone.of(gantry, record.yaml.cloneUrl, join(folder, "yaml"));
    assert.equal(await yaml.commits(), 2, "the start and one deployment");
    for (const site of ["seoul", "tokyo"]) {
      const { status } = await argoApp(gantry, site, `orders-${site}-dp`);
      assert.deepEqual(
        [status.sync.status, status.health.status, status.sync.revision],
        ["Synced", "Healthy", ended.outputs.commit],
      );
    }
    await untilNotified(gantry, [task.id]);
    assert.equal((await messages(gantry)).filter((one) => one.key.includes(task.id)).length, 1);
  });
});

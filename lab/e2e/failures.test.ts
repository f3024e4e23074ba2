// What goes wrong in real life: each ends `failed` at its step, with the first failing line, and people are told so.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { TaskView } from "@gantry/wire/views.ts";
import { GantryProcess } from "../gantry-process.ts";
import { Clone, latestFirst, messages, tempFolder, told } from "./outside.fixture.ts";

test("a red build, a critical finding, a red gate and a Degraded app", { timeout: 150_000 }, async (t) => {
  const ends = latestFirst(t);
  const data = await tempFolder(ends, "failures");
  const gantry = await GantryProcess.start(join(data, "gantry"));
  ends.after(() => gantry.stop());
  const created = await gantry.ended(
    (await gantry.press("/v1/apps", { params: { name: "orders", title: "Orders", jiraKey: "ORD" } })).id,
  );
  assert.equal(created.state, "succeeded", created.headline);
  const { record } = (await gantry.call("GET", "/v1/apps/orders")).body as { record: { source: { cloneUrl: string } } };
  const source = await Clone.of(gantry, record.source.cloneUrl, join(data, "source"));
  const ci = async (): Promise<TaskView> => gantry.ended((await gantry.press("/v1/apps/orders/ci", {})).id);

  const failedAt = async (task: TaskView, job: string, step: string, line: RegExp): Promise<void> => {
    assert.equal(task.state, "failed", task.headline);
    assert.deepEqual(task.failedAt, { job, step });
    assert.match(task.failure?.line ?? "", line);
    await told(gantry, [task.id]);
    const message = (await messages(gantry)).find((one) => one.key === `task-ended/${task.id}/cube`);
    assert.match(message?.text ?? "", line, "people are told the line");
  };

  await t.test("a test that fails", async () => {
    await source.push(
      "package.json",
      (text) => text.replace(/"test": "[^"]*"/, '"test": "echo 1 passed && echo \\"not ok 7 - adds up\\" && exit 3"'),
      "Break the test",
    );
    await failedAt(await ci(), "build", "test", /not ok 7 - adds up/);
    await source.git("revert", "--no-edit", "HEAD");
    await source.git("push", "--quiet");
  });

  await t.test("an image with a critical finding", async () => {
    await source.push(
      "Dockerfile",
      (text) => `${text.trimEnd()}\nLABEL lab.vulnerability=critical\n`,
      "Use a bad library",
    );
    await failedAt(await ci(), "scan", "scan", /LAB-\d+-\d+ lab-package/);
    await source.git("revert", "--no-edit", "HEAD");
    await source.git("push", "--quiet");
  });

  await t.test("a quality gate that is red", async () => {
    await source.push("sonar-project.properties", (text) => `${text.trimEnd()}\nlab.coverage=41\n`, "Test less");
    await failedAt(await ci(), "analyze", "gate", /coverage/i);
    await source.git("revert", "--no-edit", "HEAD");
    await source.git("push", "--quiet");
  });

  await t.test("an app that becomes Degraded, because its image does not exist", async () => {
    const good = await ci();
    assert.equal(good.state, "succeeded", good.headline);
    const digest = `sha256:${"0".repeat(64)}`;
    const task = await gantry.ended((await gantry.press("/v1/apps/orders/cd", { params: { digest } })).id);
    assert.equal(task.state, "failed", task.headline);
    assert.match(task.failedAt?.job ?? "", /^deploy\[(seoul|tokyo)\]$/);
    assert.equal(task.failedAt?.step, "wait");
    assert.match(task.failure?.line ?? "", /not found/);
    assert.deepEqual(
      task.jobs.filter((job) => job.id === "deploy").map((job) => job.state),
      ["failed", "failed"],
    );
  });
});

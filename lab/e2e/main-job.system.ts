// The main job as a user sees it: Gantry as a process, three buttons in a browser, checks from outside, and what people do
// afterwards. main-job.test.ts is the short form.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { GantryProcess } from "../processes/gantry-process.ts";
import { hasBrowser, pressInBrowser } from "./browser.fixture.ts";
import { CREATE, pressByApi, testMainJob } from "./main-job.fixture.ts";
import {
  Clone,
  deleteManifest,
  has,
  latestFirst,
  repositoryStatus,
  tags,
  takeJiraKey,
  tempFolder,
} from "./outside.fixture.ts";

const run = promisify(execFile);

test("three buttons lead to Synced and Healthy on two clusters at two sites, and nothing is done twice", {
  timeout: 600_000,
}, async (t) => {
  const ends = latestFirst(t);
  const data = await tempFolder(ends, "main-job");
  const gantry = await GantryProcess.start(join(data, "gantry"));
  ends.after(() => gantry.stop());

  await t.test("three buttons in a browser", async (st) => {
    if (hasBrowser()) return pressInBrowser(st, gantry);
    await pressByApi(gantry);
    st.skip("Chromium is not installed: they were pressed by the API");
  });
  const { created, built, deployed, image, digest, sourceUrl, yaml, commitPage } = await testMainJob(t, gantry, data);

  await t.test("an unmodified OCI client reads it", async (st) => {
    if (!(await has("skopeo"))) return st.skip("skopeo is not installed");
    const { username, secret } = gantry.lab("seoul-harbor");
    const { stdout } = await run("skopeo", [
      "inspect",
      "--tls-verify=false",
      `--creds=${username}:${secret}`,
      `docker://${image}@${digest}`,
    ]);
    assert.equal((JSON.parse(stdout) as { Digest: string }).Digest, digest);
  });

  await t.test("a second run of CI and CD does nothing twice", async () => {
    const source = await Clone.of(gantry, sourceUrl, join(data, "source"));
    const before = {
      source: await source.commits(),
      yaml: await yaml.commits(),
      tags: await tags(gantry, "seoul", "apps/orders"),
    };
    const refusesStatuses = {
      kind: "status",
      match: "^POST .*/builds$",
      status: 400,
      body: { errors: [{ exceptionName: "InvalidBuildStatusException", message: "no builds today" }] },
      times: 2,
    };
    await fetch(`${gantry.lab("bitbucket").url}/_lab/faults`, {
      method: "POST",
      body: JSON.stringify(refusesStatuses),
    });
    const again = await gantry.ended((await gantry.press("/v1/apps/orders/ci", {})).id);
    const report = again.jobs.find(({ key }) => key === "report")?.steps[0];
    assert.deepEqual([report?.state, report?.outputs], ["succeeded", { set: false }], "a status never fails a task");
    assert.equal(again.state, "succeeded", again.headline);
    assert.equal(again.outputs.image, built.outputs.image, "same inputs, same digest");
    const cd = await gantry.ended((await gantry.press("/v1/apps/orders/cd", {})).id);
    assert.equal(cd.state, "succeeded", cd.headline);
    assert.equal(cd.outputs.commit, deployed.outputs.commit);
    assert.deepEqual(
      { source: await source.commits(), yaml: await yaml.commits(), tags: await tags(gantry, "seoul", "apps/orders") },
      before,
    );
  });

  await t.test("what must not be deployed is refused before the commit, with what to do", async () => {
    const commits = await yaml.commits();
    const source = await Clone.of(gantry, sourceUrl, join(data, "feature"));
    await source.git("push", "--quiet", "origin", "HEAD:refs/heads/feature");
    const feature = await gantry.ended((await gantry.press("/v1/apps/orders/ci", { params: { ref: "feature" } })).id);
    assert.equal(feature.state, "succeeded", feature.headline);
    for (const [build, expected] of [
      [
        `sha256:${"c".repeat(64)}`,
        /no build of orders has an image with the digest .* only what passed CI can be deployed/i,
      ],
      [
        "3",
        /Build #3 is of the branch feature, and seoul takes builds of main only: merge the change and run CI there/,
      ],
    ] as const) {
      const body = { params: { build } };
      const { status, body: problem } = await gantry.call("POST", "/v1/apps/orders/cd", body, {
        "idempotency-key": build,
      });
      assert.ok(status === 400 || status === 409 || status === 422, String(status));
      assert.match(JSON.stringify(problem), expected);
    }
    await deleteManifest(gantry, "seoul", "apps/orders", digest);
    const cd = await gantry.ended((await gantry.press("/v1/apps/orders/cd", { params: { targets: ["seoul"] } })).id);
    assert.deepEqual([cd.state, cd.failedAt?.job], ["failed", "check[seoul]"], cd.headline);
    assert.equal(cd.failure?.code, "image-missing");
    assert.match(cd.failure?.todo ?? "", /run CI\. Nothing was changed/);
    assert.match(await commitPage(built.outputs.commit), /gantry\/cd\/orders<\/th><td>FAILED: Not deployed to seoul</);
    assert.equal(await yaml.commits(), commits, "nothing was committed");
  });

  await t.test("creating the same app again is refused, and its rerun creates nothing", async () => {
    const refused = await gantry.call("POST", "/v1/apps", CREATE, { "idempotency-key": "again" });
    assert.equal(refused.status, 409);
    assert.equal((refused.body as { code: string }).code, "app-exists");
    const sameKey = { params: { name: "returns", title: "Returns", jiraKey: "ORD" } };
    const taken = await gantry.call("POST", "/v1/apps", sameKey, { "idempotency-key": "same-jira-project" });
    assert.deepEqual([taken.status, (taken.body as { code: string }).code], [409, "claim-taken"]);
    const rerun = await gantry.call(
      "POST",
      `/v1/tasks/${created.id}/rerun`,
      { from: "all" },
      { "idempotency-key": "rerun" },
    );
    assert.equal(rerun.status, 202);
    const ended = await gantry.ended((rerun.body as { id: string }).id);
    assert.equal(ended.state, "succeeded", ended.headline);
    assert.equal(await yaml.commits(), 2);
  });

  // The key of the Jira project is taken in Jira, so these creations fail after they have made two repositories.
  const taken = await takeJiraKey(gantry, "TAKEN");
  const failing = async (name: string): Promise<{ readonly task: TaskView; readonly repository: string }> => {
    const task = await gantry.ended(
      (await gantry.press("/v1/apps", { params: { name, title: name, jiraKey: "TAKEN" } })).id,
    );
    assert.notEqual(task.state, "succeeded");
    const made = task.jobs.flatMap(({ steps }) => steps).find(({ id }) => id === "repository");
    return { task, repository: String(made?.outputs?.url) };
  };

  await t.test("a failed creation is undone: what it made is deleted, and its name is free", async () => {
    const { repository } = await failing("payments");
    assert.equal(await repositoryStatus(gantry, repository), 200);
    const undo = await gantry.call("DELETE", "/v1/apps/payments?undo=true");
    assert.equal(undo.status, 202, JSON.stringify(undo.body));
    const undone = await gantry.ended((undo.body as TaskView).id);
    assert.equal(undone.state, "succeeded", undone.headline);
    assert.equal(await repositoryStatus(gantry, repository), 404);
    assert.equal((await gantry.call("GET", "/v1/apps/payments")).status, 404);
    assert.equal((await gantry.call("DELETE", "/v1/apps/orders?undo=true")).status, 409, "an app that is ready");
  });

  await t.test("a failed creation is forgotten only by who says that what it made stays", async () => {
    const { repository } = await failing("payments");
    const refused = await gantry.call("DELETE", "/v1/apps/payments?undo=false");
    assert.deepEqual([refused.status, (refused.body as { code: string }).code], [409, "creation-left"]);
    assert.equal((await gantry.call("DELETE", "/v1/apps/payments?undo=false&keep=true")).status, 204);
    assert.equal((await gantry.call("GET", "/v1/apps/payments")).status, 404);
    assert.equal(await repositoryStatus(gantry, repository), 200);
  });

  await t.test("a failed creation is resumed when its cause is gone", async () => {
    const { task } = await failing("invoices");
    await taken.release();
    const resumed = await gantry.press(`/v1/tasks/${task.id}/rerun`, { from: "failed" });
    const ended = await gantry.ended(resumed.id);
    assert.equal(ended.state, "succeeded", ended.headline);
    const { body } = await gantry.call("GET", "/v1/apps/invoices");
    assert.equal((body as { state: string }).state, "ready");
  });

  await t.test("a second cancel gives the same answer as the first", async () => {
    const { id } = await gantry.press("/v1/apps/orders/ci", {});
    const cancel = () => gantry.call("POST", `/v1/tasks/${id}/cancel`, { reason: "the wrong branch" });
    assert.equal((await cancel()).status, 202);
    assert.equal((await cancel()).status, 202);
    const ended = await gantry.ended(id);
    assert.equal(ended.state, "canceled");
    const [once, again] = [await cancel(), await cancel()];
    assert.deepEqual([once.status, again.status], [202, 202]);
    assert.deepEqual(once.body, again.body);
    assert.equal((once.body as TaskView).cancel?.reason, "the wrong branch");
  });
});

// A step of a creation that failed after it had made its object: the record of what it began is enough to find and delete it.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { latestFirst, tempFolder } from "../../e2e/outside.fixture.ts";
import { GantryProcess } from "../../processes/gantry-process.ts";

test("what a creation made without having heard of it is listed as perhaps made, and undone", {
  timeout: 240_000,
}, async (t) => {
  const ends = latestFirst(t);
  const data = await tempFolder(ends, "undo-unfinished");
  const gantry = await GantryProcess.start(join(data, "gantry"));
  ends.after(() => gantry.stop());
  const { url, secret } = gantry.lab("bitbucket");
  const fault = (method: "POST" | "DELETE", body?: object) =>
    fetch(`${url}/_lab/faults`, {
      method,
      headers: { "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const isThere = async (slug: string): Promise<boolean> => {
    const headers = { authorization: `Bearer ${secret}` };
    return (await fetch(`${url}/rest/api/latest/projects/APPS/repos/${slug}`, { headers })).status === 200;
  };

  // The repository is made and described; the answer is lost, and then the host is down until a person ends the task.
  await fault("POST", { kind: "drop-answer", match: "PUT .*/repos/shipping$", times: 1 });
  await fault("POST", { kind: "status", status: 503, match: "GET .*/repos/shipping$", times: 10_000, after: 1 });
  const params = { name: "shipping", title: "shipping", jiraKey: "SHI" };
  const { id } = await gantry.press("/v1/apps", { params });
  await gantry.until(id, ({ kind, job, reason }) => {
    return kind === "StepWaiting" && job === "source" && String(reason).includes("503");
  });
  // The other repository is made beside it.
  await gantry.until(id, ({ kind, job }) => kind === "JobEnded" && job === "yaml");
  assert.equal((await gantry.call("POST", `/v1/tasks/${id}/cancel`, {})).status, 202);
  const lost = await gantry.ended(id);
  await fault("DELETE");
  assert.notEqual(lost.state, "succeeded");
  assert.deepEqual([await isThere("shipping"), await isThere("shipping-deploy")], [true, true]);

  const refused = await gantry.call("DELETE", "/v1/apps/shipping?undo=false");
  assert.equal(refused.status, 409);
  assert.match(JSON.stringify(refused.body), /perhaps create repository APPS\/shipping\b/);
  const { items } = (await gantry.call("GET", "/v1/apps/shipping/undo")).body as { items: { what: string }[] };
  assert.deepEqual(
    items.find(({ what }) => what === "create repository APPS/shipping"),
    { what: "create repository APPS/shipping", site: "platform", unsure: true },
  );

  const undo = (await gantry.call("DELETE", "/v1/apps/shipping?undo=true")).body as TaskView;
  const undone = await gantry.ended(undo.id);
  assert.equal(undone.state, "succeeded", undone.headline);
  assert.deepEqual([await isThere("shipping"), await isThere("shipping-deploy")], [false, false]);
  assert.equal((await gantry.call("GET", "/v1/apps/shipping")).status, 404, "its name is free");
});

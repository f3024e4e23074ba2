// A creation that failed halfway: it can be undone, which deletes only what it made, forgotten, and begun again.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { latestFirst, takeJiraKey, tempFolder } from "../../e2e/outside.fixture.ts";
import { GantryProcess } from "../../processes/gantry-process.ts";

const create = (name: string, jiraKey: string): object => ({ params: { name, title: name, jiraKey } });

test("a failed create is undone, deleting only what it made, or forgotten; its name is free again", {
  timeout: 240_000,
}, async (t) => {
  const ends = latestFirst(t);
  const data = await tempFolder(ends, "undo-create");
  const gantry = await GantryProcess.start(join(data, "gantry"));
  ends.after(() => gantry.stop());
  const remove = (name: string, undo: boolean, keep = false) =>
    gantry.call("DELETE", `/v1/apps/${name}?undo=${undo}${keep ? "&keep=true" : ""}`);
  const run = async (name: string, jiraKey: string): Promise<TaskView> =>
    gantry.ended((await gantry.press("/v1/apps", create(name, jiraKey))).id);
  const repositoriesMade = (task: TaskView): readonly string[] =>
    task.jobs.flatMap(({ steps }) =>
      steps.filter(({ id }) => id === "repository").map((one) => String(one.outputs?.url)),
    );
  const isThere = async (repository: string): Promise<boolean> => {
    const { url, secret } = gantry.lab("bitbucket");
    const path = repository.slice(url.length).replace("/browse", "");
    const headers = { authorization: `Bearer ${secret}` };
    const { status } = await fetch(`${url}/rest/api/latest${path}`, { headers });
    assert.ok(status === 200 || status === 404, `${status}`);
    return status === 200;
  };

  assert.equal((await run("orders", "ORD")).state, "succeeded");
  assert.equal((await remove("orders", true)).status, 409, "an app that is ready is not removed");
  assert.equal((await remove("nobody", true)).status, 404);

  await takeJiraKey(gantry, "TAKEN");
  const failed = await run("payments", "TAKEN");
  assert.notEqual(failed.state, "succeeded");
  const [source = "", yaml = ""] = repositoriesMade(failed);
  assert.deepEqual([await isThere(source), await isThere(yaml)], [true, true]);
  const refused = await remove("payments", false);
  assert.equal(refused.status, 409, "what it made is not forgotten by accident");
  assert.match(
    JSON.stringify(refused.body),
    /create repository APPS\/payments-deploy.*gantry app forget payments --undo/,
  );
  const made = (await gantry.call("GET", "/v1/apps/payments/undo")).body as { items: readonly unknown[] };
  assert.deepEqual(made.items, [
    { what: "create repository APPS/payments-deploy", site: "platform", url: yaml },
    { what: "create repository APPS/payments", site: "platform", url: source },
  ]);
  const undo = await remove("payments", true);
  assert.equal(undo.status, 202, JSON.stringify(undo.body));
  const undone = await gantry.ended((undo.body as TaskView).id);
  assert.equal(undone.state, "succeeded", undone.headline);
  assert.deepEqual([await isThere(source), await isThere(yaml)], [false, false]);
  assert.equal((await gantry.call("GET", "/v1/apps/payments")).status, 404);
  assert.equal((await gantry.call("GET", "/v1/apps/orders")).status, 200);
  assert.equal((await run("payments", "PAY")).state, "succeeded", "the name is free");

  // No repository can be created, so the Jira project is all that there is.
  const hosts = `${gantry.lab("bitbucket").url}/_lab/faults`;
  const fault = { kind: "status", status: 403, match: "POST .*/repos$", times: 50 };
  await fetch(hosts, { method: "POST", body: JSON.stringify(fault), headers: { "content-type": "application/json" } });
  const onlyJira = await run("invoices", "INV");
  await fetch(hosts, { method: "DELETE" });
  assert.notEqual(onlyJira.state, "succeeded");
  const jiraUrl = String(
    onlyJira.jobs.flatMap(({ steps }) => steps).find(({ uses }) => uses === "jira/create-project")?.outputs?.url,
  );
  assert.equal((await fetch(jiraUrl)).status, 200);
  const removal = await remove("invoices", true);
  assert.equal((await gantry.ended((removal.body as TaskView).id)).state, "succeeded");
  assert.equal((await fetch(jiraUrl)).status, 404, "the Jira project is gone");

  const other = await run("billing", "TAKEN");
  const kept = repositoriesMade(other)[0] ?? "";
  assert.equal((await remove("billing", true, true)).status, 400, "one cannot delete and keep");
  assert.equal((await remove("billing", false, true)).status, 204);
  assert.equal((await gantry.call("GET", "/v1/apps/billing")).status, 404);
  assert.equal(await isThere(kept), true, "forgetting changes nothing outside");
});

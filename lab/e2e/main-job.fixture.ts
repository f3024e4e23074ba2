// What the main job leads to, seen from outside: in the registries, git, Argo CD, Jira, and in what people are told.

import assert from "node:assert/strict";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import type { GantryProcess } from "../processes/gantry-process.ts";
import { argoApp, Clone, jiraProject, mails, manifestDigest, messages, untilNotified } from "./outside.fixture.ts";

export const CREATE = { params: { name: "orders", title: "Orders", jiraKey: "ORD" } };

export type MainJob = {
  readonly created: TaskView;
  readonly built: TaskView;
  readonly deployed: TaskView;
  readonly image: string;
  readonly digest: string;
  readonly sourceUrl: string;
  /** A clone of the yaml repository. */
  readonly yaml: Clone;
  /** The page of a commit at the git host. */
  readonly commitPage: (commit: unknown) => Promise<string>;
};

/** Presses the three buttons by the API. */
export async function pressByApi(gantry: GantryProcess): Promise<void> {
  await gantry.ended((await gantry.press("/v1/apps", CREATE)).id);
  for (const button of ["ci", "cd"]) await gantry.ended((await gantry.press(`/v1/apps/orders/${button}`, {})).id);
}

/** After the three buttons were pressed: waits for their tasks, and tests what they have led to. `data`: a folder for clones. */
export async function testMainJob(t: TestContext, gantry: GantryProcess, data: string): Promise<MainJob> {
  const ofPipeline = async (pipeline: string): Promise<TaskView> => {
    const { items } = (await gantry.call("GET", `/v1/tasks?pipeline=${pipeline}`)).body as { items: { id: string }[] };
    assert.equal(items.length, 1, `one press, one task of ${pipeline}`);
    const task = await gantry.ended(items[0]?.id ?? "");
    assert.equal(task.state, "succeeded", task.headline);
    return task;
  };
  const [created, built, deployed] = [await ofPipeline("create-app"), await ofPipeline("ci"), await ofPipeline("cd")];

  const [image = "", digest = ""] = String(built.outputs.image).split("@");
  const record = (await gantry.call("GET", "/v1/apps/orders")).body as {
    record: { yaml: { cloneUrl: string }; source: { cloneUrl: string } };
  };
  const yaml = await Clone.of(gantry, record.record.yaml.cloneUrl, join(data, "yaml"));

  await t.test("the image is in the registry at the digest that the task reported", async () => {
    assert.match(digest, /^sha256:[0-9a-f]{64}$/);
    assert.equal(await manifestDigest(gantry, "seoul", "apps/orders", digest), digest);
  });

  await t.test("git has the digest in both overlays, and comments are kept", async () => {
    for (const overlay of ["overlays/seoul-dp/kustomization.yaml", "overlays/tokyo-dp/kustomization.yaml"]) {
      const text = await yaml.read(overlay);
      assert.match(text, new RegExp(`digest: "?${digest}`));
      const first = await yaml.git("rev-list", "--max-parents=0", "HEAD");
      const comments = (content: string): string[] => content.split("\n").filter((line) => line.trim().startsWith("#"));
      assert.deepEqual(comments(text), comments(await yaml.git("show", `${first}:${overlay}`)));
      assert.ok(comments(text).length > 0);
    }
  });

  await t.test("both Argo CDs report Synced and Healthy at that commit", async () => {
    const commit = await yaml.git("rev-parse", "HEAD");
    assert.equal(deployed.outputs.commit, commit);
    for (const site of ["seoul", "tokyo"]) {
      const { status } = await argoApp(gantry, site, `orders-${site}-dp`);
      assert.deepEqual([status.sync.status, status.health.status, status.sync.revision], ["Synced", "Healthy", commit]);
      assert.deepEqual(status.summary.images, [
        `${new URL(gantry.lab(`${site}-harbor`).url).host}/apps/orders@${digest}`,
      ]);
      assert.equal(await manifestDigest(gantry, site, "apps/orders", digest), digest, `the image is at ${site}`);
    }
  });

  const commitPage = async (commit: unknown): Promise<string> => {
    const page = await fetch(`${gantry.lab("bitbucket").url}/projects/APPS/repos/orders/commits/${commit}`);
    return page.text();
  };
  await t.test("the commit at the git host shows how CI and CD went, with links to the tasks", async () => {
    const page = await commitPage(built.outputs.commit);
    assert.match(page, /gantry\/ci\/orders<\/th><td>SUCCESSFUL: Succeeded/);
    assert.match(page, /gantry\/cd\/orders<\/th><td>SUCCESSFUL: Deployed to seoul, tokyo/);
    for (const { id } of [built, deployed]) assert.match(page, new RegExp(`href="http[^"]+/tasks/${id}"`));
  });

  await t.test("the Jira project exists", async () => {
    assert.equal((await jiraProject(gantry, "ORD")).name, "Orders");
  });

  await t.test("messenger and mailbox have one message per event and rule", async () => {
    const tasks = [created.id, built.id, deployed.id];
    await untilNotified(gantry, tasks);
    const keys = (await messages(gantry)).map((one) => one.key);
    assert.deepEqual(
      keys.toSorted(),
      [`app-created/${created.id}/cube`, `task-ended/${built.id}/cube`, `task-ended/${deployed.id}/cube`].toSorted(),
    );
    assert.equal(new Set((await mails(gantry)).map((one) => one.messageId)).size, 3);
    assert.equal((await mails(gantry)).length, 3);
  });

  return { created, built, deployed, image, digest, sourceUrl: record.record.source.cloneUrl, yaml, commitPage };
}

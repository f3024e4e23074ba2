// Adopted apps of several shapes, from the adoption to forgetting them. Each builds and deploys several times, so they are not
// part of `npm test`.

import assert from "node:assert/strict";
import { test } from "node:test";
import { BASE, type Field, openField, type PullRequest } from "./adopted.fixture.ts";
import { deployment, liveWith, repository, SHAPES } from "./adopted-shapes.fixture.ts";
import { has } from "./outside.fixture.ts";

test("adopted apps of several shapes are built, deployed, changed and forgotten", { timeout: 600_000 }, async (t) => {
  const field = await openField(t);
  const tools: { readonly [name: string]: string } = { ledger: "mvn", tills: "go" };
  for (const shape of SHAPES)
    await t.test(shape.title, async (st) => {
      const tool = tools[shape.name];
      if (tool !== undefined && !(await has(tool))) return st.skip(`${tool} is not installed`);
      await liveWith(field, shape);
    });
});

/** A look per answer of Gantry: it answers when something happened. */
async function openOne(field: Field, slug: string, task: string): Promise<PullRequest> {
  for await (const _ of field.gantry.events(task)) {
    const found = (await field.pullRequests(slug)).find(
      ({ state, fromRef }) => state === "OPEN" && fromRef.displayId.includes(task),
    );
    if (found) return found;
  }
  return assert.fail(`task ${task} ended without a pull request: ${(await field.gantry.task(task)).headline}`);
}

test("an app whose branches are protected is deployed by pull requests", { timeout: 300_000 }, async (t) => {
  const field = await openField(t);
  const [name, yaml] = ["vault", "vault-yaml"];
  await field.makeRepository(name, { "app.py": "1\n", Dockerfile: `${BASE}COPY app.py /srv/app.py\n` });
  await field.makeRepository(yaml, { "vault.yaml": deployment("vault", "registry.example/apps/vault:1") });
  await field.protect(yaml, 1);
  await field.adopt(name, {
    title: "Vault",
    source: repository(name),
    build: { site: "seoul" },
    yaml: { ...repository(yaml), form: "plain" },
    targets: [{ name: "seoul", site: "seoul", cluster: "seoul-dp", files: ["vault.yaml"] }],
  });
  const filesOf = async (): Promise<string | undefined> => (await field.contents(yaml)).files["vault.yaml"];
  const states = async (): Promise<readonly string[]> => (await field.pullRequests(yaml)).map(({ state }) => state);

  const first = await field.ci(name);
  const refused = await field.refusedCd(name);
  assert.equal(refused.failure?.code, "branch-protected", refused.headline);
  assert.match(refused.failure?.todo ?? "", /push: pull-request/);

  await t.test("a person merges", async () => {
    await field.change(name, { yaml: { push: "pull-request" } });
    const { id } = await field.start(name);
    const request = await openOne(field, yaml, id);
    await field.approve(yaml, request.id);
    await field.merge(yaml, request.id);
    const task = await field.gantry.ended(id);
    assert.equal(task.state, "succeeded", task.headline);
    const [image] = first.images;
    assert.equal(await filesOf(), deployment("vault", `${image?.image}@${image?.digest}`));
  });

  await t.test("Gantry merges when the check has passed and a person has approved", async () => {
    await field.push(name, { "app.py": "2\n" });
    const [image] = (await field.ci(name)).images;
    await field.change(name, { yaml: { merge: "gantry" } });
    const { id } = await field.start(name);
    const request = await openOne(field, yaml, id);
    await field.check(request.fromRef.latestCommit, "INPROGRESS");
    await field.approve(yaml, request.id);
    await field.check(request.fromRef.latestCommit, "SUCCESSFUL");
    const task = await field.gantry.ended(id);
    assert.equal(task.state, "succeeded", task.headline);
    assert.equal(await filesOf(), deployment("vault", `${image?.image}@${image?.digest}`));
    assert.deepEqual(await states(), ["MERGED", "MERGED"]);
  });

  await t.test("a check that fails ends the task, and its pull request is closed", async () => {
    await field.push(name, { "app.py": "3\n" });
    await field.ci(name);
    const { id } = await field.start(name);
    const request = await openOne(field, yaml, id);
    await field.check(request.fromRef.latestCommit, "FAILED");
    const task = await field.gantry.ended(id);
    assert.equal(task.failure?.code, "pull-request-refused", task.headline);
    assert.match(task.failure?.why ?? "", /yaml-lint failed/);
    assert.deepEqual(await states(), ["DECLINED", "MERGED", "MERGED"]);
  });

  await t.test("a newer CD replaces one that waits, and a canceled one closes its own", async () => {
    const older = await field.start(name);
    await openOne(field, yaml, older.id);
    const newer = await field.start(name);
    const replaced = await field.gantry.ended(older.id);
    assert.equal(replaced.state, "canceled");
    await openOne(field, yaml, newer.id);
    assert.deepEqual((await states()).slice(0, 2), ["OPEN", "DECLINED"]);
    await field.gantry.call("POST", `/v1/tasks/${newer.id}/cancel`, {}, { "idempotency-key": newer.id });
    assert.equal((await field.gantry.ended(newer.id)).state, "canceled");
    assert.deepEqual((await states()).slice(0, 2), ["DECLINED", "DECLINED"]);
  });
  await field.forget(name);
});

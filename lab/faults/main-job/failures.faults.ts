// Common failures, one after the other in one Gantry. Wrong input and failures of other systems end in a clear error that
// says what to do, without a crash and without unrecorded partial work. Failures of the app end as `failed` at their step,
// with the first failing line, and are notified.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { ProblemBody } from "@gantry/runtime/http/problem.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { Clone, latestFirst, messages, tempFolder, untilNotified } from "../../e2e/outside.fixture.ts";
import type { Fault } from "../../fakes/fake-server.ts";
import { GantryProcess } from "../../processes/gantry-process.ts";

const COMMAND = fileURLToPath(new URL("../../../cli/main.ts", import.meta.url));

test("wrong input, failing systems, failing apps", { timeout: 240_000 }, async (t) => {
  const ends = latestFirst(t);
  const data = await tempFolder(ends, "failures");
  const gantry = await GantryProcess.start(join(data, "gantry"));
  ends.after(() => gantry.stop());
  const post = async (path: string, body: object): Promise<{ status: number; problem: ProblemBody }> => {
    const answer = await gantry.call("POST", path, body, { "idempotency-key": crypto.randomUUID() });
    return { status: answer.status, problem: answer.body as ProblemBody };
  };
  const fault = async (standIn: string, what: Fault): Promise<void> => {
    const { url } = gantry.lab(standIn);
    await fetch(`${url}/_lab/faults`, { method: "POST", body: JSON.stringify(what) });
  };
  const tasks = async (): Promise<number> =>
    ((await gantry.call("GET", "/v1/tasks")).body as { items: unknown[] }).items.length;

  await t.test("a wrong parameter is refused with its place, and nothing is stored", async () => {
    const { status, problem } = await post("/v1/apps", {
      params: { name: "Orders!", title: "Orders", jiraKey: "ord" },
    });
    assert.equal(status, 400);
    assert.equal(problem.code, "bad-params");
    assert.deepEqual(problem.errors?.map((one) => one.pointer).toSorted(), ["/jiraKey", "/name"]);
    assert.ok(problem.todo.length > 0);
    assert.equal(await tasks(), 0);
  });

  await t.test("an unknown app is refused by name", async () => {
    const { status, problem } = await post("/v1/apps/nobody/ci", {});
    assert.deepEqual([status, problem.code], [404, "app-unknown"]);
    assert.match(problem.title, /nobody/);
    assert.equal(await tasks(), 0);
  });

  await t.test("a pipeline file with five mistakes: all five are reported, each with its line", async () => {
    const file = join(data, "five.yaml");
    const text = [
      "name: five",
      "app: none",
      "colour: green", // 3: an unknown key
      "jobs:",
      "  build:",
      "    site: seoul",
      "    needs: nobody", // 7: a job that does not exist
      "    steps:",
      "      - uses: git/chekout", // 9: a step that does not exist
      "        with: { repository: { project: A, slug: b } }",
      "      - uses: harbor/ensure-project", // 11: a missing input
      '      - run: echo "${{ params.name }}"', // 12: a value in a script
    ];
    await writeFile(file, text.join("\n"));
    const { code, stdout } = await new Promise<{ code: number; stdout: string }>((resolve) => {
      execFile(process.execPath, [COMMAND, "lint", file], (error, out) =>
        resolve({ code: Number(error?.code ?? 0), stdout: out }),
      );
    });
    assert.equal(code, 2);
    const lines = [...stdout.matchAll(/five\.yaml:(\d+):/g)].map((match) => Number(match[1]));
    for (const line of [3, 7, 9, 11, 12]) assert.ok(lines.includes(line), `line ${line} of\n${stdout}`);
  });

  await t.test("a git host that answers 500 for a while is retried; nothing is created twice", async () => {
    await fault("bitbucket", { match: "POST /rest/api/latest/projects/APPS/repos", kind: "drop-answer", times: 1 });
    await fault("bitbucket", {
      match: "GET /rest/api/latest/projects/APPS/repos/orders$",
      kind: "status",
      status: 500,
      times: 4,
    });
    const task = await gantry.press("/v1/apps", { params: { name: "orders", title: "Orders", jiraKey: "ORD" } });
    const waited = await gantry.until(
      task.id,
      (fact) => fact.kind === "StepWaiting" && /500/.test(String(fact.reason)),
    );
    assert.match(String(waited.data.event.reason), /bitbucket/i, "the step says what it waits for");
    const created = await gantry.ended(task.id);
    assert.equal(created.state, "succeeded", created.headline);
  });

  await t.test(
    "a git host that keeps answering 500 keeps the step waiting, which says so, until somebody cancels it",
    async () => {
      await fault("bitbucket", { match: "/apps/orders", kind: "status", status: 500, times: 1_000 });
      const task = await gantry.press("/v1/apps/orders/ci", {});
      const waited = await gantry.until(
        task.id,
        (fact) => fact.kind === "StepWaiting" && /500/.test(String(fact.reason)),
      );
      assert.match(String(waited.data.event.reason), /bitbucket/i);
      await gantry.call("POST", `/v1/tasks/${task.id}/cancel`, { reason: "it will not come back" });
      const ended = await gantry.ended(task.id);
      assert.equal(ended.state, "canceled", ended.headline);
      await fetch(`${gantry.lab("bitbucket").url}/_lab/faults`, { method: "DELETE" });
    },
  );

  const { record } = (await gantry.call("GET", "/v1/apps/orders")).body as { record: { source: { cloneUrl: string } } };
  const source = await Clone.of(gantry, record.source.cloneUrl, join(data, "source"));
  const ci = async (): Promise<TaskView> => gantry.ended((await gantry.press("/v1/apps/orders/ci", {})).id);

  await t.test("a push succeeds although the registry drops the connection in the middle", async () => {
    await fault("seoul-harbor", { match: "^(PATCH|PUT) /v2/.*blobs/uploads", kind: "drop", times: 2 });
    await fault("seoul-harbor", { match: "^PUT /v2/.*manifests", kind: "drop-answer", times: 1 });
    const built = await ci();
    assert.equal(built.state, "succeeded", built.headline);
  });

  await t.test("a digest that exists nowhere is refused before anything is committed", async () => {
    const body = { params: { build: `sha256:${"0".repeat(64)}` } };
    const refused = await gantry.call("POST", "/v1/apps/orders/cd", body, { "idempotency-key": "nowhere" });
    assert.equal(refused.status, 400);
    assert.match(JSON.stringify(refused.body), /no build of orders has an image with the digest/);
  });

  const failedAt = async (task: TaskView, job: string, step: string, line: RegExp): Promise<void> => {
    assert.equal(task.state, "failed", task.headline);
    assert.deepEqual(task.failedAt, { job, step });
    assert.match(task.failure?.line ?? "", line);
    await untilNotified(gantry, [task.id]);
    const message = (await messages(gantry)).find((one) => one.key === `task-ended/${task.id}/cube`);
    assert.match(message?.text ?? "", line, "the message contains the line");
  };

  await t.test("a test that fails", async () => {
    await source.push(
      "package.json",
      (text) => text.replace(/"test": "[^"]*"/, '"test": "echo 1 passed && echo \\"not ok 7 - adds up\\" && exit 3"'),
      "Break the test",
    );
    await failedAt(await ci(), "build[orders]", "test", /not ok 7 - adds up/);
    await source.git("revert", "--no-edit", "HEAD");
    await source.git("push", "--quiet");
  });

  await t.test("an image with a critical finding", async () => {
    await source.push(
      "Dockerfile",
      (text) => `${text.trimEnd()}\nLABEL lab.vulnerability=critical\n`,
      "Use a bad library",
    );
    await failedAt(await ci(), "scan[orders]", "scan", /LAB-\d+-\d+ lab-package/);
    await source.git("revert", "--no-edit", "HEAD");
    await source.git("push", "--quiet");
  });

  await t.test("a quality gate that is red", async () => {
    await source.push("sonar-project.properties", (text) => `${text.trimEnd()}\nlab.coverage=41\n`, "Test less");
    await failedAt(await ci(), "analyze", "gate", /coverage/i);
    await source.git("revert", "--no-edit", "HEAD");
    await source.git("push", "--quiet");
  });

  await t.test("a missing credential is reported with its name and the file where it should be", async () => {
    const secret = join(data, "gantry", "secrets", "seoul-harbor");
    await rename(secret, `${secret}.away`);
    const ended = await ci();
    assert.equal(ended.state, "errored", ended.headline);
    assert.equal(ended.failure?.code, "credential-missing");
    assert.match(`${ended.failure?.message} ${ended.failure?.why}`, /HARBOR[\s\S]*seoul-harbor/);
    await rename(`${secret}.away`, secret);
    const rerun = await gantry.call(
      "POST",
      `/v1/tasks/${ended.id}/rerun`,
      { from: "failed" },
      { "idempotency-key": "fixed" },
    );
    const again = await gantry.ended((rerun.body as { id: string }).id);
    assert.equal(again.state, "succeeded", again.headline);
  });

  await t.test("an app that becomes Degraded, because its image is gone when the pods start", async () => {
    const started = await gantry.press("/v1/apps/orders/cd", {});
    await gantry.until(started.id, (fact) => fact.kind === "StepEnded" && fact.step === "image");
    await fault("seoul-harbor", { match: "^(GET|HEAD) /v2/.*manifests", kind: "status", status: 404, times: 1_000 });
    const task = await gantry.ended(started.id);
    assert.equal(task.state, "failed", task.headline);
    assert.deepEqual(task.failedAt, { job: "deploy[seoul]", step: "wait" });
    assert.match(task.failure?.line ?? "", /not found/);
    // Tokyo has a registry of its own, to which CD has copied the image.
    assert.deepEqual(
      task.jobs.filter((job) => job.id === "deploy").map(({ key, state }) => [key, state]),
      [
        ["deploy[seoul]", "failed"],
        ["deploy[tokyo]", "succeeded"],
      ],
    );
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { JiraSystem } from "@gantry/core/site/systems.ts";
import type { FakeServer } from "@gantry/lab/fakes/fake-server.ts";
import { startJira } from "@gantry/lab/fakes/jira.ts";
import { Crash, fastClock, openBench, type StepBench } from "../step.fixture.ts";
import { tempDir } from "../temp-dir.fixture.ts";
import { openJira } from "./jira.fixture.ts";
import { comment, createIssue, createProject, transitionIssue } from "./steps.ts";

const FLAVOURS = ["data-center", "cloud"] as const;

async function withIssue(bench: StepBench): Promise<string> {
  await bench.run(createProject, { key: "ORD", name: "Orders" });
  const outcome = await bench.run(createIssue, { project: "ORD", summary: "Deploy orders" });
  assert.ok(outcome.kind === "succeeded", JSON.stringify(outcome));
  return outcome.output.key;
}

function posts(jira: FakeServer, path: RegExp): number {
  return jira.exchanges.filter(({ method, path: said, status }) => method === "POST" && path.test(said) && status < 300)
    .length;
}

for (const flavour of FLAVOURS) {
  test(`${flavour}: creates a project once, and recognises it in another task of the same app`, async (t) => {
    const { jira, bench } = await openJira(t, flavour);
    const input = { key: "ORD", name: "Orders", description: "Takes orders." };
    assert.deepEqual(await bench.plan(createProject, input), ["create the Jira project ORD (Orders)"]);
    const first = await bench.run(createProject, input);
    assert.ok(first.kind === "succeeded", JSON.stringify(first));
    assert.deepEqual(first.output, { key: "ORD", id: first.output.id, url: `${jira.url}/browse/ORD`, created: true });
    assert.match(await (await fetch(first.output.url)).text(), /fake.*Takes orders\./s);
    bench.nextTask();
    const second = await bench.run(createProject, input);
    assert.ok(second.kind === "succeeded");
    assert.deepEqual(second.output, { ...first.output, created: false });
    assert.deepEqual(await bench.plan(createProject, input), []);
    assert.equal(posts(jira, /\/project$/), 1);
  });

  test(`${flavour}: undoing a creation deletes the project, once, and never one with issues or of others`, async (t) => {
    const { bench } = await openJira(t, flavour);
    const input = { key: "ORD", name: "Orders" };
    const create = async (): Promise<Parameters<typeof undo>[0]> => {
      bench.nextTask();
      const outcome = await bench.run(createProject, input);
      assert.ok(outcome.kind === "succeeded", JSON.stringify(outcome));
      return outcome.output;
    };
    const undo = (output: { key: string; id: string; url: string; created: boolean }) =>
      bench.undo(createProject, input, output);
    const isThere = async (output: { url: string }): Promise<boolean> => (await fetch(output.url)).ok;
    const first = await create();
    await undo({ ...first, created: false });
    assert.ok(await isThere(first), "found, not made");
    await undo(first);
    assert.ok(!(await isThere(first)));
    await undo(first);
    assert.match(bench.lines.join("\n"), /deleted the Jira project ORD\nthere is no Jira project ORD/);
    const second = await create();
    await undo(first);
    assert.ok(await isThere(second), "another project of the same key");
    bench.nextTask({ app: "others" });
    await undo(second);
    assert.ok(await isThere(second), "another app's");
    bench.nextTask({ app: "orders" });
    await bench.run(createIssue, { project: "ORD", summary: "Work of people" });
    await undo(second);
    assert.ok(await isThere(second), "it has issues");
    assert.match(bench.lines.join("\n"), /kept the Jira project ORD: it has issues/);
  });

  test(`${flavour}: an undo finds the project of a creation whose answer was lost, and no other`, async (t) => {
    const { bench } = await openJira(t, flavour);
    const input = { key: "ORD", name: "Orders" };
    const none = "there is no Jira project ORD";
    assert.equal(await bench.find(createProject, input), none);
    bench.crashAt({ effect: "project", when: "after-perform" });
    await assert.rejects(bench.once(createProject, input), Crash);
    const found = await bench.find(createProject, input);
    assert.ok(typeof found === "object");
    bench.nextTask({ app: "others" });
    assert.match(
      String(await bench.find(createProject, input)),
      /^the Jira project ORD stays: task t2 may have made it/,
    );
    bench.nextTask({ app: "orders" });
    await bench.undo(createProject, input, found);
    assert.equal(await bench.find(createProject, input), none);
  });

  test(`${flavour}: an issue, its transition and a comment`, async (t) => {
    const { jira, bench } = await openJira(t, flavour);
    const issue = await withIssue(bench);
    assert.equal(issue, "ORD-1");
    const moved = await bench.run(transitionIssue, { issue, to: "done" });
    assert.ok(moved.kind === "succeeded", JSON.stringify(moved));
    assert.deepEqual(moved.output, { key: issue, status: "Done", changed: true, url: `${jira.url}/browse/ORD-1` });
    bench.nextTask();
    const again = await bench.run(transitionIssue, { issue, to: "Done" });
    assert.ok(again.kind === "succeeded" && !again.output.changed);
    bench.nextTask();
    const nowhere = await bench.run(transitionIssue, { issue, to: "Shipped" });
    assert.ok(nowhere.kind === "errored");
    const said = await bench.run(comment, { issue, text: "Deployed to seoul.\nHealthy." });
    assert.ok(said.kind === "succeeded");
    assert.match(await (await fetch(said.output.url)).text(), /Deployed to seoul/);
  });
}

test("a project of others is never taken over", async (t) => {
  const { bench } = await openJira(t, "data-center");
  await bench.run(createProject, { key: "ORD", name: "Orders" });
  bench.nextTask({ app: "ordinals" });
  const outcome = await bench.run(createProject, { key: "ORD", name: "Ordinals" });
  assert.ok(outcome.kind === "errored");
  assert.deepEqual([outcome.failure.code, outcome.retryable], ["exists-foreign", false]);
  assert.match(outcome.failure.why ?? "", /"Orders".*gantry:app=ordinals/);
});

test("Jira's own complaint reaches the person", async (t) => {
  const { bench } = await openJira(t, "data-center");
  await bench.run(createProject, { key: "ORD", name: "Orders" });
  bench.nextTask();
  const outcome = await bench.run(createProject, { key: "ORX", name: "orders" });
  assert.ok(outcome.kind === "errored");
  assert.equal(outcome.failure.code, "system-refused");
  assert.match(outcome.failure.why ?? "", /projectName: A project with that name already exists/);
});

test("a key that could become a path is refused before anything is sent", async (t) => {
  const { jira, bench } = await openJira(t, "data-center");
  for (const key of ["../ORD", "ORD/2", "ord", "ORD%2F..", "O"]) {
    const outcome = await bench.run(createProject, { key, name: "Orders" });
    assert.ok(outcome.kind === "errored" && outcome.failure.code === "bad-input", key);
  }
  assert.equal(jira.exchanges.length, 0);
});

test("a refused token is named as such and never shown", async (t) => {
  const { connection } = await openJira(t, "data-center");
  const wrong = { ...connection, username: undefined, token: "wrong-token-9" };
  const bench = await openBench({ systems: [wrong as JiraSystem], limits: { maxPauseMs: 10 }, nowMs: fastClock() });
  t.after(() => bench.close());
  const outcome = await bench.run(createProject, { key: "ORD", name: "Orders" });
  assert.ok(outcome.kind === "errored");
  assert.deepEqual([outcome.failure.code, outcome.retryable], ["credential-refused", false]);
  assert.doesNotMatch(JSON.stringify([outcome, bench.lines]), /wrong-token/);
});

for (const when of ["before-perform", "after-perform"] as const) {
  test(`a runner that dies ${when} makes neither a second project, issue nor comment`, async (t) => {
    const { jira, bench } = await openJira(t, "cloud", 60);
    await dieAndRepeat(bench, "project", when, () => bench.run(createProject, { key: "ORD", name: "Orders" }));
    assert.equal(posts(jira, /\/project$/), 1);
    if (when === "after-perform") {
      const input = { project: "ORD", summary: "Deploy orders" };
      await dieAndRepeat(bench, "issue", when, () => bench.run(createIssue, input, { maxPauseMs: 20 }));
      assert.ok(bench.reasons.length > 0, "search lagged behind");
    } else await bench.run(createIssue, { project: "ORD", summary: "Deploy orders" });
    assert.equal(posts(jira, /\/issue$/), 1);
    await dieAndRepeat(bench, "transition", when, () => bench.run(transitionIssue, { issue: "ORD-1", to: "Done" }));
    assert.equal(posts(jira, /\/transitions$/), 1);
    await dieAndRepeat(bench, "comment", when, () => bench.run(comment, { issue: "ORD-1", text: "Hello" }));
    assert.equal(posts(jira, /\/comment$/), 1);
  });
}

test("an issue that may exist is not created again unless the pipeline accepts duplicates", async (t) => {
  const { jira, bench } = await openJira(t, "data-center");
  await bench.run(createProject, { key: "ORD", name: "Orders" });
  const input = { project: "ORD", summary: "Deploy orders" };
  bench.crashAt({ effect: "issue", when: "before-perform" });
  await assert.rejects(bench.run(createIssue, input), Crash);
  const longAgo = { lookingSince: Date.now() - 3_600_000 };
  const asked = await bench.once(createIssue, input, longAgo);
  assert.ok(asked.kind === "errored");
  assert.deepEqual([asked.failure.code, asked.retryable], ["effect-unknown", false]);
  const made = await bench.once(createIssue, { ...input, onUnknown: "create" }, longAgo);
  assert.equal(made.kind, "succeeded");
  assert.equal(posts(jira, /\/issue$/), 1);
});

test("a lost answer is tried again and finds what was made", async (t) => {
  const { jira, bench } = await openJira(t, "data-center");
  jira.faults.add({ kind: "drop-answer", match: "POST .*/project", times: 1 });
  const outcome = await bench.run(createProject, { key: "ORD", name: "Orders" }, { retries: 2 });
  assert.ok(outcome.kind === "succeeded" && outcome.output.created, JSON.stringify(outcome));
  assert.equal(posts(jira, /\/project$/), 0, "the only answer of a creation was lost");
});

test("what was made survives a kill of the fake", async (t) => {
  const dir = await tempDir(t);
  const options = { name: "jira", dir, flavour: "data-center", username: "g", token: "token-1" } as const;
  const headers = { authorization: "Bearer token-1", "content-type": "application/json" };
  const before = await startJira(options);
  const body = JSON.stringify({ key: "ORD", name: "Orders", projectTypeKey: "software", lead: "mina" });
  assert.equal((await fetch(`${before.url}/rest/api/2/project`, { method: "POST", headers, body })).status, 201);
  await before.close();
  const after = await startJira({ ...options, port: before.port });
  t.after(() => after.close());
  assert.equal((await fetch(`${before.url}/rest/api/2/project/ORD`, { headers })).status, 200);
});

async function dieAndRepeat(
  bench: StepBench,
  effect: string,
  when: "before-perform" | "after-perform",
  run: () => Promise<{ readonly kind: string }>,
): Promise<void> {
  bench.crashAt({ effect, when });
  await assert.rejects(run(), Crash);
  assert.equal((await run()).kind, "succeeded");
}

test("a restart of Jira before each change is outlasted, and nothing is made twice", async (t) => {
  const { jira, bench } = await openJira(t, "data-center");
  const down = (): void => {
    jira.faults.add({ kind: "drop", times: 6 });
    jira.faults.add({ kind: "status", status: 503, times: 3 });
  };
  down();
  const limits = { maxPauseMs: 5 };
  assert.equal((await bench.run(createProject, { key: "ORD", name: "Orders" }, limits)).kind, "succeeded");
  // A creation whose answer was lost is searched for five minutes, so no outage here.
  const made = await bench.run(createIssue, { project: "ORD", summary: "Deploy" }, limits);
  assert.ok(made.kind === "succeeded", JSON.stringify(made));
  down();
  const moved = await bench.run(transitionIssue, { issue: made.output.key, to: "Done" }, limits);
  assert.equal(moved.kind, "succeeded", JSON.stringify(moved));
  assert.equal(posts(jira, /\/issue$/), 1);
});

// Pull requests from forks: nothing of them runs before a person has let their commit run, and then without secrets.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { COMMIT, PULL_REQUESTS, PUSHES, rawOf } from "@gantry/core/webhook/payloads.fixture.ts";
import type { WebhookDelivery } from "@gantry/wire/agent/triggers/webhooks.ts";
import { ScriptedRunner } from "../runner-protocol/runner.fixture.ts";
import { Bench, CI, RUNNER_TOKEN } from "./webhooks.fixture.ts";

const CHECK = `name: check
title: Check
app: existing
concurrency: { group: "check/\${{ app.name }}" }
params: { ref: { type: string, default: main } }
triggers:
  - pull_request: { branches: [main], fromForks: after-approval }
    params: { ref: "\${{ trigger.commit }}" }
  - push: { branches: [main] }
    params: { ref: "\${{ trigger.commit }}" }
jobs:
  test: { site: seoul, mode: lenient, retrySafe: true, steps: [{ id: make, run: "true" }] }
  lint: { site: seoul, mode: lenient, retrySafe: true, steps: [{ id: make, run: "true" }] }
  pack: { needs: [test], site: seoul, mode: lenient, retrySafe: true, steps: [{ id: make, run: "true" }] }
finally:
  clean: { site: seoul, mode: lenient, retrySafe: true, steps: [{ id: make, run: "true" }] }
`;
const DEPLOY = `name: deploy
title: Deploy
app: existing
triggers: [{ upstream: { pipeline: check, outcomes: [succeeded, failed, canceled] } }]
jobs:
  work: { site: seoul, mode: lenient, retrySafe: true, steps: [{ id: make, run: "true" }] }
`;
const NEXT = "3".repeat(40);
const HOSTS = ["github", "gitlab"] as const;
type Host = (typeof HOSTS)[number];

/** As the host tells of a pull request from the fork stranger/orders, or of a further push to it. */
function fromFork(host: Host, commit = COMMIT): ReturnType<typeof rawOf> {
  const { headers, body } = rawOf(PULL_REQUESTS[host]("stranger"));
  if (commit === COMMIT) return { headers, body };
  const more = host === "gitlab" ? `"oldrev":"${COMMIT}","action":"update"` : '"action":"synchronize"';
  const moved = body.replaceAll(COMMIT, commit).replace(/"action":"open(?:ed)?"/, more);
  assert.notEqual(moved, body);
  return { headers, body: moved };
}

const open = (t: TestContext): Promise<Bench> => Bench.open(t, { "check.yaml": CHECK, "deploy.yaml": DEPLOY });

async function asked(bench: Bench) {
  return (await bench.client.approvals({ limit: 10 })).items;
}

async function answer(bench: Bench, principal: string, said: "approve" | "reject"): Promise<void> {
  const [one] = await asked(bench);
  assert.ok(one);
  const { task, job, plan } = one;
  await bench.client.answerApproval(task, job, { principal, answer: said, plan, reason: "I have looked at it" });
}

const runnerOf = (bench: Bench, name: string, forks?: true): Promise<ScriptedRunner> =>
  ScriptedRunner.signIn(bench.url, RUNNER_TOKEN, "seoul", name, [], { runs: ["build"], ...(forks ? { forks } : {}) });

const taskOf = ({ results: [first] }: WebhookDelivery): string => {
  assert.ok(first?.task, first?.reason);
  return first.task;
};

const states = async (bench: Bench, id: string): Promise<string> =>
  (await bench.client.task(id)).jobs.map(({ key, state }) => `${key} ${state}`).join(", ");

for (const host of HOSTS) {
  test(`A1: a pull request from a fork on ${host} waits until a person lets its commit run`, async (t) => {
    const bench = await open(t);
    const id = taskOf(await bench.receive(fromFork(host), { host }));
    const [one, ...others] = await asked(bench);
    assert.deepEqual([one?.task, one?.demands[0]?.notOwn, one?.causedBy], [id, true, ["kim"]]);
    assert.deepEqual(others, [], "the task asks once, although two jobs could start");
    for (const part of ["check", "pull request 7", "the fork stranger/orders", "by kim", COMMIT, "https://git.example"])
      assert.ok(one?.question.includes(part), `${part} in: ${one?.question}`);
    const runner = await runnerOf(bench, "r1", true);
    assert.deepEqual((await runner.pollAll(1, 500)).offers, [], "nothing runs before the word");

    await assert.rejects(answer(bench, "kim", "approve"), { code: "not-asked" }, "its author cannot let it run");
    await answer(bench, "lee", "approve");
    assert.deepEqual(await asked(bench), [], "one word is enough for the task");
    const job = await runner.takeJob();
    assert.deepEqual([job.ref.task, job.spec.fork], [id, { commit: COMMIT }]);
    assert.equal((job.spec.scope.params as { ref: string }).ref, COMMIT);
  });

  test(`A1: a push to the pull request on ${host} needs the word again, and cancels the task that waits`, async (t) => {
    const bench = await open(t);
    const older = taskOf(await bench.receive(fromFork(host), { host }));
    const [before] = await asked(bench);
    const newer = taskOf(await bench.receive(fromFork(host, NEXT), { host }));
    assert.notEqual(newer, older);
    assert.equal((await bench.client.task(older)).state, "canceled");
    assert.equal(await states(bench, older), "test canceled, lint canceled, pack canceled, clean skipped");
    const [now] = await asked(bench);
    assert.equal(now?.task, newer);
    assert.ok(now?.question.includes(NEXT));
    const stale = { principal: "lee", answer: "approve" as const, plan: before?.plan };
    await assert.rejects(bench.client.answerApproval(newer, "test", stale), { code: "conflict" }, "of another commit");
    await assert.rejects(bench.client.answerApproval(older, "test", stale), { code: "conflict" });
  });
}

test("A1: a refused pull request from a fork runs nothing, no clean-up either, and nothing comes after it", async (t) => {
  const bench = await open(t);
  const id = taskOf(await bench.receive(fromFork("github")));
  await answer(bench, "lee", "reject");
  assert.equal((await bench.client.task(id)).state, "failed");
  const ended = await states(bench, id);
  assert.match(ended, /^test failed, lint skipped, pack skipped/);
  assert.match(ended, /clean skipped/);
  const pushed = taskOf(await bench.receive(rawOf(PUSHES.github())));
  await bench.client.cancel(pushed, { principal: "lee" });
  const runner = await runnerOf(bench, "r1");
  const clean = await runner.takeJob();
  await runner.start(clean.ref);
  await runner.report(clean.ref);
  // The ends of tasks are read in their order, so the end of the first one has been read when this one is followed.
  for (;;) {
    const { items } = await bench.client.tasks({ limit: 10 });
    const after = items.filter(({ pipeline }) => pipeline === "deploy");
    if (after.length === 0) continue;
    const causes = await Promise.all(after.map(async (one) => (await bench.client.task(one.id)).trigger?.task));
    assert.deepEqual(causes, [pushed]);
    return;
  }
});

test("A1: a pull request from a fork that waits holds up no task of its app, and is not the newest of the app", async (t) => {
  const bench = await open(t);
  await bench.receive(fromFork("github"));
  const pushed = taskOf(await bench.receive(rawOf(PUSHES.github())));
  const { items } = await bench.client.tasks({ limit: 10 });
  assert.equal(items.length, 2);
  assert.notEqual((await bench.client.task(pushed)).waiting?.code, "concurrency");
  await bench.receive(fromFork("github", NEXT));
  assert.equal((await bench.client.app("orders")).latest.check, pushed);
  const runner = await runnerOf(bench, "r1");
  assert.equal((await runner.takeJob()).spec.fork, undefined);
});

test("A1: a runner without a sandbox, or of an older version, gets no job of a fork, and the task says so", async (t) => {
  const bench = await open(t);
  const id = taskOf(await bench.receive(fromFork("github")));
  const older = await runnerOf(bench, "older");
  await answer(bench, "lee", "approve");
  assert.deepEqual((await older.pollAll(1, 500)).offers, []);
  const waiting = (await bench.client.task(id)).jobs.map((job) => job.waiting?.text).join();
  assert.match(waiting, /takes pull requests from forks: it needs `isolation: sandbox`/);
});

test("A1: a rerun of a pull request from a fork needs the word again", async (t) => {
  const bench = await open(t);
  const id = taskOf(await bench.receive(fromFork("github")));
  await answer(bench, "lee", "reject");
  const again = await bench.client.rerun(id, { principal: "lee", idempotencyKey: "again", from: "all" });
  assert.deepEqual(
    (await asked(bench)).map(({ task }) => task),
    [again.id],
  );
  await assert.rejects(answer(bench, "lee", "approve"), { code: "not-asked" });
});

test("A1: without `fromForks`, without a known fork or with a part of a commit, nothing is started", async (t) => {
  const bench = await Bench.open(t, { "check.yaml": CHECK, "ci.yaml": CI });
  const started = await bench.receive(fromFork("github"));
  assert.deepEqual(
    started.results.map(({ pipeline, task, reason }) => [pipeline, task === undefined ? reason?.slice(0, 94) : "task"]),
    [
      ["check", "task"],
      ["ci", "The pull request comes from stranger/orders. Pull requests from forks start nothing where the "],
    ].map(([pipeline, text]) => [pipeline, text?.slice(0, 94)]),
  );
  const cut = await bench.receive(rawOf(PULL_REQUESTS["bitbucket-cloud"]("stranger")), { host: "bitbucket-cloud" });
  assert.match(cut.results[0]?.reason ?? "", /names only a part of its commit/);
  const gone = { ...fromFork("github"), body: fromFork("github").body.replaceAll("stranger/orders", "") };
  assert.match((await bench.receive(gone)).results[0]?.reason ?? "", /not known, so it starts nothing/);
});

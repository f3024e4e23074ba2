// CD of an app with `rollout:`, over HTTP with scripted runners: the order of the waves, what stops them, and the way back.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { appInput } from "@gantry/core/app/app.fixture.ts";
import type { AppInput } from "@gantry/core/app/app-shape.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { OSLO_TOKEN, ProtocolFixture, SEOUL_TOKEN } from "../runner-protocol/protocol.fixture.ts";
import { type Claimed, ScriptedRunner } from "../runner-protocol/runner.fixture.ts";

const CI = `name: ci
params: { digit: string }
jobs:
  make: { site: seoul, mode: lenient, retrySafe: true, steps: [{ run: "true" }] }
build:
  commit: c0ffee
  branch: main
  images: [{ name: orders, repository: apps/orders, image: harbor/apps/orders, digest: "\${{ 'sha256:' + params.digit }}" }]
`;
/** As the CD that ships: one task of an app at a time, and one job for each target, at its site. */
const CD = `name: cd
params:
  build: { type: string, default: "", ui: build }
  targets: { type: array, items: string, default: "\${{ app.targets.map(t, t.name) }}", ui: target }
concurrency: { group: "cd/\${{ app.name }}", policy: cancel-older, until: deploy }
jobs:
  deploy:
    each: "\${{ params.targets.map(n, app.targets.filter(t, t.name == n)[0]) }}"
    site: \${{ each.site }}
    deploys: \${{ each.name }}
    mode: lenient
    retrySafe: true
    steps: [{ id: wait, run: "true" }]
`;
const place = (name: string, environment: string, site = "seoul") => {
  return { name, environment, site, cluster: name, overlay: `overlays/${name}` };
};
const TARGETS = [place("test", "test"), place("a", "prod"), place("b", "prod"), place("far", "prod", "oslo")];

type Waves = NonNullable<AppInput["rollout"]>;

/** A lab with an app that has two builds, of which the first one runs everywhere. */
class Rollouts {
  readonly agent: ProtocolFixture;
  readonly runner: ScriptedRunner;
  #keys = 0;

  private constructor(agent: ProtocolFixture, runner: ScriptedRunner) {
    this.agent = agent;
    this.runner = runner;
  }

  static async open(t: TestContext, rollout: Waves, { environments = "environments: {}" } = {}) {
    const files = { ci: CI, cd: CD, environments };
    const agent = await ProtocolFixture.open(t, files, { [SEOUL_TOKEN]: "seoul", [OSLO_TOKEN]: "oslo" });
    const lab = new Rollouts(agent, await agent.runner("seoul-1", [], { slots: 8 }));
    const app = appInput({ targets: TARGETS });
    await agent.client.adoptApp("orders", { principal: "ada", app });
    for (const digit of ["1", "2"]) {
      const ci = await lab.#start("ci", { digit: digit.repeat(64) });
      await lab.runner.report((await lab.take()).ref);
      await agent.waitForEvent(ci.id, "TaskEnded");
    }
    const first = await lab.#start("cd", { build: "1", targets: ["test", "a", "b"] });
    for (const _ of ["test", "a", "b"]) await lab.runner.report((await lab.take()).ref);
    await agent.waitForEvent(first.id, "TaskEnded");
    await lab.change(rollout);
    return lab;
  }

  #start(pipeline: string, params: Record<string, string | string[]>, idempotencyKey = `key-${++this.#keys}`) {
    return this.agent.client.startTask({ pipeline, app: "orders", params, principal: "dev", idempotencyKey });
  }

  async change(rollout: Waves): Promise<void> {
    await this.agent.client.changeApp("orders", { principal: "ada", patch: { rollout } });
  }

  deploy(targets = ["test", "a", "b"], key?: string): Promise<TaskView> {
    return this.#start("cd", { build: "2", targets }, key);
  }

  async take(runner = this.runner): Promise<Claimed> {
    const job = await runner.takeJob();
    await runner.start(job.ref);
    return job;
  }

  /** Ends the deployment as `argocd/wait` does when the pods of a target do not become healthy. */
  async degrade({ ref }: Claimed): Promise<void> {
    const failure = { code: "gate-failed", message: "Pod orders-1 crashes." };
    await this.runner.progress(ref, 1, [
      { kind: "step-started", step: "wait" },
      { kind: "step-ended", step: "wait", outcome: "failed", durationMs: 1, outputs: { health: "Degraded" }, failure },
    ]);
    await this.runner.report(ref, { outcome: "failed", failure, progress: 2 });
  }

  /** Takes the next deployment, and says what it deploys. */
  async next(runner?: ScriptedRunner): Promise<Claimed & { readonly says: string }> {
    const job = await this.take(runner);
    const { params, title } = await this.agent.client.task(job.ref.task);
    const back = title.startsWith("Roll back") ? "back " : "";
    return {
      ...job,
      says: `${back}${job.ref.job} of ${String((params.targets as string[]).join(" "))} #${String(params.build)}`,
    };
  }

  async ended({ id }: TaskView): Promise<TaskView> {
    await this.agent.waitForEvent(id, "TaskEnded");
    return this.agent.client.task(id);
  }
}

const states = ({ jobs }: TaskView) => Object.fromEntries(jobs.map(({ key, state }) => [key, state]));
const WAVES: Waves["waves"] = [
  { name: "test", environments: ["test"] },
  { name: "canary", targets: ["b"] },
  { name: "rest" },
];

test("the waves of an app are deployed one after the other, with the build that was chosen once", async (t) => {
  const lab = await Rollouts.open(t, { waves: WAVES });
  const task = await lab.deploy();
  assert.deepEqual([task.pipeline, task.title, task.children], ["rollout", "Run cd: orders", ["cd"]]);
  const seen: string[] = [];
  for (const _ of WAVES) {
    const job = await lab.next();
    seen.push(job.says);
    const running = Object.values(states(await lab.agent.client.task(task.id))).filter((one) => one === "running");
    assert.equal(running.length, 1, "one wave at a time");
    await lab.runner.report(job.ref);
  }
  assert.deepEqual(seen, ["deploy[test] of test #2", "deploy[b] of b #2", "deploy[a] of a #2"]);
  assert.equal((await lab.ended(task)).state, "succeeded");
});

test("a task in waves is rerun as it was, and not with other targets", async (t) => {
  const lab = await Rollouts.open(t, { waves: WAVES });
  const task = await lab.deploy(["a"]);
  await lab.runner.report((await lab.next()).ref, { outcome: "failed", failure: { code: "red", message: "No." } });
  await lab.ended(task);
  const again = { principal: "dev", definition: "pinned" as const };
  const edited = { ...again, idempotencyKey: "edited", from: "edited" as const, params: { waves: [] } };
  await assert.rejects(lab.agent.client.rerun(task.id, edited), /cannot be rerun with other parameters/);
  const rerun = await lab.agent.client.rerun(task.id, { ...again, idempotencyKey: "again", from: "failed" });
  const job = await lab.next();
  assert.equal(job.says, "deploy[a] of a #2");
  await lab.runner.report(job.ref);
  assert.equal((await lab.ended(rerun)).state, "succeeded");
});

test("at most maxParallel targets of a wave are deployed together", async (t) => {
  const lab = await Rollouts.open(t, { waves: [{ name: "all", maxParallel: 2 }] });
  const task = await lab.deploy();
  const [one, two] = [await lab.next(), await lab.next()];
  assert.equal(one.says, "deploy[test] of test a #2");
  assert.equal(two.ref.task, one.ref.task);
  await lab.runner.report(one.ref);
  await lab.runner.report(two.ref);
  const last = await lab.next();
  assert.equal(last.says, "deploy[b] of b #2");
  await lab.runner.report(last.ref);
  assert.deepEqual(states(await lab.ended(task)), { "wave1[test_and_1_more]": "succeeded", "wave1[b]": "succeeded" });
});

test("the same request is the same task, and a target that the app does not have is refused as without waves", async (t) => {
  const lab = await Rollouts.open(t, { waves: WAVES });
  const task = await lab.deploy(["a"], "once");
  await lab.change({ waves: [{ name: "all" }] });
  assert.equal((await lab.deploy(["a"], "once")).id, task.id);
  await assert.rejects(lab.deploy(["b"], "once"), { code: "idempotency-key-reused" });
  await assert.rejects(lab.deploy(["nowhere"]), (error: unknown) => {
    return error instanceof GantryError && error.code === "bad-params";
  });
});

test("a gate holds the next wave until somebody approves, and a rejection ends the rollout without a way back", async (t) => {
  const gated: Waves["waves"] = [
    { name: "test", environments: ["test"] },
    { name: "rest", gates: [{ approval: "To the customers?" }] },
  ];
  const lab = await Rollouts.open(t, { waves: gated, onDegraded: "rollback" });
  for (const answer of ["approve", "reject"] as const) {
    const task = await lab.deploy(["test", "a"]);
    await lab.runner.report((await lab.next()).ref);
    await lab.agent.waitForEvent(task.id, "ApprovalRequested");
    const asked = (await lab.agent.client.approvals({ limit: 10 })).items[0] ?? assert.fail();
    assert.equal(asked.question, "To the customers?");
    const said = { principal: "kim", answer, reason: "Seen.", plan: asked.plan };
    await lab.agent.client.answerApproval(task.id, "gate2_1", said);
    if (answer === "approve") await lab.runner.report((await lab.next()).ref);
    const { state, ...ended } = await lab.ended(task);
    assert.equal(state, answer === "approve" ? "succeeded" : "failed");
    assert.equal(states({ state, ...ended })["back[test]"], "skipped");
  }
});

test("after a Degraded target no other wave begins, and by default nothing goes back", async (t) => {
  const lab = await Rollouts.open(t, { waves: WAVES });
  const task = await lab.deploy();
  await lab.runner.report((await lab.next()).ref);
  await lab.degrade(await lab.next());
  const ended = await lab.ended(task);
  assert.equal(ended.state, "failed");
  assert.deepEqual(states(ended), { "wave1[test]": "succeeded", "wave2[b]": "failed", "wave3[a]": "skipped" });
});

test("with onDegraded: rollback what was deployed goes back, the last wave first, and only by the rollout", async (t) => {
  const environments = "environments: { prod: { rollback: { automatic: true } }, test: {} }";
  const lab = await Rollouts.open(t, { waves: WAVES, onDegraded: "rollback" }, { environments });
  const task = await lab.deploy();
  await lab.runner.report((await lab.next()).ref);
  await lab.degrade(await lab.next());
  const seen: string[] = [];
  for (const _ of ["b", "test"]) {
    const job = await lab.next();
    seen.push(job.says);
    await lab.runner.report(job.ref);
  }
  assert.deepEqual(seen, ["back deploy[b] of b #1", "back deploy[test] of test #1"]);
  const ended = await lab.ended(task);
  assert.equal(ended.state, "failed");
  assert.deepEqual(states(ended), {
    ...{ "wave1[test]": "succeeded", "wave2[b]": "failed", "wave3[a]": "skipped" },
    ...{ "back[a]": "skipped", "back[b]": "succeeded", "back[test]": "succeeded" },
  });
  const started = (await lab.agent.client.tasks({ limit: 50 })).items.filter(({ title }) => title.startsWith("Roll"));
  assert.equal(started.length, 2, "the automatic rollback of the environment starts none besides");
});

test("what failed without an unhealthy target does not go back", async (t) => {
  const lab = await Rollouts.open(t, { waves: WAVES, onDegraded: "rollback" });
  const task = await lab.deploy();
  await lab.runner.report((await lab.next()).ref, { outcome: "failed", failure: { code: "red", message: "No." } });
  const { jobs } = await lab.ended(task);
  const back = jobs.filter(({ key }) => key.startsWith("back"));
  assert.deepEqual(new Set(back.map(({ state }) => state)), new Set(["skipped"]));
});

const far = (offline: "wait" | "skip" | "stop"): Waves => ({
  waves: [
    { name: "near", targets: ["a"] },
    { name: "rest", offline },
  ],
});

test("offline: skip leaves a record of the target that is behind, and goes on with the others", async (t) => {
  const lab = await Rollouts.open(t, far("skip"));
  const task = await lab.deploy(["far", "b", "a"]);
  await lab.runner.report((await lab.next()).ref);
  const other = await lab.next();
  assert.equal(other.says, "deploy[b] of b #2");
  await lab.runner.report(other.ref);
  const ended = await lab.ended(task);
  assert.equal(ended.state, "succeeded");
  const skipped = ended.jobs.find(({ key }) => key === "wave2[far]");
  assert.equal(skipped?.state, "skipped");
  const why = (await lab.agent.client.taskEvents(task.id, 0, 1_000)).map(({ data }) => JSON.stringify(data.event));
  assert.match(why.join("\n"), /not deployed to far, because no runner is online at oslo: the target keeps its build/);
});

test("offline: stop ends the rollout before the target, and offline: wait waits for its runner", async (t) => {
  const stops = await Rollouts.open(t, far("stop"));
  const stopped = await stops.deploy(["a", "far"]);
  await stops.runner.report((await stops.next()).ref);
  const ended = await stops.ended(stopped);
  assert.equal(ended.state, "errored");
  assert.match(JSON.stringify(ended.failure), /No runner is online at oslo/);

  const waits = await Rollouts.open(t, far("wait"));
  const task = await waits.deploy(["a", "far"]);
  await waits.runner.report((await waits.next()).ref);
  await waits.agent.waitForEvent(task.id, "ChildStarted", 2);
  const oslo = await ScriptedRunner.signIn(waits.agent.agent.url, OSLO_TOKEN, "oslo", "oslo-1");
  const job = await waits.next(oslo);
  assert.equal(job.says, "deploy[far] of far #2");
  await oslo.report(job.ref);
  assert.equal((await waits.ended(task)).state, "succeeded");
});

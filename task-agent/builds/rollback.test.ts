// Rollbacks: which build each target goes back to, what environments still demand, and what happens to the build that is taken back.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { TaskEvent } from "@gantry/core/task/events.ts";
import type { TaskState } from "@gantry/core/task/model.ts";
import type { StartTask } from "@gantry/wire/agent/agent-api.ts";
import { NO_OWN_PIPELINES } from "../definitions/own-pipelines.ts";
import { startTask } from "../tasks/start-task.ts";
import { taskStream } from "../tasks/task-stream.ts";
import { statesOf } from "../triggers/trigger-stream.ts";
import { openUpstream } from "../triggers/upstream.ts";
import { loadBuild } from "./build-stream.ts";
import { A, B, CD, newId, openBench, refusal } from "./builds.fixture.ts";
import { type RollbackRequest, rollbackTargets } from "./decide-rollback.ts";
import { rollbackFacts } from "./rollback.ts";

const GROUPED = CD.replace("jobs:", "concurrency: { group: cd/orders, policy: cancel-older, until: deploy }\njobs:");

async function openRollback(...args: Parameters<typeof openBench>) {
  const bench = await openBench(...args);
  const { deps, journal, load, end } = bench;
  const begin = (rollback: RollbackRequest, key = newId()) =>
    startTask(deps, { pipeline: "cd", app: "orders", params: {}, idempotencyKey: key, principal: "kim", rollback });
  const back = async (rollback: RollbackRequest) => end((await begin(rollback)).state.id);
  const plan = async (rollback: RollbackRequest = {}) => {
    const environments = deps.definitions.environments?.() ?? {};
    return rollbackTargets(await rollbackFacts(journal, await load()), rollback, environments).map((one) => [
      one.target,
      one.from?.build,
      "to" in one ? one.to.number : one.problem,
    ]);
  };
  const held = async (number: number) => (await loadBuild(journal, await load(), number))?.held;
  return { ...bench, begin, back, plan, held };
}

const deploy = (build: number, ...targets: string[]): StartTask["params"] => ({ build, targets });

test("a target goes back to the build that ran well there before, also when the one after it has failed", async (t) => {
  const { run, plan, back, held, load } = await openRollback(t);
  for (const letter of [A, B, "c".repeat(64)]) await run("ci", { letter });
  await run("cd", deploy(1, "test"));
  assert.deepEqual(await plan(), [["test", 1, "there is no earlier build that ran well there"]]);
  await run("cd", deploy(2, "test"));
  await run("cd", deploy(3, "test"), "failed");
  assert.deepEqual(await plan(), [["test", 3, 2]]);
  const { state } = await back({ reason: "Orders are counted twice" });
  assert.deepEqual(
    [state.title, state.build?.number, state.params.targets, state.rollback?.from.test?.build],
    ["Roll back: orders", 2, ["test"], 3],
  );
  const hold = await held(3);
  assert.deepEqual([hold?.reason, hold?.by, hold?.task], ["Orders are counted twice", "kim", state.id]);
  assert.deepEqual((await load()).deployed?.test?.build, 2);
  // The build that was taken back is not what a second rollback goes to.
  assert.deepEqual(await plan(), [["test", 2, 1]]);
  assert.deepEqual(await plan({ to: 3 }), [
    ["test", 2, "build #3 is not among the last builds that ran well there: #1"],
  ]);
});

test("the newest deployment is taken back; targets of different builds are told, and go back one after the other", async (t) => {
  const { run, plan, begin, back } = await openRollback(t, { environments: "environments: { test: {}, prod: {} }" });
  for (const letter of [A, B, "c".repeat(64)]) await run("ci", { letter });
  await run("cd", deploy(1, "test", "prod"));
  await run("cd", deploy(2, "test"));
  await run("cd", deploy(3, "test", "prod"), "failed");
  assert.deepEqual(await plan(), [
    ["prod", 3, 1],
    ["test", 3, 2],
  ]);
  const refused = await refusal(begin({}));
  assert.equal(refused.code, "rollback-impossible");
  assert.match(refused.text, /go back to different builds: prod to #1, test to #2/);
  assert.equal((await back({ targets: ["prod"] })).state.build?.number, 1);
  assert.deepEqual(await plan({ targets: ["test"] }), [["test", 3, 2]]);
  assert.equal((await back({ targets: ["test"] })).state.build?.number, 2);
});

test("an environment comes before the one that it needs", async (t) => {
  const { run, plan } = await openRollback(t);
  for (const letter of [A, B]) await run("ci", { letter });
  for (const build of [1, 2]) for (const target of ["test", "prod"]) await run("cd", deploy(build, target));
  assert.deepEqual(
    (await plan({ targets: ["test", "prod"] })).map(([target]) => target),
    ["prod", "test"],
  );
});

test("what is impossible is refused before anything is done, with the reason", async (t) => {
  const { run, begin } = await openRollback(t);
  const why = async (request: RollbackRequest) => (await refusal(begin(request))).text;
  assert.match(await why({}), /Nothing was deployed yet/);
  await run("ci", { letter: A });
  await run("cd", deploy(1, "test"));
  assert.match(await why({ targets: ["test"] }), /test: there is no earlier build that ran well there/);
  assert.match(await why({ targets: ["prod"] }), /prod: nothing was deployed there yet/);
  assert.match(await why({ targets: ["nowhere"] }), /orders has no target nowhere/);
  assert.match(await why({ targets: ["test"], to: 1 }), /build #1 is what is deployed there/);
});

test("the same request again is the same task", async (t) => {
  const { run, begin, end } = await openRollback(t);
  for (const letter of [A, B]) await run("ci", { letter });
  for (const build of [1, 2]) await run("cd", deploy(build, "test"));
  const { state } = await begin({ targets: ["test"] }, "once");
  await end(state.id);
  assert.equal((await begin({ targets: ["test"] }, "once")).state.id, state.id);
  assert.equal((await refusal(begin({ targets: ["prod"] }, "once"))).code, "idempotency-key-reused");
});

test("a build that is held is not chosen by itself, and who names it can deploy it", async (t) => {
  const { run, back, start } = await openRollback(t);
  for (const letter of [A, B]) await run("ci", { letter });
  for (const build of [1, 2]) await run("cd", deploy(build, "test"));
  await back({});
  assert.equal((await start("cd", { targets: ["test"] })).state.build?.number, 1);
  assert.equal((await start("cd", deploy(2, "test"))).state.build?.number, 2);
});

test("what a build must have met before is not asked again for a rollback, and a rerun with other parameters is none", async (t) => {
  const { run, start, begin, end, deps } = await openRollback(t);
  for (const letter of [A, B]) await run("ci", { letter });
  for (const build of [1, 2]) for (const target of ["test", "prod"]) await run("cd", deploy(build, target));
  assert.equal((await refusal(start("cd", deploy(1, "prod")))).code, "policy-unmet");
  const { state, pipeline } = await begin({ targets: ["prod"] });
  assert.equal(state.build?.number, 1);
  await end(state.id, "failed");
  const again = (params: StartTask["params"]) =>
    startTask(
      deps,
      { pipeline: "cd", app: "orders", params, idempotencyKey: newId(), principal: "kim" },
      { of: state, before: pipeline, from: "all", definition: "pinned" },
    );
  assert.deepEqual((await again({ build: "1", targets: ["prod"] })).state.rollback, state.rollback);
  await run("ci", { letter: "c".repeat(64) });
  assert.equal((await refusal(again({ build: "3", targets: ["prod"] }))).code, "policy-unmet");
});

const ASKS = `
environments:
  test: { approval: { notOwn: false }, rollback: { skips: [approval] } }
  prod:
    freezes: [{ from: "2000-01-01T00:00:00Z", to: "2100-01-01T00:00:00Z", reason: Holidays, owner: kim }]
    rollback: { skips: [approval] }
`;

test("a rollback waits for people and for the calendar, except where the environment says that it need not", async (t) => {
  const { run, start, begin, tasks, end } = await openRollback(t, { environments: ASKS });
  for (const letter of [A, B]) await run("ci", { letter });
  for (const build of [1, 2])
    for (const target of ["test", "prod"]) {
      const { state } = await start("cd", deploy(build, target), { reason: "set up" });
      await end(state.id);
    }
  const waits = async (id: string) => {
    const job = Object.values((await tasks.read(id))?.state.jobs ?? {})[0];
    return [job?.phase, job?.waiting?.code ?? job?.approval?.state];
  };
  assert.deepEqual(await waits((await start("cd", deploy(1, "test"))).state.id), ["pending", "approval"]);
  assert.equal((await waits((await begin({ targets: ["test"] })).state.id))[0], "ready");
  assert.deepEqual(await waits((await begin({ targets: ["prod"] })).state.id), ["pending", "freeze"]);
});

test("a rollback cancels what deploys to its targets, however far it is, and nothing else", async (t) => {
  const { run, start, begin, tasks, journal, load } = await openRollback(t, {
    cd: GROUPED,
    environments: "environments: { test: {}, prod: {} }",
  });
  for (const letter of [A, B]) await run("ci", { letter });
  for (const build of [1, 2]) await run("cd", deploy(build, "test", "prod"));
  const { state: running } = await start("cd", deploy(2, "test"));
  await tasks.change(running.id, ({ state: { jobs } }, at) => ({
    events: Object.keys(jobs).map((job) => ({
      kind: "JobClaimed" as const,
      ...{ at, job, attempt: 1, fence: 1, runner: "r", choice: "c", steps: [] },
    })),
  }));
  const cancel = async (id: string) => (await tasks.read(id))?.state.cancel?.reason;
  const { state: other } = await begin({ targets: ["prod"] });
  assert.equal(await cancel(running.id), undefined);
  const { state: rollback } = await begin({ targets: ["test"] });
  assert.match((await cancel(running.id)) ?? "", new RegExp(rollback.id));
  assert.equal(await cancel(other.id), undefined);
  // A deployment that comes later waits.
  await start("cd", deploy(2, "test", "prod"));
  assert.deepEqual([await cancel(other.id), await cancel(rollback.id)], [undefined, undefined]);
  assert.equal((await loadBuild(journal, await load(), 2))?.held?.task, other.id);
});

const AUTOMATIC = `
environments:
  test: { rollback: { automatic: true } }
  prod: {}
`;

test("a deployment that leaves a target unhealthy is rolled back there once, where the environment says so", async (t) => {
  const { run, start, tasks, deps, end } = await openRollback(t, { environments: AUTOMATIC });
  const agents = [0, 1].map(() => openUpstream({ ...deps, ownPipelines: NO_OWN_PIPELINES }));
  const tick = async () => {
    for (const agent of agents) await agent.tick();
  };
  await tick();
  /** How the deployment to both targets ends; `health`: what a step of it has seen. */
  const deployed = async (build: number, health: string | undefined): Promise<TaskState> => {
    const { state } = await start("cd", deploy(build, "test", "prod"));
    const ended = await tasks.change(state.id, ({ state: { jobs } }, at) => ({
      events: Object.keys(jobs).flatMap((job): TaskEvent[] => [
        { kind: "JobClaimed", at, job, attempt: 1, fence: 1, runner: "r", choice: "c", steps: ["wait"] },
        ...(health === undefined
          ? []
          : [
              {
                kind: "StepEnded" as const,
                ...{ at, job, attempt: 1, step: "wait", outcome: "failed" as const, durationMs: 1, progress: 1 },
                outputs: { health, revision: "c0ffee" },
              },
            ]),
        { kind: "JobEnded", at, job, outcome: "failed", outputs: {} },
      ]),
    }));
    await tick();
    return ended.state;
  };
  const rollbacks = async () => {
    const all = await statesOf(deps.journal, "tasks", taskStream);
    return all
      .filter(({ rollback }) => rollback)
      .map((one) => [one.build?.number, one.params.targets, one.requestedBy]);
  };
  for (const letter of [A, B, "c".repeat(64)]) await run("ci", { letter });
  await run("cd", deploy(1, "test", "prod"));
  await deployed(2, undefined);
  assert.deepEqual(await rollbacks(), [], "nothing says that the app is not well");
  const failed = await deployed(3, "Degraded");
  assert.deepEqual(failed.result?.deployed?.[0], {
    ...{ target: "test", outcome: "failed", commit: "c0ffee", unhealthy: true },
  });
  assert.deepEqual(await rollbacks(), [[1, ["test"], "trigger:upstream"]]);
  const all = await statesOf(deps.journal, "tasks", taskStream);
  const rollback = all.find((one) => one.rollback);
  assert.deepEqual(
    [rollback?.causedBy, rollback?.trigger?.task, rollback?.rollback?.from.test],
    [["kim"], failed.id, { build: 3, commit: "c0ffee", task: failed.id }],
  );
  await end(rollback?.id ?? "", "failed");
  await tick();
  assert.equal((await rollbacks()).length, 1);
});

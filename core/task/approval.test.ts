import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Environments } from "../build/environments.ts";
import type { Approval } from "../pipeline/pipeline.ts";
import { testRuns } from "../test-runs.fixture.ts";
import { nextTurnOf } from "./gate.ts";
import { jobScope } from "./scope.ts";
import { job, pipeline, TaskUnderTest } from "./task.fixture.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function approval(part: Partial<Approval> = {}): Approval {
  return { question: "Go?", approvers: [], count: 1, notOwn: true, expiresMs: 7 * DAY, ...part };
}

function environments(prod: Partial<Environments[string]>): Environments {
  return { prod: { requires: { gate: false, tests: false, branch: "release" }, ...prod } };
}

const { question: _, ...FOUR_EYES } = approval({ approvers: ["group:ops"] });
const OPS = (name: string) => ({ name, groups: ["ops"], roles: [] });
const TARGETS = [
  { name: "seoul", site: "seoul", environment: "prod" },
  { name: "test", site: "seoul", environment: "test" },
];
const DEPLOY = job("deploy", { deploys: "${{ params.target }}" });
const TO_PROD = { app: "orders", appScope: { targets: TARGETS }, params: { target: "seoul" }, build: { number: 12 } };

describe("I7, I8: a job that people must approve", () => {
  test("waits when its needs are met, says for whom and until when, and starts after the approval", () => {
    const task = new TaskUnderTest(
      pipeline([job("build"), job("ship", { needs: ["build"], approval: approval({ approvers: ["group:ops"] }) })]),
    );
    assert.equal(task.state.jobs.ship?.approval, undefined);
    task.run("build");
    const { waiting } = task.state.jobs.ship ?? {};
    assert.deepEqual(waiting, {
      code: "approval",
      text: "Waiting for the approval of group:ops.",
      since: task.now,
      until: task.now + 7 * DAY,
    });
    task.answer("ship", "approve", OPS("kim"));
    assert.equal(task.phase("ship"), "ready");
    task.run("ship");
    assert.equal(task.state.outcome, "succeeded");
  });

  test("needs so many different people as it says, of those whom it names", () => {
    const task = new TaskUnderTest(
      pipeline([job("ship", { approval: approval({ approvers: ["group:ops", "person:lee"], count: 2 }) })]),
    );
    task.answer("ship", "approve", "somebody");
    assert.equal(task.refusal()?.code, "not-asked");
    task.answer("ship", "approve", OPS("kim"));
    task.answer("ship", "approve", OPS("kim"));
    assert.deepEqual([task.refusal(), task.phase("ship")], [undefined, "pending"]);
    assert.match(task.state.jobs.ship?.waiting?.text ?? "", /^Waiting for .* kim approved it already\.$/);
    task.answer("ship", "approve", "lee");
    assert.equal(task.phase("ship"), "ready");
  });

  test("cannot be approved by who requested the task before it, or delivered its webhook again", () => {
    const of = { requestedBy: "trigger:upstream", causedBy: ["lee", "kim"] };
    const task = new TaskUnderTest(pipeline([job("ship", { approval: approval() })]), of);
    for (const who of of.causedBy) task.answer("ship", "approve", who);
    assert.deepEqual([task.refusal()?.code, task.phase("ship")], ["not-asked", "pending"]);
    task.answer("ship", "approve", "sam");
    assert.equal(task.phase("ship"), "ready");
  });

  test("cannot be approved by who requested the task, unless it says so; they may reject it", () => {
    for (const notOwn of [true, false]) {
      const task = new TaskUnderTest(pipeline([job("ship", { approval: approval({ notOwn }) })]));
      task.answer("ship", "approve", "dev");
      assert.equal(task.phase("ship"), notOwn ? "pending" : "ready");
      if (!notOwn) continue;
      assert.match(task.refusal()?.details.why?.toString() ?? "", /requested the task/);
      task.answer("ship", "reject", "dev");
      assert.equal(task.phase("ship"), "failed");
    }
  });

  test("fails with who and why when it is rejected, and what needs it is skipped", () => {
    const task = new TaskUnderTest(
      pipeline([job("ship", { approval: approval() }), job("after", { needs: ["ship"] })]),
    );
    task.answer("ship", "reject", "kim", { reason: undefined });
    assert.equal(task.refusal()?.code, "bad-request");
    task.answer("ship", "reject", "kim", { reason: "The tests are red" });
    assert.deepEqual([task.phase("ship"), task.phase("after")], ["failed", "skipped"]);
    const { failure } = task.state.jobs.ship ?? {};
    assert.deepEqual(failure, { code: "approval-rejected", message: "kim rejected it.", why: "The tests are red" });
  });

  test("fails when nobody approves it in time, after one reminder", () => {
    const task = new TaskUnderTest(pipeline([job("ship", { approval: approval({ expiresMs: DAY }) })]));
    const started = task.now;
    const next = () => nextTurnOf(task.state.jobs.ship ?? assert.fail(), task.now);
    assert.equal(next(), started + DAY / 2);
    task.wait(DAY / 2);
    task.wait(HOUR);
    assert.equal(task.kinds("ship").filter((kind) => kind === "ApprovalReminded").length, 1);
    assert.equal(next(), started + DAY);
    task.wait(DAY / 2);
    assert.deepEqual([task.phase("ship"), task.state.failure?.code], ["failed", "approval-expired"]);
    task.answer("ship", "approve", "kim");
    assert.match(String(task.refusal()?.details.problem), /was not approved in time/);
  });

  test("asks more people after a time, unless enough have approved, and one of them is enough", () => {
    const escalate = { afterMs: HOUR, to: ["person:lee"] };
    const asks = approval({ approvers: ["group:ops"], count: 2, escalate, expiresMs: DAY });
    const task = new TaskUnderTest(pipeline([job("ship", { approval: asks })]));
    const started = task.now;
    assert.equal(nextTurnOf(task.state.jobs.ship ?? assert.fail(), task.now), started + HOUR);
    task.answer("ship", "approve", OPS("kim"));
    task.answer("ship", "approve", "lee");
    assert.equal(task.refusal()?.code, "not-asked");
    task.wait(HOUR);
    task.wait(HOUR);
    assert.equal(task.kinds("ship").filter((kind) => kind === "ApprovalEscalated").length, 1);
    assert.equal(nextTurnOf(task.state.jobs.ship ?? assert.fail(), task.now), started + DAY / 2, "then the reminder");
    task.answer("ship", "approve", "lee");
    assert.equal(task.phase("ship"), "ready");

    const quick = new TaskUnderTest(pipeline([job("ship", { approval: { ...asks, count: 1 } })]));
    quick.answer("ship", "approve", OPS("kim"));
    quick.wait(2 * HOUR);
    assert.equal(quick.kinds("ship").includes("ApprovalEscalated"), false);
  });

  test("an answer after the end of the time is refused, even before the agent has looked", () => {
    const task = new TaskUnderTest(pipeline([job("ship", { approval: approval({ expiresMs: DAY }) })]));
    task.now += DAY;
    task.answer("ship", "approve", "kim");
    assert.equal(task.refusal()?.code, "conflict");
  });

  test("is canceled with its task, and says so to who answers later", () => {
    const task = new TaskUnderTest(pipeline([job("ship", { approval: approval() })]));
    task.cancel();
    assert.deepEqual([task.phase("ship"), task.state.outcome], ["canceled", "canceled"]);
    task.answer("ship", "approve", "kim");
    assert.deepEqual([task.refusal()?.code, task.refusal()?.details.problem], ["conflict", "was canceled by dev"]);
  });

  test("an answer for another plan is refused; a repeat of an answer is not, and has no new effect", () => {
    const task = new TaskUnderTest(pipeline([job("ship", { approval: approval() })]));
    task.answer("ship", "approve", "kim", { plan: "sha256:other" });
    assert.match(String(task.refusal()?.details.problem), /has changed/);
    task.answer("ship", "approve", "kim");
    const before = task.state;
    task.answer("ship", "approve", "kim");
    assert.deepEqual([task.refusal(), task.state], [undefined, before]);
    task.answer("ship", "reject", "lee");
    assert.equal(task.refusal()?.details.problem, "was approved by kim");
  });

  test("its expressions see who approved it and what they answered, and those of later jobs, too", () => {
    const inputs = {
      type: "object",
      properties: { percent: { type: "integer", minimum: 1, default: 10 } },
      required: [],
      additionalProperties: false,
    } as const;
    const task = new TaskUnderTest(
      pipeline([job("ship", { approval: approval({ inputs }) }), job("after", { needs: ["ship"] })]),
    );
    task.answer("ship", "approve", "kim", { inputs: { percent: 0 } });
    assert.equal(task.refusal()?.problems[0]?.pointer, "/inputs/percent");
    task.answer("ship", "approve", "kim", { inputs: { percent: 50 }, reason: "all green" });
    const seen = { by: "kim", reason: "all green", inputs: { percent: 50 } };
    const { pipeline: definition, state } = task;
    assert.deepEqual(jobScope(definition, state, "ship", state.jobs.ship).approval, seen);
    task.run("ship");
    const { ship } = jobScope(definition, task.state, "after", task.state.jobs.after).needs as { ship: object };
    assert.deepEqual(ship, { outcome: "succeeded", outputs: {}, each: [], approval: seen });
  });

  test("a job that its condition skips asks nobody", () => {
    const task = new TaskUnderTest(pipeline([job("ship", { when: 'site == "tokyo"', approval: approval() })]));
    assert.deepEqual([task.phase("ship"), task.kinds("ship").includes("ApprovalRequested")], ["skipped", false]);
  });
});

describe("I7, I8: what an environment demands of a deployment", () => {
  test("holds it even if the pipeline says nothing, and other targets are not held", () => {
    const policy = environments({ approval: FOUR_EYES });
    const prod = new TaskUnderTest(pipeline([DEPLOY]), TO_PROD, policy);
    assert.equal(prod.state.jobs.deploy?.approval?.question, "Deploy orders #12 to prod (seoul)?");
    const test = new TaskUnderTest(pipeline([DEPLOY]), { ...TO_PROD, params: { target: "test" } }, policy);
    assert.equal(test.phase("deploy"), "ready");
  });

  test("comes on top of what the pipeline asks: one person may count for both", () => {
    const both = job("deploy", { deploys: "seoul", approval: approval({ approvers: ["role:qa"] }) });
    const task = new TaskUnderTest(pipeline([both]), TO_PROD, environments({ approval: FOUR_EYES }));
    task.answer("deploy", "approve", OPS("kim"));
    assert.equal(task.phase("deploy"), "pending");
    task.answer("deploy", "approve", { name: "lee", groups: ["ops"], roles: ["qa"] });
    assert.equal(task.phase("deploy"), "ready");
  });

  test("is asked once on the way: the job that commits for these targets, not the one that needs it", () => {
    const commit = job("commit", { environment: "${{ app.targets.filter(t, t.name == params.target) }}" });
    const task = new TaskUnderTest(
      pipeline([commit, { ...DEPLOY, needs: ["commit"] }]),
      TO_PROD,
      environments({ approval: FOUR_EYES }),
    );
    task.answer("commit", "approve", OPS("kim"));
    task.run("commit");
    assert.equal(task.phase("deploy"), "ready");
  });

  test("a rerun that takes over the approved job asks again", () => {
    const commit = job("commit", { environment: "${{ app.targets.filter(t, t.name == params.target) }}" });
    const task = new TaskUnderTest(
      pipeline([commit, { ...DEPLOY, needs: ["commit"] }]),
      { ...TO_PROD, rerunOf: "t0", kept: { commit: { outputs: {}, steps: [] } } },
      environments({ approval: FOUR_EYES }),
    );
    assert.deepEqual([task.phase("commit"), task.phase("deploy")], ["succeeded", "pending"]);
  });

  test("an approval for the first target does not let the next one through", () => {
    const targets = [...TARGETS, { name: "tokyo", site: "seoul", environment: "prod" }];
    const task = new TaskUnderTest(
      pipeline([job("canary", { deploys: "seoul" }), job("rest", { deploys: "tokyo", needs: ["canary"] })]),
      { ...TO_PROD, appScope: { targets } },
      environments({ approval: FOUR_EYES }),
    );
    task.answer("canary", "approve", OPS("kim"));
    task.run("canary");
    assert.equal(task.phase("rest"), "pending");
  });

  test("a change of the policy voids earlier approvals, also of a job that no runner has taken", () => {
    const task = new TaskUnderTest(pipeline([DEPLOY]), TO_PROD, environments({ approval: { ...FOUR_EYES, count: 2 } }));
    task.answer("deploy", "approve", OPS("kim"));
    const old = task.state.jobs.deploy?.approval?.plan;
    task.environments = environments({ approval: { ...FOUR_EYES, approvers: ["group:security"] } });
    task.answer("deploy", "approve", OPS("lee"));
    assert.notEqual(task.state.jobs.deploy?.approval?.plan, old);
    assert.deepEqual([task.phase("deploy"), task.state.jobs.deploy?.approval?.answers], ["pending", []]);

    task.answer("deploy", "approve", { name: "sam", groups: ["security"], roles: [] });
    assert.equal(task.phase("deploy"), "ready");
    task.environments = environments({ approval: FOUR_EYES });
    task.wait(0);
    assert.equal(task.phase("deploy"), "pending");
    task.claim("deploy");
    assert.equal(task.refusal()?.code, "offer-gone");
  });

  test("a window that is closed holds it until it opens, also after the approval", () => {
    const nights = { days: ["tue"], from: "20:00", to: "22:00", timeZone: "Asia/Seoul" } as const;
    const windows = [{ ...nights, days: [...nights.days] }];
    const task = new TaskUnderTest(pipeline([DEPLOY]), TO_PROD, environments({ approval: FOUR_EYES, windows }));
    task.answer("deploy", "approve", OPS("kim"));
    const { waiting } = task.state.jobs.deploy ?? {};
    const opens = Date.UTC(1970, 0, 6, 11);
    assert.deepEqual([waiting?.code, waiting?.until], ["window", opens]);
    assert.match(waiting?.text ?? "", /tue 20:00 to 22:00 \(Asia\/Seoul\)/);
    task.now = opens - 1;
    task.wait(0);
    assert.equal(task.phase("deploy"), "pending");
    task.wait(1);
    assert.equal(task.phase("deploy"), "ready");
    // No runner took it in time.
    task.wait(2 * HOUR);
    assert.equal(task.phase("deploy"), "pending");
  });

  test("a freeze holds it with its reason; a person who may override gives one, which stays in the history", () => {
    const freezes = [{ from: "1970-01-01T00:00:00Z", to: "1970-02-01T00:00:00Z", reason: "Audit", owner: "lee" }];
    const task = new TaskUnderTest(pipeline([DEPLOY]), TO_PROD, environments({ approval: FOUR_EYES, freezes }));
    task.answer("deploy", "approve", OPS("kim"));
    assert.equal(task.state.jobs.deploy?.waiting?.text, "Deployments to prod are frozen by lee: Audit.");
    task.answer("deploy", "override", "sam", { reason: undefined });
    assert.equal(task.refusal()?.code, "bad-request");
    task.answer("deploy", "override", "sam", { reason: "The shop is down" });
    assert.equal(task.phase("deploy"), "ready");
    assert.deepEqual(task.state.jobs.deploy?.overridden, { by: "sam", at: task.now, reason: "The shop is down" });
  });

  test("a task that was started against the policy is not held, except by its own pipeline", () => {
    const policy = environments({ approval: FOUR_EYES });
    const against = { ...TO_PROD, override: "The shop is down" };
    assert.equal(new TaskUnderTest(pipeline([DEPLOY]), against, policy).phase("deploy"), "ready");
    const own = pipeline([{ ...DEPLOY, approval: approval() }]);
    assert.equal(new TaskUnderTest(own, against, policy).phase("deploy"), "pending");
  });

  test("an environment that the expression does not give is an error of the platform, and nothing starts", () => {
    const task = new TaskUnderTest(pipeline([job("ship", { environment: "${{ 7 }}" })]), TO_PROD, environments({}));
    assert.equal(task.phase("ship"), "errored");
  });
});

test("I8: in any order of answers, time, policies, cancels and restarts, a job starts at most once, and only with enough approvers of one plan", () => {
  const person = fc.constantFrom("dev", "kim", "lee", "sam");
  const verdict = fc.constantFrom("approve" as const, "reject" as const);
  const command = fc.oneof(
    fc.record({ do: fc.constant("answer" as const), answer: verdict, who: person, old: fc.boolean() }),
    fc.record({ do: fc.constant("wait" as const), hours: fc.integer({ min: 0, max: 30 }) }),
    fc.record({ do: fc.constant("policy" as const), count: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ do: fc.constant("cancel" as const) }),
    fc.record({ do: fc.constant("claim" as const) }),
    fc.record({ do: fc.constant("restart" as const) }),
  );
  const property = fc.property(fc.array(command, { maxLength: 30 }), (commands) => {
    const policy = (count: number) => environments({ approval: { ...FOUR_EYES, count, expiresMs: DAY } });
    const task = new TaskUnderTest(pipeline([DEPLOY]), TO_PROD, policy(2));
    const plans = new Set<string>();
    let wanted = 2;
    for (const one of commands) {
      const plan = task.state.jobs.deploy?.approval?.plan;
      if (plan !== undefined) plans.add(plan);
      if (one.do === "wait") task.wait(one.hours * HOUR);
      else if (one.do === "cancel") task.cancel();
      else if (one.do === "restart") task.state = JSON.parse(JSON.stringify(task.state));
      else if (one.do === "claim") task.claim("deploy");
      else if (one.do === "policy") {
        wanted = one.count;
        task.environments = policy(wanted);
        task.wait(0);
      } else task.answer("deploy", one.answer, OPS(one.who), one.old ? { plan: [...plans][0] } : {});
    }
    const claims = task.kinds("deploy").filter((kind) => kind === "JobClaimed").length;
    assert.ok(claims <= 1);
    if (claims === 0) return;
    const at = task.events.findIndex(({ kind }) => kind === "JobClaimed");
    const before = task.events.slice(0, at);
    const asked = before.findLast((event) => event.kind === "ApprovalRequested") ?? assert.fail("nothing was asked");
    const given = before.slice(before.indexOf(asked)).filter((event) => event.kind === "ApprovalAnswered");
    const people = new Set(given.filter(({ plan }) => plan === asked.plan).map(({ by }) => by));
    assert.ok(people.size >= (asked.demands[0]?.count ?? 0) && !people.has("dev"), [...people].join());
    assert.ok(given.every(({ answer }) => answer === "approve"));
    assert.ok((given.at(-1)?.at ?? Infinity) < asked.until);
  });
  fc.assert(property, { numRuns: testRuns(300) });
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { JsonObject } from "../json.ts";
import { compileRules, defaultRules } from "./compile-rules.ts";
import { matchRules, type Notice } from "./match.ts";
import { type RuleFile, ruleSchema } from "./rule.ts";

const CHANNELS = ["inbox", "ops", "mail"];

function notice(event: JsonObject, data: Partial<Notice["data"]> = {}): Notice {
  return {
    id: "t01/7",
    type: "dev.gantry.task.ended.v1",
    data: {
      task: "t01",
      pipeline: "cd",
      title: "Run CD: orders",
      app: "orders",
      requestedBy: "kim",
      url: "https://portal/tasks/t01",
      event: { at: 1_750_000_000_000, ...event },
      ...data,
    },
  };
}

function rule(part: Partial<RuleFile>): RuleFile {
  return { name: "one", when: "true", oncePer: "task.id", send: [{ channel: "ops" }], ...part };
}

function keysOf(files: readonly RuleFile[], event: Notice): readonly string[] {
  const { rules, problems } = compileRules(files, CHANNELS);
  assert.deepEqual(problems, []);
  return matchRules(rules, event).matches.map((match) => match.key);
}

describe("reading rules", () => {
  const bad: readonly (readonly [string, Partial<RuleFile>, RegExp])[] = [
    ["an unknown channel", { send: [{ channel: "opps" }] }, /There is no channel opps \(did you mean ops\?\)/],
    ["a channel named twice", { send: [{ channel: "ops" }, { channel: "ops" }] }, /named twice/],
    ["a broken expression", { when: "event.kind ==" }, /the expression is incomplete/],
    ["an unknown variable", { when: 'evnt.kind == "TaskEnded"' }, /evnt/],
    ["an unknown function", { when: "foo(event.kind)" }, /foo/],
    ["a misspelt member of the event", { when: "event.outcom == 'failed'" }, /did you mean outcome/],
    ["a misspelt member of the task", { oncePer: "task.idd" }, /did you mean id/],
    ["a misspelt kind", { when: 'event.kind == "TaskEnd"' }, /no event of kind "TaskEnd" \(did you mean TaskEnded/],
    ["a misspelt kind in a list", { when: 'event.kind in ["TaskEnded", "JobHeeld"]' }, /JobHeeld/],
    ["a misspelt kind deep inside", { when: '!(event.kind == "X" || event.at > 1)' }, /kind "X"/],
    ["a condition that is no truth", { when: "1 + 1" }, /must be true or false, and this is a whole number/],
    ["a key that is no text", { oncePer: "3" }, /must be text, and this is a whole number/],
    [
      "a receiver that is no text",
      { send: [{ channel: "ops", to: "true" }] },
      /must be text, and this is true or false/,
    ],
    ["an endless expression", { when: `true${" || true".repeat(500)}` }, /longer than|nodes|depth/i],
  ];
  for (const [name, part, says] of bad) {
    test(`${name} is a mistake`, () => {
      const { problems } = compileRules([rule(part)], CHANNELS);
      assert.match(problems.map((problem) => problem.detail).join(" "), says);
      for (const problem of problems) assert.match(problem.pointer ?? "", /^\/rules\/0/);
    });
  }

  test("all mistakes are reported at once", () => {
    const files = [rule({ when: "(" }), rule({ when: "nope", send: [{ channel: "x" }] }), rule({ oncePer: ")" })];
    const { problems } = compileRules(files, CHANNELS);
    const pointers = problems.map((problem) => problem.pointer);
    assert.ok(
      ["/rules/0/when", "/rules/1/when", "/rules/1/send/0/channel", "/rules/2/oncePer"].every((one) =>
        pointers.includes(one),
      ),
    );
    assert.ok(problems.some((problem) => problem.detail.includes("Two rules have the name")));
  });

  test("the default rules are valid with any channels", () => {
    for (const channels of [["inbox"], CHANNELS]) {
      const files = defaultRules(channels);
      assert.deepEqual(compileRules(files, channels).problems, []);
      for (const file of files) ruleSchema.parse(file);
    }
  });
});

describe("matching", () => {
  test("an ended task is reported once on every channel, with any outcome", () => {
    for (const outcome of ["succeeded", "failed", "errored", "timed-out", "canceled"]) {
      const keys = keysOf(defaultRules(CHANNELS), notice({ kind: "TaskEnded", outcome }));
      assert.deepEqual(keys, ["task-ended/t01/inbox", "task-ended/t01/ops", "task-ended/t01/mail"]);
    }
  });

  test("what Gantry reads by a schedule is reported only when it fails", () => {
    for (const pipeline of ["definitions-sync", "own-pipelines-sync", "poll-git", "templates-sync"]) {
      const ended = (outcome: string): Notice => notice({ kind: "TaskEnded", outcome }, { pipeline });
      assert.deepEqual(keysOf(defaultRules(["inbox"]), ended("succeeded")), []);
      assert.deepEqual(keysOf(defaultRules(["inbox"]), ended("failed")), ["task-ended/t01/inbox"]);
    }
  });

  test("a created app is reported as such, and a failed creation as an ended task", () => {
    const create = { pipeline: "create-app" };
    const ended = (outcome: string): Notice => notice({ kind: "TaskEnded", outcome }, create);
    assert.deepEqual(keysOf(defaultRules(["inbox"]), ended("succeeded")), ["app-created/t01/inbox"]);
    assert.deepEqual(keysOf(defaultRules(["inbox"]), ended("failed")), ["task-ended/t01/inbox"]);
  });

  test("a job that is held again asks again; the same event does not", () => {
    const held = (at: number): readonly string[] =>
      keysOf(defaultRules(["inbox"]), notice({ kind: "JobHeld", job: "deploy[seoul]", at, reason: "?" }));
    assert.deepEqual(held(1), held(1));
    assert.notDeepEqual(held(1), held(2));
  });

  test("I7: an approval is reported when it is asked for, halfway, of more people, answered and expired; each answer once", () => {
    const keys = (kind: string, at: number): readonly string[] =>
      keysOf(defaultRules(["inbox"]), notice({ kind, job: "deploy[seoul]", at }));
    const kinds = ["ApprovalRequested", "ApprovalReminded", "ApprovalEscalated", "ApprovalAnswered", "ApprovalExpired"];
    assert.equal(new Set(kinds.flatMap((kind) => keys(kind, 1))).size, 5);
    assert.deepEqual(keys("ApprovalAnswered", 1), keys("ApprovalAnswered", 1));
    assert.notDeepEqual(keys("ApprovalAnswered", 1), keys("ApprovalAnswered", 2));
  });

  test("all else is quiet", () => {
    for (const kind of ["TaskRequested", "JobStarted", "StepEnded", "JobEnded", "SomethingNewer"]) {
      assert.deepEqual(keysOf(defaultRules(CHANNELS), notice({ kind, job: "a", outcome: "failed" })), []);
    }
  });

  test("an event without the member that a rule uses does not match, and this is not a problem", () => {
    const { rules } = compileRules([rule({ when: 'event.outcome == "failed"' })], CHANNELS);
    assert.deepEqual(matchRules(rules, notice({ kind: "JobStarted" })), { matches: [], problems: [] });
  });

  test("numbers without a fraction compare as integers", () => {
    const slow = rule({ when: 'event.kind == "TaskEnded" && event.durationMs > 60000' });
    assert.equal(keysOf([slow], notice({ kind: "TaskEnded", durationMs: 60_001 })).length, 1);
    assert.equal(keysOf([slow], notice({ kind: "TaskEnded", durationMs: 60_000 })).length, 0);
  });

  test("the type of the event can be asked for", () => {
    const byType = rule({ when: 'event.type == "dev.gantry.task.ended.v1"' });
    assert.equal(keysOf([byType], notice({ kind: "TaskEnded" })).length, 1);
  });

  test("the receiver may come from the event", () => {
    const { rules } = compileRules(
      [rule({ send: [{ channel: "mail", to: "task.requestedBy + '@corp.example'" }] })],
      CHANNELS,
    );
    assert.equal(matchRules(rules, notice({ kind: "TaskEnded" })).matches[0]?.to, "kim@corp.example");
  });

  test("what cannot be computed is reported, and the message is not lost", () => {
    const { rules } = compileRules(
      [rule({ oncePer: "event.job", send: [{ channel: "ops", to: "task.app" }] })],
      CHANNELS,
    );
    const { matches, problems } = matchRules(rules, notice({ kind: "TaskEnded" }, { app: undefined }));
    assert.deepEqual(matches, [{ key: "one/t01/7/ops", rule: "one", channel: "ops", to: undefined }]);
    assert.deepEqual(
      problems.map((problem) => problem.part),
      ["oncePer", "to"],
    );
  });

  test("an event of absurd depth is a problem and no crash", () => {
    let deep: JsonObject = {};
    for (let at = 0; at < 200; at += 1) deep = { deep };
    const { rules } = compileRules([rule({})], CHANNELS);
    const { matches, problems } = matchRules(rules, notice({ kind: "TaskEnded", outputs: deep }));
    assert.deepEqual([matches.length, problems.length], [0, 1]);
  });

  test("property: matching is deterministic and never throws", () => {
    const { rules } = compileRules(defaultRules(CHANNELS), CHANNELS);
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue() as fc.Arbitrary<JsonObject>, { maxKeys: 5 }),
        fc.string(),
        (event, kind) => {
          const one = notice({ ...event, kind });
          assert.deepEqual(matchRules(rules, one), matchRules(rules, one));
        },
      ),
    );
  });
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { JsonObject } from "@gantry/core/json.ts";
import { EVENT_KINDS } from "@gantry/core/notify/vocabulary.ts";
import { OUTCOMES } from "@gantry/core/task/states.ts";
import { testRuns } from "@gantry/core/test-runs.fixture.ts";
import { anyCharacter } from "@gantry/lab/any-character.fixture.ts";
import fc from "fast-check";
import { type Content, renderNotice } from "./messages.ts";
import { feedEvent } from "./notify.fixture.ts";

function render(event: JsonObject, data: Parameters<typeof feedEvent>[2] = {}): Content {
  return renderNotice(feedEvent(1, event, data), undefined);
}

describe("an ended task", () => {
  for (const [outcome, title] of [
    ["succeeded", "✓ Run CD: orders succeeded"],
    ["failed", "✕ Run CD: orders failed at deploy[tokyo]: wait"],
    ["errored", "⚠ Run CD: orders errored at deploy[tokyo]: wait"],
    ["timed-out", "⏱ Run CD: orders timed out at deploy[tokyo]: wait"],
    ["canceled", "⊘ Run CD: orders canceled"],
  ] as const) {
    test(`${outcome}: ${title}`, () => {
      const failedAt: JsonObject = title.includes(" at ") ? { failedAt: { job: "deploy[tokyo]", step: "wait" } } : {};
      const content = render({ kind: "TaskEnded", outcome, durationMs: 72_000, headline: "h", ...failedAt });
      assert.equal(content.title, title);
      assert.equal(content.state, outcome);
    });
  }

  test("says what happened, why, what to do, and the first failing line", () => {
    const content = render({
      kind: "TaskEnded",
      outcome: "failed",
      durationMs: 72_000,
      headline: "Run CD: orders failed at deploy: wait after 1 m 12 s. The app is Degraded.",
      failedAt: { job: "deploy", step: "wait" },
      failure: {
        code: "gate-failed",
        message: "The app is Degraded.",
        why: "A pod crashes.",
        todo: "Read its log.",
        line: "panic: no database",
      },
    });
    assert.deepEqual(content.text.split("\n"), [
      "The app is Degraded.",
      "A pod crashes.",
      "To do: Read its log.",
      "First failing line: panic: no database",
    ]);
    assert.deepEqual(content.facts, [
      ["App", "orders"],
      ["Pipeline", "cd"],
      ["Where", "deploy: wait"],
      ["Took", "1 m 12 s"],
      ["Requested by", "kim"],
      ["Task", "t01"],
    ]);
    assert.deepEqual(content.link, { label: "Open the task", url: "https://portal.example/tasks/t01" });
    assert.equal(content.thread, "t01");
  });

  test("names every place that failed in its title", () => {
    const content = render({
      kind: "TaskEnded",
      outcome: "failed",
      durationMs: 27_000,
      headline: "Run CD: orders failed at deploy[seoul]: Wait and deploy[tokyo]: Wait after 27 s. The app is Degraded.",
      failedAt: { job: "deploy[seoul]", step: "wait" },
    });
    assert.equal(content.title, "✕ Run CD: orders failed at deploy[seoul]: Wait and deploy[tokyo]: Wait");
    assert.equal(content.text, "The app is Degraded.");
  });

  test("says who canceled it, once", () => {
    const headline = "Run CD: orders was canceled by kim after 27 s.";
    const content = render({ kind: "TaskEnded", outcome: "canceled", durationMs: 27_000, headline });
    assert.equal(content.title, "⊘ Run CD: orders was canceled by kim");
    assert.equal(content.text, "");
  });

  test("a created app is said once", () => {
    const headline = "Create app: orders succeeded after 13 s.";
    const data = { title: "Create app: orders", pipeline: "create-app" };
    const content = render({ kind: "TaskEnded", outcome: "succeeded", durationMs: 13_000, headline }, data);
    assert.equal(content.title, "✓ The app orders was created");
    assert.equal(content.text, "");
  });

  test("does not repeat its title in the text", () => {
    const line = "error: broken";
    const failed = render({
      kind: "TaskEnded",
      outcome: "failed",
      durationMs: 72_000,
      headline: `Run CD: orders failed at build: Compile after 1 m 12 s. The script ended with exit code 3. ${line}`,
      failure: {
        code: "script-failed",
        message: "The script ended with exit code 3.",
        why: `Its log says: ${line}.`,
        line,
      },
    });
    assert.equal(failed.text.split(line).length, 2, failed.text);
    const headline = "Run CD: orders succeeded after 1 m 12 s.";
    assert.equal(render({ kind: "TaskEnded", outcome: "succeeded", durationMs: 72_000, headline }).text, "");
    const other = "Run CD: orders succeeded, 3 jobs were skipped.";
    assert.equal(render({ kind: "TaskEnded", outcome: "succeeded", headline: other }).text, other);
  });

  test("that created an app is titled with the app", () => {
    const content = render({ kind: "TaskEnded", outcome: "succeeded", headline: "h" }, { pipeline: "create-app" });
    assert.equal(content.title, "✓ The app orders was created");
  });
});

test("every kind of event has a title", () => {
  const titles = EVENT_KINDS.map(
    (kind) => render({ kind, job: "build", step: "test", outcome: "failed", by: "lee", answer: "fail" }).title,
  );
  for (const title of titles) assert.match(title, /^. Run CD: orders/);
  assert.ok(
    titles.includes("? Run CD: orders: build needs an answer") ||
      titles.includes("✕ Run CD: orders: build needs an answer"),
  );
});

test("colours, control characters and direction marks are removed", () => {
  const { title, text } = render(
    { kind: "TaskEnded", outcome: "failed", headline: "\u001b[31mred\u001b[0m\r\n\u202eevil\u0000" },
    { title: "a\nb\tc\u0007" },
  );
  assert.equal(title, "✕ a b c failed");
  assert.equal(text, "red \n evil ");
});

test("only http and https addresses are links; one without a host is completed", () => {
  assert.equal(render({ kind: "TaskEnded" }, { url: "javascript:alert(1)" }).link, undefined);
  assert.equal(render({ kind: "TaskEnded" }, { url: "/tasks/t01" }).link, undefined);
  const completed = renderNotice(feedEvent(1, { kind: "TaskEnded" }, { url: "/tasks/t01" }), "https://portal.example");
  assert.equal(completed.link?.url, "https://portal.example/tasks/t01");
});

test("rendering any event never throws, and the size is limited", () => {
  const anything = fc.oneof(
    fc.jsonValue(),
    fc.string({ unit: anyCharacter, maxLength: 20_000 }),
  ) as fc.Arbitrary<JsonObject>;
  const event = fc.record({
    kind: fc.constantFrom(...EVENT_KINDS, "Else"),
    outcome: fc.oneof(fc.constantFrom(...OUTCOMES), anything),
    job: anything,
    step: anything,
    reason: anything,
    failure: fc.oneof(anything, fc.record({ message: anything, why: anything, todo: anything, line: anything })),
    failedAt: anything,
    headline: anything,
    durationMs: anything,
  }) as fc.Arbitrary<JsonObject>;
  fc.assert(
    fc.property(event, fc.string({ unit: anyCharacter }), (one, title) => {
      const content = render(one, { title });
      assert.ok(content.title.length <= 250 && content.text.length <= 4_000);
      assert.ok(content.facts.every(([, value]) => value.length <= 300 && value.length > 0));
      assert.doesNotMatch(content.title, /[\r\n]/);
    }),
    { numRuns: testRuns(300) },
  );
});

describe("an approval", () => {
  const plan = `sha256:${"a".repeat(64)}`;
  const asked = {
    job: "deploy[tokyo]",
    question: "Ship it?",
    plan,
    approvers: ["group:ops"],
    until: Date.UTC(2026, 0, 2, 3, 4),
  };

  for (const kind of ["ApprovalRequested", "ApprovalReminded", "ApprovalEscalated"])
    test(`${kind}: has links to approve and to reject, which name the plan and hold nothing secret`, () => {
      const { actions, link } = renderNotice(
        feedEvent(1, { kind, ...asked }, { url: "https://gantry.example/tasks/t01" }),
        undefined,
      );
      assert.equal(link?.url, "https://gantry.example/tasks/t01");
      assert.deepEqual(
        actions?.map(({ label, url }) => [label, url]),
        ["Approve", "Reject"].map((label) => [
          label,
          `https://gantry.example/tasks/t01/answer?job=deploy%5Btokyo%5D&plan=sha256%3A${"a".repeat(64)}&answer=${label.toLowerCase()}`,
        ]),
      );
    });

  test("says who may answer and until when", () => {
    const { facts } = render({ kind: "ApprovalRequested", ...asked });
    const found = Object.fromEntries(facts);
    assert.deepEqual([found["Who may answer"], found.Until], ["group:ops", "2026-01-02 03:04 UTC"]);
  });

  test("has no links where it does not wait any more, and none from an older task-agent without a plan", () => {
    const { plan: _, ...older } = asked;
    for (const event of [
      { kind: "ApprovalExpired", ...asked },
      { kind: "ApprovalReminded", ...older },
    ])
      assert.equal(
        renderNotice(feedEvent(1, event, { url: "https://gantry.example/tasks/t01" }), undefined).actions,
        undefined,
      );
  });
});

test("what requested a task is said in words", () => {
  const by = (
    requestedBy: string,
    event: JsonObject = { kind: "TaskEnded", outcome: "succeeded" },
  ): string | undefined => Object.fromEntries(render(event, { requestedBy }).facts)["Requested by"];
  assert.equal(by("trigger:schedule"), "a schedule");
  assert.equal(by("trigger:push"), "a push");
  assert.equal(by("corp:kim"), "corp:kim");
  const trigger = { kind: "schedule", cron: "0 3 * * *", timeZone: "Europe/Berlin" };
  assert.equal(by("trigger:schedule", { kind: "TaskRequested", trigger }), "schedule 0 3 * * * Europe/Berlin");
  assert.match(
    render({ kind: "TaskRequested", trigger }, { requestedBy: "trigger:schedule" }).title,
    /was requested by schedule 0 3 \* \* \* Europe\/Berlin$/,
  );
});

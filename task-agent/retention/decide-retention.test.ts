// For any policy and any state: tasks that must stay are kept, and all others are archived.

import assert from "node:assert/strict";
import { test } from "node:test";
import { retentionPolicy, taskTerms } from "@gantry/core/retention/policy.ts";
import { dayOfTask, newTaskId, timeOfTask } from "@gantry/core/task/task-id.ts";
import fc from "fast-check";
import {
  DAY_MS,
  decideArchiveLogs,
  decideKeep,
  decideReadUpTo,
  effectivePolicy,
  nextBatch,
  READER_SILENT_MS,
  type RetentionFacts,
} from "./decide-retention.ts";

const NOW = 1_790_000_000_000;
const days = fc.integer({ min: 7, max: 400 });
const keep = fc.integer({ min: 1, max: 50 });
const policy = fc
  .record({
    enabled: fc.boolean(),
    tasks: fc.record({
      days,
      keep,
      pipelines: fc.dictionary(fc.constantFrom("ci", "cd"), fc.record({ days, keep }, { requiredKeys: [] })),
    }),
    logs: fc.record({ days: fc.integer({ min: 1, max: 400 }), archive: fc.boolean() }),
  })
  .map((input) => retentionPolicy.parse(input));
/** Values near the limits are as frequent as all others. */
const age = fc.oneof(
  fc.integer({ min: -10, max: 500 }).map((n) => n * DAY_MS),
  fc.tuple(days, fc.integer({ min: -1, max: 1 })).map(([n, ms]) => n * DAY_MS + ms),
);
const task = fc
  .record({
    phase: fc.constantFrom("queued" as const, "running" as const, "finalizing" as const, "ended" as const),
    pipeline: fc.constantFrom("ci", "cd", "create-app"),
    ended: age,
    took: fc.nat({ max: 100 * DAY_MS }),
  })
  .map(({ phase, pipeline, ended, took }) => ({
    phase,
    pipeline,
    requestedAt: NOW - ended - took,
    endedAt: phase === "ended" ? NOW - ended : undefined,
  }));
const facts = fc.record({
  policy,
  now: fc.constant(NOW),
  isNewest: fc.boolean(),
  isReferenced: fc.boolean(),
  lastSeq: fc.nat({ max: 20 }),
  readUpTo: fc.oneof(fc.nat({ max: 20 }), fc.constant(Number.POSITIVE_INFINITY)),
});

test("a task is archived when it ended long ago, is not among the newest, is not referenced, its key has expired and all have read it", () => {
  fc.assert(
    fc.property(task, facts, (one, context) => {
      const leaves = decideKeep(one, context) === undefined;
      const mayLeave =
        context.policy.enabled &&
        one.phase === "ended" &&
        NOW - (one.endedAt ?? NOW) >= taskTerms(context.policy, one.pipeline).days * DAY_MS &&
        NOW - one.requestedAt >= 7 * DAY_MS &&
        !context.isNewest &&
        !context.isReferenced &&
        context.lastSeq <= context.readUpTo;
      assert.equal(leaves, mayLeave);
    }),
  );
});

test("a policy with more days keeps at least as many tasks", () => {
  fc.assert(
    fc.property(task, facts, fc.nat({ max: 100 }), (one, context, more) => {
      const { tasks } = context.policy;
      const longer = { ...context.policy, tasks: { ...tasks, days: tasks.days + more, pipelines: {} } };
      const shorter: RetentionFacts = { ...context, policy: { ...context.policy, tasks: { ...tasks, pipelines: {} } } };
      if (decideKeep(one, shorter) !== undefined)
        assert.notEqual(decideKeep(one, { ...context, policy: longer }), undefined);
    }),
  );
});

test("the slowest reader counts; a reader that was silent for a week and a missing relay do not", () => {
  const reader = fc.record({ name: fc.string(), after: fc.nat(), ago: fc.nat({ max: 2 * READER_SILENT_MS }) });
  fc.assert(
    fc.property(fc.array(reader), fc.option(fc.nat(), { nil: undefined }), (readers, relay) => {
      const upTo = decideReadUpTo(
        readers.map(({ ago, ...rest }) => ({ ...rest, atMs: NOW - ago })),
        relay,
        NOW,
      );
      const heard = readers.filter(({ ago }) => ago < READER_SILENT_MS).map(({ after }) => after);
      const positions = relay === undefined ? heard : [...heard, relay];
      assert.ok(positions.every((position) => upTo <= position));
      assert.ok(positions.length === 0 ? upTo === Number.POSITIVE_INFINITY : positions.includes(upTo));
    }),
  );
});

test("logs of open and unknown tasks stay; logs of archived tasks are moved", () => {
  const on = retentionPolicy.parse({});
  const leaves = (state: Parameters<typeof decideArchiveLogs>[0], isArchived = false): boolean =>
    decideArchiveLogs(state, { policy: on, now: NOW, isArchived });
  assert.equal(leaves({ phase: "running", endedAt: undefined }), false);
  assert.equal(leaves({ phase: "ended", endedAt: NOW - 29 * DAY_MS }), false);
  assert.equal(leaves({ phase: "ended", endedAt: NOW - 30 * DAY_MS }), true);
  assert.equal(leaves(undefined, false), false);
  assert.equal(leaves(undefined, true), true);
  const off = retentionPolicy.parse({ enabled: false });
  assert.equal(decideArchiveLogs({ phase: "ended", endedAt: 0 }, { policy: off, now: NOW, isArchived: true }), false);
});

test("a batch grows after a quick removal, is halved after a slow one, and is never empty", () => {
  assert.deepEqual(
    [nextBatch(4, 1), nextBatch(4, 10), nextBatch(4, 20), nextBatch(1, 500), nextBatch(50, 1)],
    [5, 4, 2, 1, 50],
  );
});

test("the id of a task contains its day; other texts are refused", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_000_000_000_000 }), fc.uuid(), (at, uuid) => {
      const id = newTaskId(at, uuid);
      assert.equal(timeOfTask(id), at);
      assert.equal(dayOfTask(id), new Date(at).toISOString().slice(0, 10));
    }),
  );
  for (const id of [
    "",
    "../../etc/passwd",
    "t",
    "tzzzzzzzzz00000000000",
    "x0000000000000000000",
    "t000000000-000000000",
  ])
    assert.equal(dayOfTask(id), undefined);
});

test("settings override the configuration and can be removed again", () => {
  const policy = retentionPolicy.parse({ tasks: { days: 50, pipelines: { ci: { keep: 3 } } } });
  assert.deepEqual(effectivePolicy(policy, {}), policy);
  const set = { "retention.taskDays": 20, "retention.logDays": 5, "retention.keepTasks": 7, "retention.paused": true };
  assert.deepEqual(effectivePolicy(policy, set), {
    enabled: false,
    tasks: { days: 20, keep: 7, pipelines: { ci: { keep: 3 } } },
    logs: { days: 5, archive: true },
    webhooks: { days: 30 },
  });
  const off = retentionPolicy.parse({ enabled: false });
  assert.deepEqual(
    [effectivePolicy(off, {}).enabled, effectivePolicy(off, { "retention.paused": false }).enabled],
    [false, true],
  );
});

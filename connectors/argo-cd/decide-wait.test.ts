import assert from "node:assert/strict";
import { test } from "node:test";
import { testRuns } from "@gantry/core/test-runs.fixture.ts";
import fc from "fast-check";
import { decideSync } from "./decide-sync.ts";
import { decideWait, type Verdict } from "./decide-wait.ts";
import { sameImage } from "./image-use.ts";
import { type Application, application, type TreeNode } from "./model.ts";

const OURS = "a".repeat(40);
const OTHER = "b".repeat(40);
const IMAGE = `harbor.example/apps/orders@sha256:${"1".repeat(64)}`;
const OLD_IMAGE = `harbor.example/apps/orders@sha256:${"2".repeat(64)}`;
const wanted = {
  app: "orders",
  revision: OURS,
  image: IMAGE,
  degradedGraceMs: 1_000,
  url: "https://argocd.example/orders",
};

type Status = Record<string, unknown>;
const operation = (more: Status = {}) => ({
  operation: { sync: { revision: OURS } },
  phase: "Succeeded",
  finishedAt: "2026-01-01T00:00:10Z",
  syncResult: { revision: OURS },
  ...more,
});
const good: Status = {
  sync: { status: "Synced", revision: OURS },
  health: { status: "Healthy" },
  reconciledAt: "2026-01-01T00:00:10Z",
  operationState: operation(),
  summary: { images: [IMAGE] },
};

function appWith(status: Status, more: Record<string, unknown> = {}): Application {
  const spec = { project: "orders", destination: { name: "seoul-dp", namespace: "orders" } };
  return application.parse({ metadata: { name: "orders" }, spec, status: { ...good, ...status }, ...more });
}

function decide(
  status: Status,
  options: { nodes?: TreeNode[]; sickSinceMs?: number; errors?: number; more?: Record<string, unknown> } = {},
): Verdict {
  const { nodes = [], sickSinceMs, errors = 0, more = {} } = options;
  return decideWait(wanted, appWith(status, more), nodes, { errors, sickSinceMs }, 10_000);
}

test("an app is done at our commit, compared after the operation, healthy, and with our image", () => {
  assert.equal(decide({}).kind, "done");
  assert.equal(decide({ operationState: undefined }).kind, "done");
});

test("an app that is being deleted is neither done nor waited for nor synced", () => {
  const more = { metadata: { name: "orders", deletionTimestamp: "2026-01-01T00:00:11Z" } };
  for (const status of [{}, { operationState: operation({ phase: "Running", finishedAt: null }) }]) {
    const verdict = decide(status, { more });
    assert.ok(verdict.kind === "failed" && verdict.line === "it is being deleted in Argo CD", JSON.stringify(verdict));
    assert.equal(decideSync(appWith(status, more), OURS, "t1").kind, "refused");
  }
  const kept = { metadata: { name: "orders", deletionTimestamp: null } };
  assert.equal(decide({}, { more: kept }).kind, "done");
});

test("it waits while any one of the conditions is missing", () => {
  const cases: [string, Status, Record<string, unknown>?][] = [
    ["about to run", {}, { operation: { sync: { revision: OURS } } }],
    ["running", { operationState: operation({ phase: "Running", finishedAt: null }) }],
    ["not looked", { reconciledAt: "2026-01-01T00:00:09Z" }],
    ["not looked", { reconciledAt: undefined }],
    ["not yet at aaaaaaa", { sync: { status: "Synced", revision: OTHER }, operationState: undefined }],
    ["OutOfSync", { sync: { status: "OutOfSync", revision: OURS } }],
    ["Progressing", { health: { status: "Progressing" } }],
    ["Missing", { health: { status: "Missing" } }],
    ["Unknown", { health: { status: "something new" } }],
    ["no pod runs", { summary: { images: [OLD_IMAGE] } }],
    ["a person has to resume it", { health: { status: "Suspended" } }],
    ["Degraded", { health: { status: "Degraded" } }],
    ["has not looked", { sync: undefined, operationState: undefined }],
  ];
  for (const [said, status, more] of cases) {
    const verdict = decide(status, more ? { more } : {});
    assert.ok(verdict.kind === "waiting", `${said}: ${JSON.stringify(verdict)}`);
    assert.ok(verdict.reason.includes(said), `${said}: ${verdict.reason}`);
  }
});

test("when the branch has moved on, our operation counts once Argo CD has compared in a later second", () => {
  const moved = { sync: { status: "OutOfSync", revision: OTHER } };
  assert.equal(decide(moved).kind, "waiting");
  assert.equal(decide({ ...moved, reconciledAt: "2026-01-01T00:00:11Z" }).kind, "done");
  const theirs = operation({ syncResult: { revision: OTHER } });
  assert.equal(decide({ ...moved, reconciledAt: "2026-01-01T00:00:11Z", operationState: theirs }).kind, "waiting");
});

test("our commit followed by another deployment is superseded; deployed again it is not", () => {
  const sync = { status: "Synced", revision: OTHER };
  const history = [{ revision: OURS }, { revision: OTHER }];
  assert.equal(decide({ sync, history, operationState: undefined }).kind, "superseded");
  assert.equal(decide({ history: [...history, { revision: OURS }] }).kind, "done");
});

test("a failed operation of our commit fails, one of another commit does not", () => {
  const resources = [{ kind: "Service", name: "orders", status: "SyncFailed", message: "port is taken" }];
  const broken = operation({ phase: "Failed", message: "one failed", syncResult: { revision: OURS, resources } });
  const verdict = decide({ operationState: broken });
  assert.ok(verdict.kind === "failed");
  assert.equal(verdict.line, "Service orders: port is taken");
  const other = operation({ phase: "Failed", syncResult: { revision: OTHER } });
  assert.equal(decide({ operationState: other, sync: { status: "OutOfSync", revision: OTHER } }).kind, "waiting");
});

test("a namespace that is missing is not a mistake in the manifests", () => {
  const message = 'One or more objects failed to apply, reason: namespaces "front" not found.';
  const verdict = decide({ operationState: operation({ phase: "Failed", message, syncResult: { revision: OURS } }) });
  assert.ok(verdict.kind === "failed");
  assert.match(verdict.todo ?? "", /^Create the namespace, or .*CreateNamespace=true/);
});

test("an error of the comparison must persist after one fresh check", () => {
  const conditions = [{ type: "ComparisonError", message: "no such path" }];
  const first = decide({ conditions });
  assert.ok(first.kind === "waiting" && first.refresh && first.patience.errors === 1);
  const second = decide({ conditions }, { errors: 1 });
  assert.ok(second.kind === "failed" && second.line === "ComparisonError: no such path");
});

test("Degraded fails after the grace, with the reason; a sick pod counts only if it runs our image", () => {
  const resources = [
    { kind: "Deployment", name: "orders", health: { status: "Degraded", message: "image not found" } },
  ];
  const degraded = { health: { status: "Degraded" }, resources };
  const first = decide(degraded);
  assert.ok(first.kind === "waiting" && first.patience.sickSinceMs === 10_000);
  assert.equal(decide(degraded, { sickSinceMs: 9_001 }).kind, "waiting");
  const late = decide(degraded, { sickSinceMs: 9_000 });
  assert.ok(late.kind === "failed" && late.line === "Deployment orders: image not found");

  const pod = (image: string): TreeNode => ({
    kind: "Pod",
    name: "orders-1",
    images: [image],
    health: { status: "Degraded", message: "Back-off pulling image" },
  });
  const progressing = { health: { status: "Progressing" } };
  const sick = decide(progressing, { nodes: [pod(IMAGE)], sickSinceMs: 1 });
  assert.ok(sick.kind === "failed" && sick.line === "Pod orders-1: Back-off pulling image");
  const old = decide(progressing, { nodes: [pod(OLD_IMAGE)], sickSinceMs: 1 });
  assert.ok(old.kind === "waiting" && old.patience.sickSinceMs === undefined);
});

test("property: it is done only at our commit, never while an operation runs, and with the same result every time", () => {
  const revision = fc.constantFrom(OURS, OTHER);
  const time = fc.constantFrom(undefined, "2026-01-01T00:00:09Z", "2026-01-01T00:00:10Z", "2026-01-01T00:00:11Z");
  const status = fc.record({
    sync: fc.option(fc.record({ status: fc.constantFrom("Synced", "OutOfSync", "Unknown"), revision }), {
      nil: undefined,
    }),
    health: fc.record({
      status: fc.constantFrom("Healthy", "Progressing", "Degraded", "Missing", "Suspended", "Unknown"),
    }),
    reconciledAt: time,
    operationState: fc.option(
      fc.record({
        operation: fc.record({ sync: fc.record({ revision }) }),
        phase: fc.constantFrom("Running", "Failed", "Error", "Succeeded", "Terminating"),
        finishedAt: time,
        syncResult: fc.record({ revision }),
      }),
      { nil: undefined },
    ),
    summary: fc.record({ images: fc.subarray([IMAGE, OLD_IMAGE]) }),
  });
  fc.assert(
    fc.property(status, (one) => {
      const verdict = decide(one);
      assert.deepEqual(decide(one), verdict);
      if (verdict.kind !== "done") return;
      const { operationState: last } = one;
      assert.ok(one.sync?.revision === OURS || last?.syncResult.revision === OURS);
      assert.ok(last === undefined || last.finishedAt !== undefined);
      assert.equal(one.health.status, "Healthy");
      assert.ok(one.summary.images.length === 0 || one.summary.images.includes(IMAGE));
    }),
    { numRuns: testRuns(1_000) },
  );
});

test("the same image by another spelling", () => {
  const digest = `sha256:${"1".repeat(64)}`;
  assert.ok(sameImage(`h:1/a:tag@${digest}`, `h:1/a@${digest}`));
  assert.ok(sameImage(`h:1/a@${digest}`, `mirror/b@${digest}`), "a mirror serves the same content under another name");
  assert.ok(!sameImage(`h:1/a@${digest}`, `h:1/a@sha256:${"2".repeat(64)}`));
  assert.ok(!sameImage("h:1/a:1", "h:1/a:2"));
});

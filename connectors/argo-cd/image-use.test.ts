import assert from "node:assert/strict";
import { test } from "node:test";
import { decideWait } from "./decide-wait.ts";
import { imageUse, pendingImage } from "./image-use.ts";
import { application, type ManagedResource } from "./model.ts";

const DIGEST = `sha256:${"1".repeat(64)}`;
const IMAGE = `harbor.example/apps/orders@${DIGEST}`;
const OTHER = `harbor.example/apps/proxy@sha256:${"2".repeat(64)}`;
const OURS = "a".repeat(40);

/** A workload of this kind with our image, and what is live of it. */
function workload(kind: string, spec: object, live?: object, image = IMAGE): ManagedResource {
  const template = { spec: { containers: [{ name: "web", image }] } };
  const target = { kind, spec: { ...spec, template } };
  const liveState = live && { kind, spec: { ...live, template } };
  return { kind, name: "web", targetState: JSON.stringify(target), liveState: JSON.stringify(liveState ?? null) };
}

const proxy = workload("Deployment", {}, { replicas: 1 }, OTHER);
const ROWS: readonly (readonly [string, "pods" | "no-pods" | "unused", readonly ManagedResource[]])[] = [
  ["a Deployment", "pods", [workload("Deployment", {}), proxy]],
  ["a Deployment with replicas", "pods", [workload("Deployment", { replicas: 2 })]],
  ["a Deployment with zero replicas", "no-pods", [workload("Deployment", { replicas: 0 }), proxy]],
  ["a Deployment that an autoscaler put to zero", "no-pods", [workload("Deployment", {}, { replicas: 0 }), proxy]],
  ["a Deployment that an autoscaler put to two", "pods", [workload("Deployment", { replicas: 0 }, { replicas: 2 })]],
  ["a StatefulSet with zero replicas", "no-pods", [workload("StatefulSet", { replicas: 0 }), proxy]],
  ["a DaemonSet", "pods", [workload("DaemonSet", {})]],
  ["a Rollout", "pods", [workload("Rollout", { replicas: 3 })]],
  ["a CronJob", "no-pods", [{ ...workload("CronJob", {}), kind: "CronJob" }, proxy]],
  ["a Job that has ended", "no-pods", [workload("Job", {}), proxy]],
  ["a Knative Service", "no-pods", [workload("Service", {}), proxy]],
  ["a ScaledJob of KEDA", "no-pods", [workload("ScaledJob", { jobTargetRef: {} }), proxy]],
  ["a hook", "unused", [{ ...workload("Job", {}), hook: true }, proxy]],
  ["ConfigMaps", "unused", [{ kind: "ConfigMap", name: "c", targetState: '{"data":{"a":"b"}}' }]],
  ["another image", "unused", [proxy]],
  [
    "the same image through a mirror",
    "pods",
    [workload("Deployment", {}, undefined, `mirror.example/orders:1@${DIGEST}`)],
  ],
];

function waitFor(use: "pods" | "no-pods" | "unused", images: readonly string[], unusedSinceMs?: number) {
  const app = application.parse({
    metadata: { name: "orders" },
    spec: { project: "p", destination: {} },
    status: { sync: { status: "Synced", revision: OURS }, health: { status: "Healthy" }, summary: { images } },
  });
  const wanted = { app: "orders", revision: OURS, image: IMAGE, degradedGraceMs: 1_000, url: "https://argocd.example" };
  return decideWait(wanted, app, [], { errors: 0, unusedSinceMs }, 100_000, use);
}

for (const [name, use, resources] of ROWS) {
  test(`the image is used by ${name}: ${use}`, () => {
    assert.equal(imageUse(resources, IMAGE), use);
    const expected = { pods: "waiting", "no-pods": "done", unused: "waiting" } as const;
    assert.equal(waitFor(use, [OTHER]).kind, expected[use]);
    assert.equal(waitFor(use, []).kind, "done", "no pods at all");
    assert.equal(waitFor(use, [OTHER, IMAGE]).kind, "done");
  });
}

test("an image that no manifest uses fails after a minute, and names what runs", () => {
  assert.equal(waitFor("unused", [OTHER], 40_001).kind, "waiting");
  const verdict = waitFor("unused", [OTHER], 40_000);
  assert.ok(verdict.kind === "failed" && verdict.line.includes(OTHER) && verdict.line.includes(IMAGE));
});

test("of several images, one that pods should run is awaited before one that needs none", () => {
  const cron = { ...workload("CronJob", {}), kind: "CronJob" };
  const both: [string, string] = [IMAGE, OTHER];
  assert.deepEqual(pendingImage(both, [cron, proxy], []), { image: OTHER, use: "pods" });
  assert.deepEqual(pendingImage([IMAGE], [cron, proxy], [OTHER]), { image: IMAGE, use: "no-pods" });
  assert.deepEqual(pendingImage([IMAGE], [proxy], [OTHER]), { image: OTHER }, "this target does not use it");
  assert.deepEqual(pendingImage(both, [], []), { image: IMAGE, use: "unused" });
});

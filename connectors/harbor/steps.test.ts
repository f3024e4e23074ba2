import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../image/image.fixture.ts";
import { digestOf, pushImage } from "../image/push-image.ts";
import { OCI_INDEX, sha256 } from "../oci/manifest.ts";
import { Crash, fastClock } from "../step.fixture.ts";
import { tempDir } from "../temp-dir.fixture.ts";
import { type HarborBench, harborBench, registryOf } from "./harbor.fixture.ts";
import { ensureProject, waitForScan } from "./steps.ts";

type T = Parameters<typeof harborBench>[0];

/** Pushes a small image; labels decide what the scan will say. */
async function pushedWith(t: T, setup: HarborBench, labels: Record<string, string>, repository = "orders/web") {
  const scratch = await tempDir(t);
  const image = await assemble("FROM scratch\nENV A=1\n", { context: scratch, scratch, labels });
  await pushImage({ registry: registryOf(setup), repository, image, tags: ["1"], scratch, log: () => undefined });
  return { image, digest: digestOf(image) };
}

const FAST = { maxPauseMs: 10 };
const outcomeOf = (setup: HarborBench, digest: string, more: object = {}) =>
  setup.bench.run(waitForScan, { repository: "orders/web", digest, ...more }, FAST);

test("creates the project once, and uses an existing one unchanged", async (t) => {
  const setup = await harborBench(t, { projects: {} });
  const { bench, api } = setup;
  assert.deepEqual(await bench.plan(ensureProject, { project: "orders" }), ["Create the project orders in harbor."]);
  const first = await bench.run(ensureProject, { project: "orders", public: true });
  assert.deepEqual(first, { kind: "succeeded", output: { project: "orders", created: true } });
  const made = (await (await api("GET", "/projects/orders")).json()) as { metadata: object };
  assert.deepEqual(made.metadata, { public: "true", auto_scan: "true" });
  assert.deepEqual(await bench.run(ensureProject, { project: "orders" }), first, "the same task: the record");
  bench.nextTask();
  const second = await bench.run(ensureProject, { project: "orders" });
  assert.deepEqual(second, { kind: "succeeded", output: { project: "orders", created: false } });
  assert.deepEqual(await bench.plan(ensureProject, { project: "orders" }), []);
});

test("after a crash the step finds out whether the project was created", async (t) => {
  for (const when of ["before-perform", "after-perform"] as const) {
    const { bench } = await harborBench(t, { projects: {} });
    bench.crashAt({ effect: "create-project", when });
    await assert.rejects(bench.once(ensureProject, { project: "orders" }), Crash);
    const outcome = await bench.run(ensureProject, { project: "orders" });
    assert.deepEqual(outcome, { kind: "succeeded", output: { project: "orders", created: true } }, when);
  }
  const { bench } = await harborBench(t);
  bench.nextTask({ requestedAtMs: Date.now() + 60_000 });
  bench.crashAt({ effect: "create-project", when: "before-perform" });
  await assert.rejects(bench.once(ensureProject, { project: "orders" }), Crash);
  const older = await bench.run(ensureProject, { project: "orders" });
  assert.deepEqual(
    older,
    { kind: "succeeded", output: { project: "orders", created: false } },
    "it is older than the task",
  );
});

test("undo deletes only what the step created, may be repeated, and keeps a project with images", async (t) => {
  const setup = await harborBench(t, { projects: {} });
  const { bench, api } = setup;
  const exists = async () => (await api("HEAD", "/projects?project_name=orders")).status === 200;
  await bench.run(ensureProject, { project: "orders" });
  await bench.undo(ensureProject, { project: "orders" }, { project: "orders", created: false });
  assert.equal(await exists(), true);
  const made = { project: "orders", created: true };
  await bench.undo(ensureProject, { project: "orders" }, made);
  assert.equal(await exists(), false);
  await bench.undo(ensureProject, { project: "orders" }, made);
  await api("POST", "/projects", { project_name: "orders" });
  await pushedWith(t, setup, {});
  await bench.undo(ensureProject, { project: "orders" }, made);
  assert.equal(await exists(), true);
  assert.match(bench.lines.at(-1) ?? "", /^kept the project orders: it holds images$/);
});

test("an undo finds the project of a creation whose answer was lost, and no older one", async (t) => {
  const { bench } = await harborBench(t, { projects: {} });
  const input = { project: "orders" };
  assert.equal(await bench.find(ensureProject, input), "there is no project orders");
  bench.crashAt({ effect: "create-project", when: "after-perform" });
  await assert.rejects(bench.once(ensureProject, input), Crash);
  const made = await bench.find(ensureProject, input);
  assert.deepEqual(made, { project: "orders", created: true });
  bench.nextTask({ requestedAtMs: Date.now() + 60_000 });
  const older = String(await bench.find(ensureProject, input));
  assert.match(older, /^the project orders stays: task t2 may have made it, but it is older/);
});

test("a robot that may not create projects gets an error that says so", async (t) => {
  const setup = await harborBench(t);
  const answer = await setup.api("POST", "/robots", {
    name: "ci",
    level: "project",
    duration: -1,
    permissions: [{ kind: "project", namespace: "orders", access: [{ resource: "repository", action: "pull" }] }],
  });
  const robot = (await answer.json()) as { name: string; secret: string };
  const as = { url: setup.harbor.url, username: robot.name, password: robot.secret };
  const other = await harborBench(t, { as, nowMs: fastClock() });
  const outcome = await other.bench.run(ensureProject, { project: "fresh" }, { maxPauseMs: 10 });
  assert.equal(outcome.kind === "errored" && outcome.failure.code, "system-forbidden");
});

test("waits through every state of a scan that Harbor starts by itself", async (t) => {
  let nowMs = 0;
  const timing = { registerMs: 100, queueMs: 1_000, scanMs: 1_000 };
  const setup = await harborBench(t, { clock: () => nowMs, timing });
  const { digest } = await pushedWith(t, setup, { "lab.vulnerability": "low,medium" });
  const input = { repository: "orders/web", digest };
  for (const [atMs, reason] of [
    [0, "Harbor has not registered the image yet"],
    [500, "The scan is queued in Harbor"],
    [1_500, "The scan is pending"],
    [2_500, "The scan is running"],
  ] as const) {
    nowMs = atMs;
    const outcome = await setup.bench.once(waitForScan, input);
    assert.equal(outcome.kind === "waiting" && outcome.reason, reason);
  }
  nowMs = 3_500;
  const outcome = await setup.bench.once(waitForScan, input);
  assert.equal(outcome.kind, "succeeded", JSON.stringify(outcome));
  if (outcome.kind !== "succeeded") return;
  const { reportUrl, ...rest } = outcome.output;
  assert.deepEqual(rest, { severity: "Medium", total: 2, fixable: 0, counts: { Low: 1, Medium: 1 } });
  const page = await fetch(reportUrl);
  assert.equal(page.status, 200);
  assert.match(await page.text(), /fake[\s\S]*LAB-0000-0001/);
});

test("starts the scan itself when none appears for long, and accepts a running one", async (t) => {
  let nowMs = 0;
  const setup = await harborBench(t, { clock: () => nowMs, timing: { registerMs: 0, queueMs: 1_000, scanMs: 0 } });
  const { digest } = await pushedWith(t, setup, {});
  nowMs = 500;
  const memo = { sinceMs: Date.now() - 16_000, triggered: false, autoScan: true };
  const outcome = await setup.bench.once(waitForScan, { repository: "orders/web", digest }, memo);
  assert.equal(outcome.kind === "waiting" && outcome.reason, "No scan came by itself; one was started");
  const [scan] = setup.harbor.exchanges.filter(({ method, path }) => method === "POST" && path.endsWith("/scan"));
  assert.equal(scan?.status, 409, "Harbor was about to, after all");
});

test("a critical finding fails the delivery and is named", async (t) => {
  const setup = await harborBench(t);
  const { digest } = await pushedWith(t, setup, { "lab.vulnerability": "low,critical" });
  const outcome = await outcomeOf(setup, digest);
  assert.equal(outcome.kind, "failed");
  if (outcome.kind !== "failed") return;
  assert.equal(outcome.failure.code, "gate-failed");
  assert.equal(outcome.failure.message, "The vulnerability scan of orders/web did not pass.");
  assert.equal(outcome.failure.line, "LAB-0000-0002 lab-package 1.0.0 (fixed in 1.0.1)");
  assert.equal(outcome.failure.todo, "Update lab-package to 1.0.1, and push again.");
  assert.deepEqual([outcome.output?.severity, outcome.output?.total], ["Critical", 2]);
});

test("the threshold decides", async (t) => {
  const setup = await harborBench(t);
  const { digest } = await pushedWith(t, setup, { "lab.vulnerability": "high" });
  const kinds: string[] = [];
  for (const failOn of ["critical", "high", "low", "none"])
    kinds.push((await outcomeOf(setup, digest, { failOn })).kind);
  assert.deepEqual(kinds, ["succeeded", "failed", "failed", "succeeded"]);
});

test("starts the scan itself where the project does not", async (t) => {
  const setup = await harborBench(t, { projects: { orders: { auto_scan: "false" } } });
  const { digest } = await pushedWith(t, setup, {});
  const outcome = await outcomeOf(setup, digest);
  assert.equal(outcome.kind === "succeeded" && outcome.output.severity, "None");
  const scans = setup.harbor.exchanges.filter(({ method, path }) => method === "POST" && path.endsWith("/scan"));
  assert.equal(scans.length, 1);
});

test("a scan that failed is started anew; one that fails again is an error that may be tried again", async (t) => {
  const setup = await harborBench(t);
  const once = await pushedWith(t, setup, { "lab.scan": "error-once" });
  assert.equal((await outcomeOf(setup, once.digest)).kind, "succeeded");
  const always = await pushedWith(t, setup, { "lab.scan": "error" });
  const outcome = await outcomeOf(setup, always.digest);
  assert.deepEqual([outcome.kind, outcome.kind === "errored" && outcome.retryable], ["errored", true]);
});

test("every image of an index must be scanned, not only one", async (t) => {
  const setup = await harborBench(t);
  const clean = await pushedWith(t, setup, { n: "1" });
  const bad = await pushedWith(t, setup, { n: "2", "lab.vulnerability": "critical" });
  const manifests = [clean, bad].flatMap(({ image }) =>
    image.manifests.map(({ digest, mediaType, bytes }) => ({ digest, mediaType, size: bytes.length })),
  );
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }));
  const digest = sha256(bytes);
  await registryOf(setup).putManifest("orders/web", "all", { digest, mediaType: OCI_INDEX, bytes });
  const outcome = await outcomeOf(setup, digest);
  assert.equal(
    outcome.kind === "failed" && outcome.failure.line?.startsWith("LAB-0000-0001"),
    true,
    JSON.stringify(outcome),
  );
});

test("an image that was never pushed is an error after a long wait", async (t) => {
  const setup = await harborBench(t);
  const input = { repository: "orders/web", digest: `sha256:${"0".repeat(64)}` };
  assert.equal((await setup.bench.once(waitForScan, input)).kind, "waiting");
  const outcome = await setup.bench.once(waitForScan, input, { sinceMs: Date.now() - 61_000, triggered: false });
  assert.equal(outcome.kind === "errored" && outcome.failure.code, "system-refused");
});

test("a wrong password is reported as one", async (t) => {
  const setup = await harborBench(t, { as: { password: "wrong" }, nowMs: fastClock() });
  const outcome = await setup.bench.run(ensureProject, { project: "orders" }, { maxPauseMs: 10 });
  assert.equal(outcome.kind === "errored" && outcome.failure.code, "credential-refused");
  assert.doesNotMatch(JSON.stringify(outcome), /wrong"/);
});

test("a restart in the middle of the scan is outlasted, with all answers of a Harbor that starts", async (t) => {
  const setup = await harborBench(t, { nowMs: fastClock() });
  const { digest } = await pushedWith(t, setup, {});
  for (const answer of [
    { kind: "drop" },
    { kind: "status", status: 502 },
    { kind: "status", status: 404, body: "default backend - 404" },
    { kind: "status", status: 401 },
    { kind: "status", status: 403 },
    { kind: "status", status: 503 },
    { kind: "status", status: 429 },
    { kind: "status", status: 500 },
    { kind: "status", status: 504 },
    { kind: "status", status: 404, body: "<html>nginx</html>" },
  ] as const) {
    setup.bench.nextTask();
    // The first answer is proper; then 20 requests find Harbor starting.
    setup.harbor.faults.add({ ...answer, match: "artifacts", after: 1, times: 20 });
    const outcome = await setup.bench.run(waitForScan, { repository: "orders/web", digest }, { maxPauseMs: 5 });
    assert.equal(outcome.kind, "succeeded", `${JSON.stringify(answer)}: ${JSON.stringify(outcome)}`);
    setup.harbor.faults.clear();
  }
});

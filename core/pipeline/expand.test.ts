import assert from "node:assert/strict";
import { test } from "node:test";
import { cpuMsOf } from "@gantry/lab/cpu-time.ts";
import { GantryError } from "../errors.ts";
import { job } from "../task/task.fixture.ts";
import { expandJob } from "./expand.ts";
import type { Job } from "./pipeline.ts";

const JOB = job("deploy");

test("a plain job stays one job", () => {
  assert.deepEqual(expandJob(JOB, {}), [{ key: "deploy", each: null, site: "seoul", labels: [] }]);
});

test("one job per element, named after it, at its site", () => {
  const job = { ...JOB, each: "${{ app.targets }}", site: "${{ each.site }}", labels: ["${{ each.arch }}", "linux"] };
  const targets = [
    { name: "seoul", site: "seoul", arch: "arm64" },
    { name: "tokyo", site: "tokyo", arch: "amd64" },
  ];
  assert.deepEqual(expandJob(job, { app: { targets } }), [
    { key: "deploy[seoul]", each: targets[0], site: "seoul", labels: ["arm64", "linux"] },
    { key: "deploy[tokyo]", each: targets[1], site: "tokyo", labels: ["amd64", "linux"] },
  ]);
});

test("an expression gives one label or a list of labels, also an empty one", () => {
  const labels = (label: string) =>
    expandJob({ ...JOB, labels: [label, "linux"] }, { app: { labels: ["maven", "big"], none: [], odd: [1] } })[0]
      ?.labels;
  assert.deepEqual(labels("${{ app.labels }}"), ["maven", "big", "linux"]);
  assert.deepEqual(labels("${{ app.none }}"), ["linux"]);
  assert.deepEqual(labels("${{ app.labels[0] }}"), ["maven", "linux"]);
  assert.throws(() => labels("${{ app.odd }}"), { code: "expression-failed" });
});

test("elements without a name are named by value or by place", () => {
  const keys = (each: Job["each"]) => expandJob({ ...JOB, each }, {}).map((one) => one.key);
  assert.deepEqual(keys(["a", 2, true, { x: 1 }, null, "seoul/dp"]), [
    "deploy[a]",
    "deploy[2]",
    "deploy[true]",
    "deploy[3]",
    "deploy[4]",
    "deploy[seoul-dp]",
  ]);
  assert.deepEqual(keys([]), []);
});

test("every combination of a matrix", () => {
  const job = { ...JOB, matrix: { os: ["linux", "mac"], node: [22, 24] }, site: "${{ each.os }}" };
  assert.deepEqual(
    expandJob(job, {}).map(({ key, each, site }) => [key, each, site]),
    [
      ["deploy[linux,22]", { os: "linux", node: 22 }, "linux"],
      ["deploy[linux,24]", { os: "linux", node: 24 }, "linux"],
      ["deploy[mac,22]", { os: "mac", node: 22 }, "mac"],
      ["deploy[mac,24]", { os: "mac", node: 24 }, "mac"],
    ],
  );
});

test("values of an axis without a name are named by their place in the axis", () => {
  const matrix = { image: [{ base: "a" }, { base: "b" }, null], node: [22, [24]] };
  const keys = expandJob({ ...JOB, matrix }, {}).map(({ key }) => key);
  assert.deepEqual(
    keys,
    ["0,22", "0,1", "1,22", "1,1", "2,22", "2,1"].map((name) => `deploy[${name}]`),
  );
});

test("what cannot be expanded says why", () => {
  const many = Array.from({ length: 300 }, (_, index) => index);
  const wrong: readonly (readonly [Partial<Job>, RegExp])[] = [
    [{ each: "${{ app.name }}" }, /must give a list/],
    [{ each: "${{ app.missing }}" }, /no "missing" in app/],
    [{ each: many }, /more than 256/],
    [{ each: ["a", "a"] }, /two elements/],
    [{ matrix: { a: many, b: many } }, /90000 combinations/],
    [{ site: "${{ app.name }} x" }, /is not the name of a site/],
    [{ site: "" }, /is not the name of a site/],
    [{ labels: ["${{ app.labels }}"] }, /more than 100 labels/],
    [{ labels: ["${{ app.labels[0] }}${{ app.labels.join('') }}"] }, /a label of more than 100 characters/],
  ];
  for (const [change, reason] of wrong) {
    assert.throws(
      () => expandJob({ ...JOB, ...change }, { app: { name: "orders", labels: many.map(String) } }),
      (error) => {
        assert(error instanceof GantryError);
        assert.equal(error.code, "expression-failed");
        assert.match(String(error.details.problem), reason);
        return true;
      },
    );
  }
});

test("large outputs of a job do not keep the process busy", async () => {
  const big = Array.from({ length: 90_000 }, (_, at) => `l${at}`);
  const targets = Array.from({ length: 256 }, (_, at) => `t${at}`);
  const scope = { needs: { plan: { outputs: { big, targets, label: "x" } } } };
  const expand = (labels: string): number => {
    const job = { ...JOB, each: "${{ needs.plan.outputs.targets }}", labels: Array(20).fill(labels) };
    return expandJob(job, scope).length;
  };
  const cpuMs = await cpuMsOf(() => {
    assert.equal(expand("${{ needs.plan.outputs.label }}"), 256);
    assert.throws(
      () => expand("${{ needs.plan.outputs.big.map(l, l + each)[0] }}"),
      ({ details }: GantryError) => /with those before it, it would take too much work/.test(String(details.problem)),
    );
  });
  // Converting the outputs for each label takes 26 s.
  assert.ok(cpuMs < 10_000, `${cpuMs} ms`);
});

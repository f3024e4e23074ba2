// The systemd unit, the alerts and the dashboard must refer to metrics and files that exist.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { parse } from "yaml";
import { isHere, read } from "./files.fixture.ts";

const run = promisify(execFile);
const CODE = [
  "task-agent/metrics.ts",
  "notify-agent/metrics.ts",
  "portal-api/metrics.ts",
  "runtime/process/metrics.ts",
];

type Alert = {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook: string };
};
const { groups } = parse(read("deploy/helm/gantry/files/alerts.yaml")) as { groups: { rules: Alert[] }[] };
const alerts = groups.flatMap(({ rules }) => rules);

/** Metric name → its labels, for every metric of Gantry. */
function known(): ReadonlyMap<string, string> {
  const found = CODE.flatMap((file) =>
    [...read(file).matchAll(/name: "(gantry_\w+)"[\s\S]*?(?:labelNames: \[(.*?)\]|registers)/g)].map(
      ([, name = "", labels = ""]) => [name, labels] as const,
    ),
  );
  return new Map(found);
}

function checkQuery(query: string): void {
  const metrics = known();
  assert.ok(metrics.size > 10);
  for (const [name, , selector] of query.matchAll(/\bgantry_\w+(\{(.*?)\})?/g)) {
    const base = name.replace(/\{.*/, "");
    const labels = metrics.get(base) ?? metrics.get(base.replace(/_(bucket|sum|count)$/, ""));
    assert.ok(labels !== undefined, `there is no metric ${base}`);
    for (const [, label] of (selector ?? "").matchAll(/(\w+)(?:=|!)/g)) {
      assert.ok(label === "namespace" || labels.includes(`"${label}"`), `${base} has no label ${label}`);
    }
  }
  const open = [...query].reduce((depth, character) => depth + (character === "(" ? 1 : character === ")" ? -1 : 0), 0);
  assert.equal(open, 0, query);
}

test("every alert uses existing metrics, and has a paragraph in the guide", () => {
  const guide = read("docs/operations.md");
  assert.ok(alerts.length >= 6);
  for (const { alert, expr, labels, annotations } of alerts) {
    checkQuery(expr);
    assert.match(labels.severity, /^(critical|warning)$/);
    assert.match(annotations.summary, /\.$/);
    assert.equal(annotations.runbook, `docs/operations.md#${alert.toLowerCase()}`);
    assert.match(guide, new RegExp(`^#+ ${alert}$`, "m"));
  }
});

test("every panel of the dashboard uses existing metrics", () => {
  const { panels } = JSON.parse(read("deploy/helm/gantry/files/dashboard.json")) as {
    panels: { id: number; title: string; targets?: { expr: string }[] }[];
  };
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  const queries = panels.flatMap(({ targets }) => targets ?? []).map(({ expr }) => expr);
  assert.ok(queries.length > 15);
  for (const query of queries) checkQuery(query);
});

test("systemd accepts the unit of a runner and rates it as well sandboxed", async (t) => {
  if (!(await isHere("systemd-analyze", "--version"))) return t.skip("systemd-analyze is not on this machine");
  const dir = await mkdtemp(join(tmpdir(), "gantry-unit-"));
  t.after(() => rm(dir, { recursive: true }));
  const unit = join(dir, "gantry-runner.service");
  // systemd checks that the program exists; on this machine it has another path.
  await writeFile(unit, read("deploy/systemd/gantry-runner.service").replace("/usr/bin/node", process.execPath));
  const { stderr } = await run("systemd-analyze", ["verify", "--man=no", unit]);
  const ours = stderr.split("\n").filter((line) => line.includes("gantry-runner"));
  assert.deepEqual(ours, []);
  const { stdout } = await run("systemd-analyze", ["security", "--offline=true", "--no-pager", unit]);
  const [, exposure] = /exposure level[^:]*: ([\d.]+)/.exec(stdout) ?? [];
  assert.ok(Number(exposure) < 2, stdout.split("\n").at(-2));
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObservedApplication } from "@gantry/core/fleet/observed.ts";
import { openPendingReport } from "./pending-report.ts";

function application(name: string, health: ObservedApplication["health"] = "Healthy"): ObservedApplication {
  return {
    ...{ name, namespace: "argocd", project: "p", sources: [], autoSync: true, sync: "Synced", revisions: [], health },
    ...{ conditions: [], images: [], resources: 1, reasons: [] },
  };
}

const seen = (...all: readonly ObservedApplication[]) => new Map(all.map((one) => [`argocd/${one.name}`, one]));

test("only what has changed is reported, and a new session is told everything again", () => {
  let news = 0;
  const report = openPendingReport(() => {
    news += 1;
  });
  report.list(["argocd/a", "argocd/b"]);
  report.see(seen(application("a"), application("b")));
  const first = report.next("s1");
  assert.deepEqual(first.all, ["argocd/a", "argocd/b"]);
  assert.deepEqual(
    first.changed.map(({ name }) => name),
    ["a", "b"],
  );
  report.sent(first);
  assert.equal(report.hasNews(), false);

  news = 0;
  report.see(seen(application("a")));
  assert.equal(news, 0, "the same again is no news");
  report.see(seen(application("a", "Degraded")));
  const second = report.next("s1");
  assert.deepEqual([second.all, second.changed.map(({ health }) => health)], [undefined, ["Degraded"]]);
  report.see(seen(application("a", "Healthy")));
  report.sent(second);
  assert.equal(report.next("s1").changed[0]?.health, "Healthy", "it changed while the report was on its way");

  report.see(new Map([["argocd/b", undefined]]));
  const third = report.next("s1");
  assert.deepEqual(third.gone, ["argocd/b"]);
  report.sent(third);
  const other = report.next("s2");
  assert.deepEqual([other.all, other.changed.map(({ name }) => name)], [["argocd/a"], ["a"]]);
});

test("a report is small, and what a full look does not list is gone", () => {
  const report = openPendingReport(() => {});
  const all = Array.from({ length: 450 }, (_, at) => application(`app-${at}`));
  report.list(all.map(({ name }) => `argocd/${name}`));
  report.see(seen(...all));
  const sizes: number[] = [];
  while (report.hasNews()) {
    const batch = report.next("s1");
    sizes.push(batch.changed.length);
    report.sent(batch);
  }
  assert.deepEqual(sizes, [200, 200, 50]);
  report.list(["argocd/app-1"]);
  assert.equal(report.next("s1").gone.length, 449);
});

test("why Argo CD cannot be watched is told once, and that it is heard again", () => {
  const report = openPendingReport(() => {});
  report.setProblem("no answer");
  const batch = report.next("s1");
  assert.equal(batch.problem, "no answer");
  report.sent(batch);
  assert.equal(report.hasNews(), false);
  report.setProblem(undefined);
  assert.equal(report.hasNews(), true);
});

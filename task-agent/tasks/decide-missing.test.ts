// Who starts a task learns which systems its sites lack, and is not told of steps that will be skipped.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parsePipeline } from "@gantry/core/pipeline/parse.ts";
import type { StepDescription } from "@gantry/core/pipeline/pipeline.ts";
import { missingWarnings, neededSystems } from "./decide-missing.ts";

const shipped = (name: string): string => readFileSync(new URL(`../../pipelines/${name}`, import.meta.url), "utf8");
const steps = JSON.parse(shipped("catalogue.json")) as readonly StepDescription[];

function warnings(text: string, kinds: readonly string[]): readonly string[] {
  const { pipeline, problems } = parsePipeline({ name: "x.yaml", text }, steps);
  assert.ok(pipeline, JSON.stringify(problems));
  const jobs = [...pipeline.jobs, ...pipeline.finally].map(({ id }) => ({
    id,
    site: "main",
    phase: "pending" as const,
  }));
  const systemsAt = () => kinds.map((kind) => ({ kind }));
  return missingWarnings(neededSystems({ pipeline, jobs, steps, hasRunner: () => true }), systemsAt);
}

test("the shipped CI and CD warn of nothing at a site with a git host, a registry and an Argo CD alone", () => {
  for (const name of ["ci.yaml", "cd.yaml"])
    assert.deepEqual(warnings(shipped(name), ["git", "registry", "argocd"]), [], name);
});

test("a system without which a task cannot end well is named, with the first step that needs it", () => {
  const [argo, ...more] = warnings(shipped("cd.yaml"), ["git", "registry"]);
  assert.match(argo ?? "", /^No runner of the site main has a system of the kind argocd, which the step “.+” needs: /);
  assert.deepEqual(more, []);
});

test("what may never run is not warned of", () => {
  const one = (job: string, step: string): readonly string[] =>
    warnings(
      `name: x\napp: none\njobs:\n  a: { site: main, ${job}steps: [{ uses: jira/create-project, with: { key: ORD, name: x }${step} }] }\n`,
      ["git"],
    );
  assert.equal(one("", "").length, 1);
  assert.equal(one("", ", when: always").length, 1);
  assert.deepEqual(one("", ", when: 'task.id == \"x\"'"), []);
  assert.deepEqual(one("when: 'task.id == \"x\"', ", ""), []);
  assert.deepEqual(one("", ", missingSystem: skip"), []);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePipeline } from "../pipeline/parse.ts";
import { type ChildText, childProblems, childrenOf } from "./child-set.ts";

const STEPS = "site: seoul, steps: [{ run: x }]";

function of(name: string, rest: string): ChildText {
  const text = `name: ${name}\n${rest}`;
  const { pipeline, problems } = parsePipeline({ name: `${name}.yaml`, text }, []);
  assert.ok(pipeline, JSON.stringify(problems));
  return { file: `${name}.yaml`, text, pipeline };
}

function said(all: readonly ChildText[], known?: readonly string[]): readonly string[] {
  return childProblems(all, known).map(({ file, line, column, detail }) => `${file}:${line}:${column} ${detail}`);
}

const LEAF = of("leaf", `app: none\nparams: { to: string, count: { type: integer } }\njobs: { a: { ${STEPS} } }\n`);

test("I8: pipelines that run each other without end are refused, each with its place", () => {
  const run = (name: string, other: string) => of(name, `app: none\njobs:\n  go: { pipeline: ${other} }\n`);
  assert.deepEqual(said([run("a", "b"), run("b", "c"), run("c", "a"), run("d", "a")]), [
    "a.yaml:4:19 jobs.go: pipelines run each other without end: a → b → c → a",
    "b.yaml:4:19 jobs.go: pipelines run each other without end: b → c → a → b",
    "c.yaml:4:19 jobs.go: pipelines run each other without end: c → a → b → c",
  ]);
  assert.deepEqual(said([run("self", "self")]), [
    "self.yaml:4:19 jobs.go: pipelines run each other without end: self → self",
  ]);
});

test("I8: the pipeline that a job runs exists, fits the app, and gets the params that it has", () => {
  const run = (job: string, app = "none") => of("run", `app: ${app}\njobs:\n  go: { ${job} }\n`);
  const one = (job: string, others: readonly ChildText[] = [LEAF], app?: string) =>
    said([run(job, app), ...others], ["leaf", "run", "deploy"]).map((text) => text.replace(/^.*?: /, ""));
  assert.deepEqual(one("pipeline: leaf, params: { to: x }"), []);
  assert.deepEqual(one("pipeline: leav"), ["there is no pipeline leav (did you mean leaf?)"]);
  assert.deepEqual(said([run("pipeline: leav")]), [], "other files of the set may have it");
  assert.deepEqual(one("pipeline: leaf, params: { too: x }"), [
    "leaf has no param too (did you mean to?)",
    "leaf needs the param to: give it in `params` of the job",
  ]);
  const deploy = of("deploy", `jobs: { a: { ${STEPS} } }\n`);
  assert.deepEqual(one("pipeline: deploy", [deploy]), [
    "deploy runs for an app, and a task of run has no app that exists",
  ]);
  assert.deepEqual(one("pipeline: deploy", [deploy], "existing"), []);
  const create = of("deploy", `app: new\nparams: { name: string }\noutputs: { app: {} }\njobs: { a: { ${STEPS} } }\n`);
  assert.deepEqual(one("pipeline: deploy, params: { name: x }", [create], "existing"), [
    "deploy creates an app, which only people start",
  ]);
});

test("the pipelines that a task may start are those of its jobs, and those of theirs", () => {
  const all = [
    LEAF,
    of("mid", "app: none\njobs: { go: { pipeline: leaf } }\n"),
    of("top", `app: none\njobs: { a: { ${STEPS} } }\nfinally: { go: { pipeline: mid } }\n`),
  ];
  const find = (name: string) => all.find(({ pipeline }) => pipeline.name === name)?.pipeline;
  assert.deepEqual(childrenOf(all[2]?.pipeline ?? LEAF.pipeline, find), ["mid", "leaf"]);
});

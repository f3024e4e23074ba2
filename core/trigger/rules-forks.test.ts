// What the check of a pipeline file says about pull requests from forks, before the runner would refuse it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePipeline } from "../pipeline/parse.ts";
import { waitsFor } from "./trigger-text.ts";

function read(pull: string, step: string) {
  const text = `name: demo
triggers:
  - pull_request: ${pull}
  - push: {}
jobs:
  work:
    site: seoul
    steps:
      - ${step}
`;
  const { pipeline, problems } = parsePipeline({ name: "demo.yaml", text }, []);
  return { pipeline, said: problems.map(({ line, column, detail }) => `${line}:${column} ${detail}`) };
}

const FORKS = "{ fromForks: after-approval }";
const SECRET = '{ run: x, env: { KEY: "${{ secrets.KEY }}" } }';

test("A1: a trigger that allows forks says so in words", () => {
  const { pipeline, said } = read(FORKS, "run: x");
  assert.deepEqual(said, []);
  const [trigger] = pipeline?.triggers ?? [];
  assert.ok(trigger);
  assert.equal(waitsFor(trigger), "pull request opened or updated, into the branch of release, also from forks");
});

test("A1: what a pull request from a fork would always be refused is a mistake, with its place", () => {
  assert.match(read(FORKS, SECRET).said.join(), /^9:\d+ A pull request from a fork gets no secret\. .*`when`/);
  assert.match(read(FORKS, "{ run: x, scope: site }").said.join(), /^9:\d+ .*`scope: site`/);
  assert.match(read("{ fromForks: always }", "run: x").said.join(), /^3:\d+ .*after-approval/);
});

test("A1: a step with a condition, and a trigger without forks, may name secrets", () => {
  const left = SECRET.replace("{ run", "{ when: trigger.kind == 'push', run");
  assert.deepEqual(read(FORKS, left).said, []);
  assert.deepEqual(read("{}", SECRET).said, []);
});

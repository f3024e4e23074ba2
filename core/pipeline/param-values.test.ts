import assert from "node:assert/strict";
import { test } from "node:test";
import { readParamValues } from "./param-values.ts";
import { parsePipeline } from "./parse.ts";

const FILE = `name: create
app: none
params:
  template: { type: string, required: true, pattern: "^[a-z-]+$" }
  targets: { type: array, required: true, items: { type: string, pattern: "^[a-z]+/[a-z]+$" } }
  replicas: { type: integer, default: 2 }
  password: { type: string, secret: true }
jobs:
  work: { site: s, steps: [{ run: x }] }
`;
const { pipeline, problems: none } = parsePipeline({ name: "create.yaml", text: FILE }, []);
assert.deepEqual(none, []);
assert.ok(pipeline);
const read = (text: string) => readParamValues({ file: "params.yaml", text }, [pipeline], ["broken"]);
const mistakes = (text: string): readonly string[] => {
  const result = read(text);
  return "problems" in result ? result.problems.map(({ line, detail }) => `${line}: ${detail}`) : [];
};

test("an installation presets params and limits them to choices; the pipeline file stays the same", () => {
  const result = read(`create:
  template: { default: node, choices: [node, java] }
  targets: { default: [seoul/dp], choices: [seoul/dp, tokyo/dp] }
  replicas: { default: 3 }
broken: { anything: { default: 1 } }
`);
  assert.ok("changed" in result);
  const { params } = result.changed.get("create") ?? pipeline;
  assert.deepEqual(params.required, []);
  const { template, targets, replicas } = params.properties;
  assert.deepEqual([template?.default, template?.enum], ["node", ["node", "java"]]);
  assert.deepEqual([targets?.default, targets?.items?.enum], [["seoul/dp"], ["seoul/dp", "tokyo/dp"]]);
  assert.equal(replicas?.default, 3);
  assert.equal(pipeline.params.properties.template?.enum, undefined);
});

test("every mistake of params.yaml is told in its place", () => {
  assert.deepEqual(
    mistakes(`create:
  tempalte: { default: node }
  template: { default: go, choices: [node, Java] }
  targets: { default: [seoul] }
  replicas: { default: "\${{ 1 + 1 }}" }
  password: { default: hunter22 }
creat: { template: { default: x } }
`),
    [
      "2: create: the pipeline create has no param tempalte (did you mean template?)",
      "3: create.template: element 2 of choices must be one or more lower case letters and `-`",
      "3: create.template: default must be one of node, Java",
      "4: create.targets: element 1 of default must be one or more lower case letters, then `/`, then one or more lower case letters",
      "5: create.replicas: an expression is not allowed here; write it in the pipeline file",
      "6: create: a secret has neither a default nor choices",
      "7: there is no pipeline creat (did you mean create?)",
    ],
  );
  assert.deepEqual(mistakes("create:\n  template: { defualt: x }\n").length > 0, true);
  assert.deepEqual(mistakes("create: [").length, 1);
});

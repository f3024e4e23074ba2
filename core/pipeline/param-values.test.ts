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
  sizes: { type: array, items: string, default: [s, m] }
  by: { type: string, default: "\${{ task.requestedBy }}" }
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
  assert.deepEqual(mistakes("create: {}\n---\ncreate: {}\n"), [
    "2: the file holds more than one document; write each into a file of its own",
  ]);
});

test("choices need a default that is one of them, if the pipeline file has one", () => {
  assert.deepEqual(
    mistakes("create:\n  replicas: { choices: [1, 3] }\n  sizes:\n    choices: [s, l]\n  by: { choices: [kim] }\n"),
    [
      "2: create.replicas: choices do not have the default of the pipeline file, 2; add it, or give another default",
      '4: create.sizes: choices do not have the default of the pipeline file, ["s","m"]; add it, or give another default',
    ],
  );
  assert.deepEqual(mistakes("create: { replicas: { choices: [1, 3], default: 1 }, sizes: { choices: [m, s] } }\n"), []);
});

test("which build is deployed is not preset", () => {
  const text = FILE.replace("app: none", "app: existing").replace(
    "params:",
    "params:\n  build: { type: string, ui: build }",
  );
  const { pipeline: deploy } = parsePipeline({ name: "create.yaml", text }, []);
  assert.ok(deploy);
  const result = readParamValues({ file: "params.yaml", text: 'create:\n  build: { default: "5" }\n' }, [deploy]);
  assert.deepEqual("problems" in result && result.problems.map(({ line, detail }) => `${line}: ${detail}`), [
    "2: create.build: the choice of a build has no default: without a value, the newest build is taken",
  ]);
});

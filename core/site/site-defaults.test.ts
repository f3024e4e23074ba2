import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePipeline } from "../pipeline/parse.ts";
import { readSites } from "./site-defaults.ts";

const text = `name: ci
app: none
params:
  failOn: { type: string, enum: [critical, high], default: critical }
  password: { type: string, secret: true }
jobs:
  work: { site: s, steps: [{ run: x }] }
`;
const { pipeline } = parsePipeline({ name: "ci.yaml", text }, []);
assert.ok(pipeline);
const mistakes = (content: string, file = "sites/seoul.yaml"): readonly string[] =>
  readSites([{ file, text: content }], [pipeline], ["broken"]).problems.map(
    ({ line, column, detail }) => `${line}:${column} ${detail}`,
  );

test("a file of a site is refused with every mistake in place", () => {
  assert.deepEqual(
    mistakes("params: { ci: { failOn: high }, broken: { x: 1 } }\ndefaults: { labels: [java], n: { a: 1 } }\n"),
    [],
  );
  assert.deepEqual(mistakes("params:\n  ci:\n    failOn: hihg\n    failon: high\n    password: secret\n  cii: {}\n"), [
    "3:13 params.ci: failOn must be one of critical, high (did you mean high?)",
    "4:5 params.ci: the pipeline ci has no param failon (did you mean failOn?)",
    "5:5 params.ci: a secret has neither a default nor choices",
    "6:3 params: there is no pipeline cii (did you mean ci?)",
  ]);
  assert.deepEqual(mistakes("default: { a: 1 }\n"), ["1:1 unknown key default (did you mean defaults?)"]);
  assert.deepEqual(mistakes("defaults: { a-b: 1, c: '${{ app.name }}' }\n"), [
    "1:13 defaults: a-b is not a valid name: must begin with a lower case letter and have letters and digits only",
  ]);
  assert.deepEqual(mistakes("defaults: { c: ['${{ app.name }}'] }\n"), [
    "1:13 defaults: an expression is not allowed here; write it in the pipeline file",
  ]);
  assert.deepEqual(mistakes("defaults: {}\n", "sites/so ul.yaml"), [
    "1:1 the name of the file is not the name of a site",
  ]);
  assert.deepEqual(mistakes(`defaults: { a: ${"x".repeat(65_536)} }\n`), [
    "1:1 the files of sites have 65579 characters, of 65536",
  ]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { readGivenParams } from "./given-params.ts";
import { deployTemplateOf, type ManifestOptions, readManifest, type TemplateManifest } from "./manifest.ts";
import { newerVersion } from "./version.ts";

const OPTIONS: ManifestOptions = {
  file: "gantry-template.yaml",
  version: "0.1.0",
  wanted: { name: "api", kind: "source" },
};
const BASE = "name: api\ntitle: An API\nkind: source\n";

function problemsOf(text: string, options = OPTIONS): readonly string[] {
  const read = readManifest(text, options);
  return "problems" in read ? read.problems.map(({ file, line, detail }) => `${file}:${line} ${detail}`) : [];
}

function manifestOf(text: string): TemplateManifest {
  const read = readManifest(text, OPTIONS);
  assert("manifest" in read, JSON.stringify(read));
  return read.manifest;
}

test("a manifest says what a template is, and which template its yaml comes from", () => {
  assert.equal(deployTemplateOf(manifestOf(BASE)), "api-deploy");
  assert.equal(deployTemplateOf(manifestOf(`${BASE}deploy: service-deploy\ngantry: 0.1.0\n`)), "service-deploy");
});

test("every mistake is told with file, line and field", () => {
  for (const [text, expected] of [
    ["name: api\nkind: source\n", /^gantry-template.yaml:1 title is missing/],
    ["name: api\ntitle: A\ntitel: An API\nkind: source\n", /:3 unknown key titel \(did you mean title\?\)/],
    [BASE.replace("source", "sauce"), /:3 kind must be source or deploy|:3 kind .*source.*deploy/],
    [BASE.replace("api", "apo"), /:1 name must be api, like the repository/],
    [`${BASE}gantry: 0.1\n`, /:4 gantry must be a version as text, such as 0\.1\.0/],
    [`${BASE}gantry: 0.2.0\n`, /:4 this template needs Gantry 0\.2\.0 or later, and this runner has 0\.1\.0/],
    [`${BASE}params:\n  Port: { type: integer }\n`, /:5 .*begins in lower case/],
    [`${BASE}params:\n  port: { type: number, defualt: 1 }\n`, /:5 .*unknown key defualt \(did you mean default\?\)/],
    [`${BASE}params:\n  port: { type: integer, default: many }\n`, /:5 params\.port: default must be a whole number/],
    [`${BASE}params:\n  size: { type: string, enum: [s, 1] }\n`, /:5 params\.size: element 2 of enum must be text/],
    [`${BASE}params:\n  size: { type: string, pattern: "(" }\n`, /:5 params\.size: the pattern cannot be used/],
    ["name: [api\n", /:\d+ /],
  ] as const) {
    const [first = "", ...more] = problemsOf(text);
    assert.match(first, expected);
    assert.deepEqual(more, [], text);
  }
  const deploy = { ...OPTIONS, wanted: { name: "api", kind: "deploy" } } as const;
  assert.match(problemsOf(BASE, deploy).join(), /:3 kind must be deploy here, not source/);
  const asks = "name: api\ntitle: A\nkind: deploy\ndeploy: x\nparams: { port: { type: integer } }\n";
  assert.equal(problemsOf(asks, deploy).length, 2);
});

test("params of a template: read by their type, completed with defaults, or refused in words", () => {
  const manifest = manifestOf(
    `${BASE}params:\n  port: { type: integer, default: 8080, maximum: 65535 }\n  size: { type: string, title: Size, enum: [s, l] }\n  open: { type: boolean, default: false }\n`,
  );
  assert.deepEqual(readGivenParams(manifest, ["size=s", "open=true"]), {
    values: { size: "s", open: true, port: 8080 },
  });
  const problems = (given: readonly string[]) => {
    const read = readGivenParams(manifest, given);
    return "problems" in read ? read.problems.join("; ") : "";
  };
  assert.match(problems([]), /size is missing: write size=… \(Size\)/);
  assert.match(problems(["size=m"]), /size: it must be one of s, l/);
  assert.match(problems(["size=s", "port=http"]), /port: it must be a whole number, not text/);
  assert.match(problems(["size=s", "prot=1"]), /the template api has no param prot \(did you mean port\?\)/);
  assert.match(problems(["size=s", "size=l", "x"]), /size is given twice; "x" must be like name=value/);
  assert.match(problems(["size=s", "constructor=1"]), /has no param constructor/);
});

test("versions are compared by their numbers", () => {
  assert.equal(newerVersion("0.10.0", "0.9.9"), true);
  assert.equal(newerVersion("0.1.0", "0.1.0"), false);
  assert.equal(newerVersion("1.0.0-rc.1", "1.0.1"), false);
});

// The shipped pipeline files: valid, conforming to the schema for editors, and consistent with each other.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { render } from "@gantry/core/expr/template.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import { checkParams } from "@gantry/core/pipeline/params.ts";
import { parsePipeline } from "@gantry/core/pipeline/parse.ts";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse as parseYaml } from "yaml";
import { PIPELINE_SCHEMA, pipelineSchemaText } from "../pipeline-schema.ts";
import { APP, catalogue, folder, load, names, PLACES, read, repository } from "./pipelines.fixture.ts";

test("the three pipelines of the main job exist", () => {
  for (const name of ["create-app.yaml", "ci.yaml", "cd.yaml"]) assert(names.includes(name), name);
});

/** Made once, because it takes a tenth of a second. */
const conforms = new Ajv2020({ strict: false, allErrors: true }).compile(JSON.parse(read("schema.json")) as object);

for (const name of names) {
  test(`${name} has no problem and no warning with the shipped steps`, () => {
    const { problems, warnings } = parsePipeline({ name, text: read(name) }, catalogue);
    assert.deepEqual(
      [...problems, ...warnings].map((one) => `${one.line}:${one.column} ${one.detail}`),
      [],
    );
  });

  test(`${name} is named after its file, and every job and step has a title`, () => {
    const file = parseYaml(read(name)) as {
      name: string;
      jobs: { [id: string]: { title?: string; steps: { title?: string }[] } };
    };
    assert.equal(`${file.name}.yaml`, name);
    for (const [id, job] of Object.entries(file.jobs)) {
      assert(job.title, id);
      for (const step of job.steps) assert(step.title, `${id}: ${JSON.stringify(step)}`);
    }
  });

  test(`${name} conforms to the schema for editors`, () => {
    conforms(parseYaml(read(name)));
    assert.deepEqual(conforms.errors, null);
  });
}

test("pipelines/schema.json is up to date", () => {
  const fresh = readFileSync(PIPELINE_SCHEMA, "utf8") === pipelineSchemaText();
  assert(
    fresh,
    "the form of pipeline files has changed: run `node lab/pipeline-schema.ts` and commit pipelines/schema.json",
  );
});

test("the schema refuses what the parser refuses", () => {
  const good = { name: "x", jobs: { a: { site: "s", steps: [{ run: "x" }] } } };
  assert.equal(conforms(good), true);
  assert.equal(conforms({ ...good, jbos: {} }), false);
  assert.equal(conforms({ ...good, jobs: { a: { site: "s", timeout: 10, steps: [{ run: "x" }] } } }), false);
  assert.equal(conforms({ ...good, jobs: { "a b": { site: "s", steps: [{ run: "x" }] } } }), false);
});

test("every arrow of the three sequence diagrams is named in its pipeline file", () => {
  const arrows = { "create-app.yaml": ["CA", 12], "ci.yaml": ["CI", 14], "cd.yaml": ["CD", 17] } as const;
  for (const [name, [prefix, last]] of Object.entries(arrows)) {
    const text = read(name);
    const spans = [...text.matchAll(/([A-Z]{2})(\d+) to \1(\d+)/g)].map(
      (match) => [Number(match[2]), Number(match[3])] as const,
    );
    for (let number = 1; number <= last; number += 1) {
      const named = new RegExp(`\\b${prefix}${number}\\b`).test(text);
      assert(named || spans.some(([from, to]) => from <= number && number <= to), `${prefix}${number}`);
    }
  }
});

test("create-app in a nested group names the image and the Harbor project by the last group", () => {
  const { harbor = null, image = null } = load("create-app.yaml").outputs.app as JsonObject;
  const params = { project: "Acme/Shop", name: "orders" };
  assert.deepEqual(render({ harbor, image }, { params }), {
    harbor: { project: "shop" },
    image: { name: "orders", repository: "shop/orders" },
  });
});

test("create-app returns the app record that CI and CD need", () => {
  const pipeline = load("create-app.yaml");
  const given = { name: "orders", title: "Orders", jiraKey: "ORD", ...PLACES };
  const { params, problems } = checkParams(pipeline.params, given, { app: { name: "orders" }, task: {} });
  assert.deepEqual(problems, []);
  const record = (slug: string) => {
    const { branch = null, ...made } = repository(slug);
    const steps = { repository: { outputs: { ...made, defaultBranch: branch, created: true } } };
    const job = pipeline.jobs.find((one) => one.id === (slug === "orders" ? "source" : "yaml"));
    return { outputs: render(job?.outputs ?? {}, { params, steps }) };
  };
  const jobs = {
    source: record("orders"),
    yaml: record("orders-deploy"),
    jira: { outputs: { key: "ORD", url: "http://jira/ORD" } },
  };
  const { app } = render(pipeline.outputs, { params, jobs }) as { app: JsonObject };
  const { name: _, ...expected } = APP;
  assert.deepEqual(app, expected);
});

test("no shipped pipeline names a site, a cluster or a project of an installation", () => {
  for (const name of names) assert.doesNotMatch(read(name), /\b(seoul|tokyo|APPS|TEMPLATES|web-service)\b/, name);
});

test("two clusters of one site are two targets with different names", () => {
  const pipeline = load("create-app.yaml");
  const params = { targets: ["seoul/a", "seoul/b", "tokyo/c"], title: "T", name: "n", project: "P", buildSite: "s" };
  const { targets } = pipeline.outputs.app as { targets: string };
  assert.deepEqual(
    (render(targets, { params }) as { name: string }[]).map((one) => one.name),
    ["seoul-a", "seoul-b", "tokyo"],
  );
});

test("an app may have a hundred targets", () => {
  const { outputs } = load("create-app.yaml");
  const params = { targets: Array.from({ length: 100 }, (_, index) => `site-${index}/cluster-${index}`) };
  const { targets } = outputs.app as { targets: string };
  assert.equal((render(targets, { params }) as unknown[]).length, 100);
});

test("the example of the reference is valid", () => {
  const page = readFileSync(`${folder}../docs/pipelines.md`, "utf8");
  const [, example] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
  assert(example);
  assert.deepEqual(parsePipeline({ name: "example", text: example }, []).problems, []);
});

test("name, key and targets of a new app are checked before anything is created", () => {
  const { params } = load("create-app.yaml");
  const given = { name: "orders", title: "Orders", jiraKey: "ORD", ...PLACES };
  const wrong = (change: JsonObject) =>
    checkParams(params, { ...given, ...change }, {}).problems.map((one) => one.pointer);
  assert.deepEqual(wrong({}), []);
  for (const name of ["Orders", "or", "1orders", "orders-", "a".repeat(41), "or ders", "../x"]) {
    assert.deepEqual(wrong({ name }), ["/name"], name);
  }
  for (const jiraKey of ["O", "ord", "1RD", "ORDERS12345"]) assert.deepEqual(wrong({ jiraKey }), ["/jiraKey"], jiraKey);
  assert.deepEqual(wrong({ targets: ["seoul"] }), ["/targets/0"]);
  assert.deepEqual(wrong({ template: "../other" }), ["/template"]);
});

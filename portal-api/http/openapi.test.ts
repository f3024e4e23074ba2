// The OpenAPI document has every route, and every schema in it is valid.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ERRORS } from "@gantry/core/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import { Ajv2020 } from "ajv/dist/2020.js";
import { startTestPortal, type TestPortal } from "../portal.fixture.ts";
import { ROUTES } from "../routes/routes.ts";

type Operation = {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly requestBody?: JsonObject;
  readonly responses: { readonly [status: string]: JsonObject };
  readonly security: readonly object[];
};
type Document = {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: { readonly [path: string]: { readonly [method: string]: Operation } };
  readonly components: { readonly schemas: { readonly [name: string]: JsonObject } };
};

let portal: TestPortal;
let document: Document;

before(async () => {
  portal = await startTestPortal();
  document = (await (await portal.ask("/openapi.json")).json()) as Document;
});
after(() => portal.close());

const operations = (): [method: string, path: string, operation: Operation][] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, string, Operation] => [
      method.toUpperCase(),
      path,
      operation,
    ]),
  );

test("the document has exactly the declared routes", () => {
  assert.deepEqual(
    operations()
      .map(([method, path]) => `${method} ${path}`)
      .sort(),
    ROUTES.map((one) => `${one.method} ${one.path}`).sort(),
  );
});

test("the documents cost little: 100 requests of a token without rights keep nobody waiting", async () => {
  const token = await portal.tokenOf("none");
  const spent = process.cpuUsage();
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, n) => portal.ask(n % 2 === 0 ? "/openapi.json" : "/docs", { token })),
  );
  const bodies = await Promise.all(answers.map((answer) => answer.text()));
  assert.ok(answers.every(({ status }) => status === 200));
  assert.equal(new Set(bodies).size, 2);
  // Making them takes 0.1 s each time.
  assert.ok(process.cpuUsage(spent).user < 5_000_000, `${process.cpuUsage(spent).user / 1_000} ms`);
});

test("every operation has a unique id, all parameters of its path, and a response that is not an error", () => {
  const names = operations().map(([, , operation]) => operation.operationId);
  assert.equal(new Set(names).size, names.length);
  for (const [method, path, operation] of operations()) {
    assert.match(operation.operationId, /^[a-z]+[A-Z]?[A-Za-z]+$/);
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((found) => found[1]);
    const declared = operation.parameters.filter((one) => one.in === "path");
    assert.deepEqual(declared.map((one) => one.name).sort(), inPath.sort(), `${method} ${path}`);
    assert.ok(declared.every((one) => one.required));
    assert.ok(
      Object.keys(operation.responses).some((status) => Number(status) < 400),
      `${method} ${path}`,
    );
    assert.ok("400" in operation.responses && "500" in operation.responses, `${method} ${path}`);
    for (const answer of Object.values(operation.responses)) assert.equal(typeof answer.description, "string");
  }
});

test("required parameters are marked as required, optional ones are not", () => {
  const start = document.paths["/v1/tasks"]?.post;
  const key = start?.parameters.find((one) => one.name === "Idempotency-Key");
  assert.deepEqual([key?.in, key?.required, start?.requestBody?.required], ["header", true, true]);
  const list = document.paths["/v1/tasks"]?.get?.parameters ?? [];
  assert.deepEqual(list.map((one) => one.name).sort(), ["app", "cursor", "limit", "pipeline", "state"]);
  assert.ok(list.every((one) => !one.required));
  assert.deepEqual(document.paths["/livez"]?.get?.security, []);
});

test("the document has the smallest limit, every refusal of a server, and examples", () => {
  const limit = document.paths["/v1/tasks"]?.get?.parameters.find((one) => one.name === "limit") as unknown as {
    schema: { minimum: number };
  };
  assert.equal(limit.schema.minimum, 1, "0 is refused");
  for (const [method, path, { responses }] of operations()) {
    for (const status of ["405", "408", "431"]) assert.ok(status in responses, `${method} ${path} ${status}`);
    if (path.startsWith("/v1/"))
      for (const status of ["401", "429"]) assert.ok(status in responses, `${path} ${status}`);
  }
  for (const [method, path, { requestBody, parameters }] of operations()) {
    if (!path.startsWith("/v1/")) continue;
    const content = Object.values((requestBody?.content ?? {}) as { [type: string]: JsonObject });
    const inPath = parameters.filter((one) => one.in === "path");
    for (const one of [...content, ...inPath]) assert.ok("example" in one, `${method} ${path} has no example`);
  }
});

test("every reference resolves and every schema compiles", () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, code: { optimize: false } });
  ajv.addSchema({ $id: "document", components: document.components }, "document");
  let schemas = 0;
  const distinct = new Set<string>();
  const visit = (value: JsonValue): void => {
    if (Array.isArray(value)) for (const one of value as readonly JsonValue[]) visit(one);
    if (!isJsonObject(value)) return;
    if (value.schema !== undefined) {
      distinct.add(JSON.stringify(value.schema).replaceAll('"#/components', '"document#/components'));
      schemas += 1;
    }
    for (const one of Object.values(value)) visit(one);
  };
  visit(document.paths as unknown as JsonValue);
  for (const text of distinct) ajv.compile(JSON.parse(text) as object);
  assert.ok(schemas > 200, `${schemas} schemas`);
  for (const name of ["Task", "TaskSummary", "App", "Event", "Problem", "Site", "Token"]) {
    assert.ok(name in document.components.schemas, name);
  }
});

test("responses match the document", async () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, code: { optimize: false } });
  ajv.addSchema({ $id: "document", components: document.components }, "document");
  portal.agent.addTask({ id: "t1" });
  const samples: [name: string, path: string][] = [
    ["Task", "/v1/tasks/t1"],
    ["App", "/v1/apps/orders"],
    ["Pipeline", "/v1/pipelines/ci"],
    ["Me", "/v1/me"],
    ["Problem", "/v1/tasks/t2"],
  ];
  for (const [name, path] of samples) {
    const check = ajv.compile({ $ref: `document#/components/schemas/${name}` });
    assert.ok(check(await (await portal.ask(path)).json()), `${name}: ${ajv.errorsText(check.errors)}`);
  }
});

test("the page has every route and every error, escaped and without scripts", async () => {
  const page = await (await portal.ask("/docs", { headers: { accept: "text/html" } })).text();
  for (const one of ROUTES) assert.ok(page.includes(`<details id="${one.id}">`), one.id);
  for (const code of Object.keys(ERRORS)) assert.ok(page.includes(`<tr id="error-${code}">`), code);
  assert.doesNotMatch(page, /<script|style=|onclick/i);
});

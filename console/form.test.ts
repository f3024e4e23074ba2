// Forms from the schemas of pipelines: their fields, the parameters they send, where errors are shown.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startCall } from "./src/data/api.ts";
import { shellWord } from "./src/parts/format.ts";
import { cliCommand } from "./src/run/cli-command.ts";
import { errorsByField, fieldsOf, firstEntries, paramsOf, secretNames } from "./src/run/form.ts";
import { templateEntries, templateFields, withEntry } from "./src/run/template-params.ts";

const SCHEMA = {
  type: "object",
  required: ["name"],
  properties: {
    name: { type: "string", title: "Name", pattern: "^[a-z]+$", minLength: 3, maxLength: 40 },
    template: { type: "string", enum: ["web", "worker"], default: "web" },
    replicas: { type: "integer", minimum: 1, maximum: 9 },
    isPublic: { type: "boolean", default: false },
    targets: { type: "array", items: { type: "string" }, default: ["a/b"], "x-ui": "target" },
    digest: { type: "string", default: "${{ app.facts.digest }}" },
    all: { type: "array", items: { type: "string" }, default: "${{ app.targets }}" },
    values: { type: "object" },
  },
};
const fields = fieldsOf(SCHEMA);
const field = (name: string) => fields.find((one) => one.name === name);

test("every kind of parameter has a field", () => {
  assert.deepEqual(
    fields.map(({ kind }) => kind),
    ["text", "choice", "number", "yes-no", "list", "text", "list", "json"],
  );
  assert.deepEqual(field("template")?.choices, ["web", "worker"]);
  assert.deepEqual([field("name")?.isRequired, field("name")?.min, field("name")?.max], [true, 3, 40]);
  assert.deepEqual([field("replicas")?.min, field("replicas")?.isWhole], [1, true]);
  assert.equal(field("targets")?.ui, "target");
});

test("a field offers what the installation lists: elements of a list, and suggestions of a text", () => {
  const [site, places, template] = fieldsOf({
    properties: {
      site: { type: "string", examples: ["seoul", "tokyo"] },
      places: { type: "array", items: { type: "string", enum: ["seoul/a", "tokyo/b"] } },
      template: { type: "string", enum: ["web"] },
    },
  });
  assert.deepEqual([site?.kind, site?.offers], ["text", ["seoul", "tokyo"]]);
  assert.deepEqual([places?.kind, places?.offers], ["list", ["seoul/a", "tokyo/b"]]);
  assert.deepEqual([template?.kind, template?.offers], ["choice", []]);
});

test("a default is filled in, unless it is an expression, which is not sent either", () => {
  const entries = firstEntries(fields);
  assert.deepEqual(entries, {
    name: "",
    template: "web",
    replicas: "",
    isPublic: "false",
    targets: ["a/b"],
    digest: "",
    all: [],
    values: "",
  });
  assert.equal(field("digest")?.isDecidedLater, true);
  assert.deepEqual(paramsOf(fields, entries), { template: "web", isPublic: false, targets: ["a/b"] });
});

test("parameters have the types of the schema; a text that does not fit is sent unchanged", () => {
  const given = { name: "orders", replicas: "3", isPublic: "true", targets: ["x/y"], values: '{"a":1}' };
  assert.deepEqual(paramsOf(fields, given), {
    name: "orders",
    replicas: 3,
    isPublic: true,
    targets: ["x/y"],
    values: { a: 1 },
  });
  assert.deepEqual(paramsOf(fields, { replicas: "many", values: "{" }), { replicas: "many", values: "{" });
});

test("a map has a field for each member, lists have elements of their type, and what is deeper is JSON", () => {
  const { properties, required } = {
    required: ["image"],
    properties: {
      image: {
        type: "object",
        title: "Image",
        default: { tag: "latest" },
        properties: {
          name: { type: "string" },
          tag: { type: "string" },
          ports: { type: "array", items: { type: "integer" } },
          build: { type: "object", properties: { cached: { type: "boolean" } }, required: ["cached"] },
        },
        required: ["name", "build"],
        additionalProperties: false,
      },
      labels: { type: "object", additionalProperties: { type: "string" } },
      hosts: { type: "array", items: { type: "object", properties: { name: { type: "string" } } } },
    },
  };
  const nested = fieldsOf({ type: "object", properties, required });
  assert.deepEqual(
    nested.map(({ name, kind, title, isRequired }) => [name, kind, title, isRequired]),
    [
      ["image.name", "text", "Image: name", true],
      ["image.tag", "text", "Image: tag", false],
      ["image.ports", "list", "Image: ports", false],
      ["image.build.cached", "yes-no", "Image: build: cached", true],
      ["labels", "json", "labels", false],
      ["hosts", "json", "hosts", false],
    ],
  );
  const entries = { ...firstEntries(nested), "image.name": "web", "image.ports": ["80", "x"], labels: '{"a":"b"}' };
  assert.deepEqual(paramsOf(nested, entries), {
    image: { name: "web", tag: "latest", ports: [80, "x"] },
    labels: { a: "b" },
  });
  const errors = [
    { pointer: "/params/image/ports/1", detail: "it must be a whole number" },
    { pointer: "/params/image/build", detail: "build is missing" },
    { pointer: "/params/hosts/0/name", detail: "it must be text" },
    { pointer: "/params/image", detail: "image is missing" },
  ];
  assert.deepEqual(errorsByField(nested, errors), {
    "image.ports": ["it must be a whole number"],
    "image.build.cached": ["build is missing"],
    hosts: ["it must be text"],
    "image.name": ["image is missing"],
  });
});

test("errors of the server are shown at their fields", () => {
  const found = errorsByField(fields, [
    { pointer: "/params/name", detail: "it must match" },
    { pointer: "#/params/targets/0", detail: "no such target" },
    { pointer: "/params", detail: "name is missing" },
    { pointer: "/params/other", detail: "other is not known" },
    { detail: "something else" },
  ]);
  assert.deepEqual(found, {
    name: ["it must match", "name is missing"],
    targets: ["no such target"],
    "": ["other is not known", "something else"],
  });
});

test("create-app, ci and cd have their own addresses, other pipelines share one", () => {
  assert.deepEqual(startCall("create-app", undefined, { name: "x" }), {
    path: "/v1/apps",
    body: { params: { name: "x" } },
  });
  assert.equal(startCall("cd", "orders", {}).path, "/v1/apps/orders/cd");
  assert.deepEqual(startCall("promote", "orders", {}), {
    path: "/v1/tasks",
    body: { pipeline: "promote", app: "orders", params: {} },
  });
});

test("a value is one word for the shell", () => {
  assert.equal(shellWord("plain/word"), "plain/word");
  assert.equal(shellWord("it's $(rm)"), "'it'\\''s $(rm)'");
});

test("a secret is sent, and the command reads it from a file", () => {
  const [secret] = fieldsOf({ type: "object", properties: { licence: { type: "string", secret: true } } });
  assert.ok(secret?.isSecret);
  assert.equal(field("name")?.isSecret, false);
  const params = paramsOf([secret], { licence: "hunter2" });
  assert.deepEqual(params, { licence: "hunter2" });
  assert.deepEqual(secretNames([secret]), ["licence"]);
  assert.equal(
    cliCommand("activate", "orders", params, secretNames([secret])),
    "gantry pipeline run activate --app orders --param licence=@FILE --follow",
  );
});

test("CI, CD and create-app have commands of their own; values that YAML would read otherwise are quoted", () => {
  assert.equal(cliCommand("ci", "orders", { ref: "feature/x" }), "gantry ci orders --ref feature/x --follow");
  assert.equal(
    cliCommand("cd", "orders", { build: "12", targets: ["seoul", "tokyo"] }),
    "gantry cd orders --build 12 --target seoul --target tokyo --follow",
  );
  assert.equal(
    cliCommand("create-app", undefined, { name: "pay", title: "It's pay", project: "PAY" }),
    "gantry app create pay --title 'It'\\''s pay' --param project=PAY --follow",
  );
  assert.equal(cliCommand("create-app", undefined, {}), "gantry app create NAME --follow");
  assert.equal(
    cliCommand("promote", "orders", { depth: 3, isDry: true, text: "true", version: "1.0" }),
    `gantry pipeline run promote --app orders --param depth=3 --param isDry=true --param 'text="true"' --param 'version="1.0"' --follow`,
  );
});

test("what a template asks for has fields; only what differs from its defaults is sent", () => {
  const asked = templateFields({
    params: {
      javaVersion: { type: "integer", title: "Java version", enum: [17, 21], default: 17 },
      baseImage: { type: "string", default: "library/java:1" },
      open: { type: "boolean", default: false },
      owner: { type: "string" },
    },
  });
  assert.deepEqual(
    asked.map(({ name, kind, isRequired, choices }) => [name, kind, isRequired, choices.join()]),
    [
      ["javaVersion", "choice", false, "17,21"],
      ["baseImage", "text", false, ""],
      ["open", "yes-no", false, ""],
      ["owner", "text", true, ""],
    ],
  );
  assert.equal(templateEntries(asked, []).javaVersion, "17");
  const one = withEntry(asked, [], "javaVersion", "21");
  assert.deepEqual(one, ["javaVersion=21"]);
  assert.deepEqual(withEntry(asked, one, "owner", "a=b"), ["javaVersion=21", "owner=a=b"]);
  assert.deepEqual(withEntry(asked, ["javaVersion=21", "of-another-template=1"], "javaVersion", "17"), []);
});

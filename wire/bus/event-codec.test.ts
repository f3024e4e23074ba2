import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { JsonObject } from "@gantry/core/json.ts";
import { Ajv } from "ajv";
import type { FeedEvent } from "../agent/views.ts";
import type { FactContext } from "./cdevents.ts";
import { decodeEvent, encodeEvent } from "./event-codec.ts";

const DIGEST = `sha256:${"1a".repeat(32)}`;
const NONE: FactContext = { startedAt: undefined, uses: undefined, site: undefined };
const STEP = { job: "deploy[seoul]", attempt: 1, step: "wait", progress: 1 };
const ended = (outputs: JsonObject): JsonObject => ({
  kind: "StepEnded",
  ...STEP,
  outcome: "succeeded",
  durationMs: 1,
  outputs,
});

function eventOf(fact: JsonObject): FeedEvent {
  return {
    specversion: "1.0",
    id: "t01/7",
    source: "/gantry/task-agent",
    type: "dev.gantry.some.fact.v1",
    subject: "t01",
    time: "2026-11-20T08:00:00.000Z",
    datacontenttype: "application/json",
    seq: 900,
    taskseq: 7,
    data: {
      task: "t01",
      pipeline: "cd",
      title: "Run CD: orders",
      app: "orders",
      requestedBy: "kim",
      url: "https://portal.example/tasks/t01",
      event: { at: 5, ...fact } as FeedEvent["data"]["event"],
    },
  };
}

type Row = {
  readonly what: string;
  readonly fact: JsonObject;
  readonly context?: Partial<FactContext>;
  readonly type: string;
  readonly subject: string;
};

const CDEVENTS: readonly Row[] = [
  { what: "a task was requested", fact: { kind: "TaskRequested" }, type: "pipelinerun.queued.0.3.0", subject: "t01" },
  {
    what: "its first job started",
    fact: { kind: "JobStarted", job: "a", attempt: 1 },
    context: { startedAt: 5 },
    type: "pipelinerun.started.0.3.0",
    subject: "t01",
  },
  {
    what: "it failed",
    fact: { kind: "TaskEnded", outcome: "failed", failure: { message: "red" } },
    type: "pipelinerun.finished.0.3.0",
    subject: "t01",
  },
  {
    what: "a step started",
    fact: { kind: "StepStarted", ...STEP },
    type: "taskrun.started.0.3.0",
    subject: "t01/deploy[seoul]/wait/1",
  },
  { what: "a step ended", fact: ended({}), type: "taskrun.finished.0.3.0", subject: "t01/deploy[seoul]/wait/1" },
  {
    what: "an image was pushed",
    fact: ended({ ref: `harbor.example:8443/shop/orders@${DIGEST}` }),
    context: { uses: "image/build-push" },
    type: "artifact.published.0.3.0",
    subject: `pkg:oci/orders@${encodeURIComponent(DIGEST)}?repository_url=harbor.example:8443/shop/orders`,
  },
  {
    what: "a repository was created",
    fact: ended({
      created: true,
      project: "APPS",
      slug: "orders",
      cloneUrl: "https://git.example/apps/orders.git",
      url: "https://git.example/orders",
    }),
    context: { uses: "git/create-repository" },
    type: "repository.created.0.3.0",
    subject: "APPS/orders",
  },
  {
    what: "a commit was pushed",
    fact: ended({ changed: true, commit: "abc" }),
    context: { uses: "git/commit-push" },
    type: "change.merged.0.3.0",
    subject: "abc",
  },
  {
    what: "an app was deployed",
    fact: ended({ images: [`harbor.example/shop/orders@${DIGEST}`] }),
    context: { uses: "argocd/wait", site: "seoul" },
    type: "service.deployed.0.3.0",
    subject: "orders",
  },
];

const OURS: readonly (readonly [string, JsonObject, Partial<FactContext>?])[] = [
  ["a job that is not the first one started", { kind: "JobStarted", job: "b", attempt: 1 }, { startedAt: 4 }],
  ["a job waits", { kind: "JobWaiting", job: "b", code: "no-runner", text: "…" }],
  ["a job is held", { kind: "JobHeld", job: "b", reason: "…" }],
];

for (const { what, fact, context, type, subject } of CDEVENTS) {
  test(`${what}: ${type}`, (t) => {
    const event = eventOf(fact);
    const message = encodeEvent(event, { ...NONE, ...context });
    const cloud = JSON.parse(message.value) as JsonObject & { data: JsonObject };
    assert.equal(cloud.type, `dev.cdevents.${type}`);
    assert.equal(cloud.subject, subject);
    assert.deepEqual(
      [cloud.id, cloud.source, cloud.time, cloud.seq, cloud.taskseq],
      ["t01/7", event.source, event.time, 900, 7],
    );
    assert.deepEqual(decodeEvent(message), event);
    const schemas = schemaFolder();
    if (schemas === undefined)
      return t.diagnostic("the published schemas of CDEvents are not here: their shape is not checked");
    validate(schemas, type, cloud.data);
  });
}

for (const [what, fact, context] of OURS) {
  test(`${what}: an event without a CDEvent`, () => {
    const event = eventOf(fact);
    const message = encodeEvent(event, { ...NONE, ...context });
    assert.deepEqual(JSON.parse(message.value), event);
    assert.deepEqual(decodeEvent(message), event);
    assert.equal(message.key, "t01");
    const { "content-type": contentType, ...headers } = message.headers;
    assert.equal(contentType, "application/cloudevents+json; charset=UTF-8");
    assert.deepEqual(headers, { id: "t01/7", type: event.type, seq: "900", taskseq: "7" });
  });
}

test("an unsuccessful end is reported as one", () => {
  const outcomes = ["succeeded", "failed", "timed-out", "errored", "canceled", "skipped"];
  const reported = outcomes.map((outcome) => {
    const { value } = encodeEvent(eventOf({ kind: "TaskEnded", outcome }), NONE);
    return (JSON.parse(value) as { data: { subject: { content: { outcome: string } } } }).data.subject.content.outcome;
  });
  assert.deepEqual(reported, ["success", "failure", "failure", "error", "cancel", "success"]);
});

test("messages of other publishers are ignored", () => {
  const foreign = [
    "",
    "null",
    "[]",
    "{}",
    "{",
    '{"type":"dev.cdevents.x","data":{"customData":{}}}',
    `"${"x".repeat(5_000_000)}"`,
  ];
  for (const value of foreign)
    assert.equal(decodeEvent({ key: "k", value, headers: {} }), undefined, value.slice(0, 50));
});

/** The published schemas, if they are present: in $GANTRY_SPECS/cdevents, or beside the checkout. */
function schemaFolder(): string | undefined {
  const specs = process.env.GANTRY_SPECS ?? fileURLToPath(new URL("../../../shared/specs", import.meta.url));
  const folder = join(specs, "cdevents");
  return existsSync(folder) ? folder : undefined;
}

function validate(folder: string, type: string, data: JsonObject): void {
  const name = readdirSync(folder).find((file) => {
    if (!file.endsWith(".json")) return false;
    return readFileSync(join(folder, file), "utf8").includes(`"dev.cdevents.${type}"`);
  });
  assert.ok(name, `no schema for ${type} in ${folder}`);
  const schema = JSON.parse(readFileSync(join(folder, name), "utf8")) as {
    properties: { context: { properties: JsonObject } };
  };
  // Links have schema files of their own, and Gantry sends none.
  const { links: _, ...context } = schema.properties.context.properties;
  const { $schema: __, $id: ___, ...rest } = { $schema: "", $id: "", ...schema };
  const own = {
    ...rest,
    properties: { ...schema.properties, context: { ...schema.properties.context, properties: context } },
  };
  const check = new Ajv({ strict: false, validateFormats: false }).compile(own);
  assert.ok(check(data), JSON.stringify(check.errors));
}

// Every keyword of the pipeline language does something: its value is kept by the parser and read by code that runs
// pipelines or shows them. A keyword that only the parser knows is accepted and then ignored, which users cannot see.

import assert from "node:assert/strict";
import { test } from "node:test";
import { escalationShape } from "@gantry/core/access/approval.ts";
import { artifactShape, downloadShape } from "@gantry/core/artifact/artifact-shape.ts";
import { cacheShape } from "@gantry/core/artifact/cache-shape.ts";
import { callbackShape } from "@gantry/core/callback/callback-shape.ts";
import {
  approvalShape,
  completeJobShape,
  concurrencyShape,
  jobConcurrencyShape,
  jobShape,
  matrixShape,
  paramShape,
  pipelineShape,
  retryShape,
  stepShape,
} from "@gantry/core/pipeline/file.ts";
import { itemShape } from "@gantry/core/pipeline/types/type-shape.ts";
import {
  imageShape,
  pullRequestShape,
  pushShape,
  scheduleShape,
  tagShape,
  triggerShape,
  upstreamShape,
} from "@gantry/core/trigger/trigger-shape.ts";
import type { BindingElement, Node, ObjectBindingPattern } from "typescript/unstable/ast";
import {
  isObjectBindingPattern,
  isPropertyAccessExpression,
  isPropertyAssignment,
  isPropertySignatureDeclaration,
  isTypeAliasDeclaration,
  isVariableDeclaration,
} from "typescript/unstable/ast";
import { z } from "zod";
import { isTest, sources } from "./sources.ts";
import { project, visit } from "./typescript-project.ts";

/**
 * For each shape of a pipeline file, the types of core/pipeline/pipeline.ts, retry.ts and core/trigger/trigger.ts that hold its keywords. Runners get steps over
 * the network, as the schemas `stepSpec` and `jobSpec` of wire/runner/protocol.ts.
 */
const SHAPES = {
  pipeline: { keywords: Object.keys(pipelineShape.shape), types: ["Pipeline"] },
  parameter: { keywords: Object.keys(paramShape.shape), types: ["ParamSchema", "ParamsSchema"] },
  item: { keywords: Object.keys(itemShape.shape), types: ["ParamSchema", "ParamsSchema"] },
  concurrency: { keywords: Object.keys(concurrencyShape.shape), types: ["Concurrency"] },
  "concurrency of a job": {
    keywords: Object.keys(jobConcurrencyShape.shape),
    types: ["JobConcurrency", "Concurrency"],
  },
  job: { keywords: Object.keys(jobShape.shape), types: ["Job", "jobSpec"] },
  matrix: { keywords: Object.keys(matrixShape.shape), types: ["Job"] },
  retry: { keywords: Object.keys(retryShape.shape), types: ["Retry"] },
  // The kind of a trigger is a keyword whose map has a line of its own here.
  trigger: { keywords: ["title", "when", "params"], types: ["Common"] },
  push: { keywords: Object.keys(pushShape.shape), types: ["PushTrigger", "Branches"] },
  tag: { keywords: Object.keys(tagShape.shape), types: ["TagTrigger"] },
  pull_request: { keywords: Object.keys(pullRequestShape.shape), types: ["PullRequestTrigger", "Branches"] },
  image: { keywords: Object.keys(imageShape.shape), types: ["ImageTrigger"] },
  schedule: { keywords: Object.keys(scheduleShape.shape), types: ["ScheduleTrigger"] },
  upstream: { keywords: Object.keys(upstreamShape.shape), types: ["UpstreamTrigger"] },
  callback: { keywords: Object.keys(callbackShape.shape), types: ["Callback"] },
  artifact: { keywords: Object.keys(artifactShape.shape), types: ["ArtifactSpec"] },
  cache: { keywords: Object.keys(cacheShape.shape), types: ["CacheSpec"] },
  download: { keywords: Object.keys(downloadShape.shape), types: ["DownloadSpec"] },
  approval: { keywords: Object.keys(approvalShape.shape), types: ["Approval", "Approvers"] },
  escalate: { keywords: Object.keys(escalationShape.shape), types: ["Escalation"] },
  step: { keywords: Object.keys(stepShape.shape), types: ["StepSpec", "UsesAction", "RunAction", "stepSpec"] },
} as const;

/** Keywords whose property has another name after normalising. */
const RENAMED: Readonly<Record<string, string>> = {
  timeout: "timeoutMs",
  delay: "delayMs",
  maxDelay: "maxDelayMs",
  expires: "expiresMs",
  "escalate.after": "afterMs",
  ui: "x-ui",
  include: "matrixInclude",
  exclude: "matrixExclude",
  once: "onceMs",
  "schedule.until": "untilMs",
  jitter: "jitterMs",
  retention: "retentionMs",
};

/** Files that read a pipeline file, check it and write it down again; reading a keyword there is no use of it. */
const PARSER =
  /^core\/(pipeline\/(file|shape|normalise|parse|places|rules[a-z-]*|source|pipeline|duration)|trigger\/(trigger|trigger-shape|normalise-triggers|rules-triggers)|artifact\/(artifact-shape|cache-shape|artifact-spec|normalise-artifacts|rules-artifacts)|callback\/(callback-shape|rules-callback))\.ts$/;

/** Keywords of parameters are JSON Schema and are read by name at run time, which types do not show: the files that do it. */
const READ_BY_NAME = ["core/pipeline/json-schema.ts", "console/src/"];

/** `Type.property` or `schema.property` → the places of its declarations. Several when a schema has variants. */
const declarations = new Map<string, string[]>();
const placeOf = (node: Node): string => `${node.getSourceFile().fileName}:${node.pos}`;
for (const path of [
  "core/pipeline/pipeline.ts",
  "core/pipeline/retry.ts",
  "core/trigger/trigger.ts",
  "core/access/approval.ts",
  "core/artifact/artifact-spec.ts",
  "core/callback/callback-shape.ts",
  "wire/runner/protocol.ts",
]) {
  const file = project.files.find((one) => one.path === path);
  assert.ok(file, `${path} is not there`);
  visit(file.node, (declaration) => {
    if (!isTypeAliasDeclaration(declaration) && !isVariableDeclaration(declaration)) return;
    const owner = declaration.name.getText();
    visit(declaration, (node) => {
      if (!isPropertySignatureDeclaration(node) && !isPropertyAssignment(node)) return;
      const key = `${owner}.${node.name.getText().replaceAll('"', "")}`;
      declarations.set(key, [...(declarations.get(key) ?? []), placeOf(node)]);
    });
  });
}
const names = new Set([...declarations.keys()].map((key) => key.slice(key.indexOf(".") + 1)));

/**
 * The places of the declarations of all properties that product code outside the parser reads, by `x.name` or by
 * `const { name } = x`. Writing a property in an object literal is no reading. Asks the compiler once for all reads: a
 * search of references for each keyword would take many seconds.
 */
function readDeclarations(): ReadonlySet<string> {
  const accesses: Node[] = [];
  const patterns: Node[] = [];
  const consumers = project.files.filter(
    ({ path }) => path.includes("/") && !PARSER.test(path) && !isTest(path) && !path.startsWith("lab/"),
  );
  for (const { node: file } of consumers) {
    visit(file, (node) => {
      if (isPropertyAccessExpression(node) && names.has(node.name.text)) accesses.push(node.name);
      if (isObjectBindingPattern(node) && node.elements.some((one) => names.has(boundName(one)))) patterns.push(node);
    });
  }
  const bound = project.checker.getTypeAtLocation(patterns).flatMap((type, index) => {
    const wanted = new Set((patterns[index] as ObjectBindingPattern).elements.map(boundName));
    return type ? project.checker.getPropertiesOfType(type).filter(({ name }) => wanted.has(name)) : [];
  });
  const symbols = [...project.checker.getSymbolAtLocation(accesses), ...bound];
  const found = new Set(symbols.flatMap((symbol) => symbol?.declarations ?? []));
  return new Set([...found].flatMap((handle) => handle.resolve() ?? []).map(placeOf));
}

/** `name` of `{ name }`, and of `{ name: other }`. */
function boundName(element: BindingElement): string {
  return (element.propertyName ?? element.name)?.getText() ?? "";
}

const read = readDeclarations();

/** Does a file that reads JSON Schema by name mention the property? */
function isReadByName(property: string): boolean {
  const mention = new RegExp(`\\.${property}\\b|"${property}"|\\b${property}:|\\{[^}]*\\b${property}\\b[^}]*\\} = `);
  return project.files.some(
    ({ path, text }) => !isTest(path) && READ_BY_NAME.some((place) => path.startsWith(place)) && mention.test(text),
  );
}

/** All objects with keywords that a schema contains. */
function objectsIn(schema: unknown, found = new Set<unknown>()): ReadonlySet<unknown> {
  if (typeof schema !== "object" || schema === null || found.has(schema)) return found;
  if (schema instanceof z.ZodObject) found.add(schema);
  if (schema instanceof z.ZodObject) for (const part of Object.values(schema.shape)) objectsIn(part, found);
  else if (schema instanceof z.ZodType)
    for (const part of Object.values(schema.def).flat()) if (part instanceof z.ZodType) objectsIn(part, found);
  return found;
}

test("pipeline keywords: every map of a pipeline file that has keywords is in the table of this check", () => {
  const known = new Set<unknown>([
    pipelineShape,
    paramShape,
    itemShape,
    concurrencyShape,
    jobConcurrencyShape,
    jobShape,
    completeJobShape,
    matrixShape,
    approvalShape,
    retryShape,
    stepShape,
    triggerShape,
    pushShape,
    tagShape,
    pullRequestShape,
    imageShape,
    scheduleShape,
    upstreamShape,
    artifactShape,
    cacheShape,
    callbackShape,
    escalationShape,
    downloadShape,
  ]);
  const others = [...objectsIn(pipelineShape)].filter((shape) => !known.has(shape));
  assert.deepEqual(
    others.map((shape) => Object.keys((shape as z.ZodObject).shape)),
    [],
    "export the shape from core/pipeline/file.ts or core/trigger/trigger-shape.ts and add it to SHAPES",
  );
});

const guide = sources(/^docs\/pipelines\.md$/)[0]?.text ?? "";

for (const [shape, { keywords, types }] of Object.entries(SHAPES)) {
  for (const keyword of keywords) {
    test(`pipeline keywords: docs/pipelines.md describes ${shape}.${keyword}`, () => {
      assert.match(guide, new RegExp(`\`${keyword}\\b[^\`]*\`|\\b${keyword}:`), `add a line about ${keyword}`);
    });
    test(`pipeline keywords: ${shape}.${keyword} has a consumer`, () => {
      const property = RENAMED[`${shape}.${keyword}`] ?? RENAMED[keyword] ?? keyword;
      const found = types.flatMap((type) => declarations.get(`${type}.${property}`) ?? []);
      assert.ok(found.length > 0, `no type of ${types.join(", ")} has the property ${property}: the parser drops it`);
      assert.ok(
        found.some((place) => read.has(place)) || (/^(parameter|item)$/.test(shape) && isReadByName(property)),
        `${property} is parsed, and nothing outside the parser reads it`,
      );
    });
  }
}

// Every keyword of the pipeline language does something: its value is kept by the parser and read by code that runs
// pipelines or shows them. A keyword that only the parser knows is accepted and then ignored, which users cannot see.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  concurrencyShape,
  jobShape,
  paramShape,
  pipelineShape,
  retryShape,
  stepShape,
} from "@gantry/core/pipeline/file.ts";
import type { Node } from "typescript/unstable/ast";
import {
  isBindingElement,
  isElementAccessExpression,
  isPropertyAccessExpression,
  isPropertyAssignment,
  isPropertySignatureDeclaration,
  isTypeAliasDeclaration,
  isVariableDeclaration,
} from "typescript/unstable/ast";
import { isTest } from "./sources.ts";
import { openTypeScriptProject, visit } from "./typescript-project.ts";

/**
 * For each shape of a pipeline file, the types of core/pipeline/pipeline.ts and retry.ts that hold its keywords. Runners get steps over
 * the network, as the schemas `stepSpec` and `jobSpec` of wire/runner/protocol.ts.
 */
const SHAPES = {
  pipeline: { keywords: Object.keys(pipelineShape.shape), types: ["Pipeline"] },
  parameter: { keywords: Object.keys(paramShape.shape), types: ["ParamSchema", "ParamsSchema"] },
  concurrency: { keywords: Object.keys(concurrencyShape.shape), types: ["Concurrency"] },
  job: { keywords: Object.keys(jobShape.shape), types: ["Job", "jobSpec"] },
  retry: { keywords: Object.keys(retryShape.shape), types: ["Retry"] },
  step: { keywords: Object.keys(stepShape.shape), types: ["StepSpec", "UsesAction", "RunAction", "stepSpec"] },
} as const;

/** Keywords whose property has another name after normalising. */
const RENAMED: Readonly<Record<string, string>> = {
  timeout: "timeoutMs",
  delay: "delayMs",
  maxDelay: "maxDelayMs",
  ui: "x-ui",
};

/** Files that read a pipeline file, check it and write it down again; reading a keyword there is no use of it. */
const PARSER = /^core\/pipeline\/(file|shape|normalise|parse|places|rules[a-z-]*|source|pipeline|duration)\.ts$/;

/**
 * Keywords of parameters are JSON Schema and are read by name at run time, so the types do not show it: the file that reads
 * each.
 */
const READ_BY_NAME = ["core/pipeline/json-schema.ts", "console/src/"];

const project = openTypeScriptProject();
after(() => project.close());

/** `Type.property` or `schema.property` → where it is declared. Several when a schema has variants. */
const properties = new Map<string, Node[]>();
for (const path of ["core/pipeline/pipeline.ts", "core/pipeline/retry.ts", "wire/runner/protocol.ts"]) {
  const file = project.files.find((one) => one.path === path);
  assert.ok(file, `${path} is not there`);
  visit(file.node, (declaration) => {
    if (!isTypeAliasDeclaration(declaration) && !isVariableDeclaration(declaration)) return;
    const owner = declaration.name.getText();
    visit(declaration, (node) => {
      if (!isPropertySignatureDeclaration(node) && !isPropertyAssignment(node)) return;
      const key = `${owner}.${node.name.getText().replaceAll('"', "")}`;
      properties.set(key, [...(properties.get(key) ?? []), node.name]);
    });
  });
}

/** Does product code outside the parser read this property? Writing it in an object literal is no reading. */
function isRead(name: Node): boolean {
  const references = project.checker
    .getReferencedSymbolsForNode(name, name.getStart())
    .flatMap((entry) => entry.references);
  return references.some((reference) => {
    const path = project.pathOf(reference.path);
    if (PARSER.test(path) || isTest(path) || path.startsWith("lab/")) return false;
    const node = reference.resolve();
    const parent = node?.parent;
    return (
      parent !== undefined &&
      (isPropertyAccessExpression(parent) || isElementAccessExpression(parent) || isBindingElement(parent))
    );
  });
}

/** Does a file that reads JSON Schema by name mention the property? */
function isReadByName(property: string): boolean {
  const mention = new RegExp(`\\.${property}\\b|"${property}"|\\b${property}:|\\{[^}]*\\b${property}\\b[^}]*\\} = `);
  return project.files.some(
    ({ path, text }) => !isTest(path) && READ_BY_NAME.some((place) => path.startsWith(place)) && mention.test(text),
  );
}

for (const [shape, { keywords, types }] of Object.entries(SHAPES)) {
  for (const keyword of keywords) {
    test(`pipeline keywords: ${shape}.${keyword} has a consumer`, () => {
      const property = RENAMED[keyword] ?? keyword;
      const found = types.flatMap((type) => properties.get(`${type}.${property}`) ?? []);
      assert.ok(found.length > 0, `no type of ${types.join(", ")} has the property ${property}: the parser drops it`);
      assert.ok(
        found.some(isRead) || (shape === "parameter" && isReadByName(property)),
        `${property} is parsed, and nothing outside the parser reads it`,
      );
    });
  }
}

// The shipped pipeline files, and an app for which they run.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { JsonObject } from "@gantry/core/json.ts";
import { parsePipeline } from "@gantry/core/pipeline/parse.ts";
import type { Pipeline, StepDescription } from "@gantry/core/pipeline/pipeline.ts";
import { STEP_FIXTURES } from "@gantry/core/pipeline/steps.fixture.ts";

export const folder = fileURLToPath(new URL("../../pipelines/", import.meta.url));
export const read = (name: string): string => readFileSync(`${folder}${name}`, "utf8");
export const names = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
export const catalogue = JSON.parse(read("catalogue.json")) as readonly StepDescription[];

const loaded = new Map<string, Pipeline>();

/** A shipped pipeline, which must have no problems. Parsed once: many tests ask. */
export function load(name: string): Pipeline {
  const before = loaded.get(name);
  if (before) return before;
  const { pipeline, problems } = parsePipeline({ name, text: read(name) }, STEP_FIXTURES);
  assert.deepEqual(problems, []);
  assert(pipeline);
  loaded.set(name, pipeline);
  return pipeline;
}

/** A new app: what create-app needs besides name, title and jiraKey. */
export const PLACES: JsonObject = {
  template: "web-service",
  templates: "TEMPLATES",
  targets: ["seoul/seoul-dp", "tokyo/tokyo-dp"],
  buildSite: "seoul",
  project: "APPS",
};

export const APP: JsonObject = {
  name: "orders",
  title: "Orders",
  source: repository("orders"),
  yaml: repository("orders-deploy"),
  jira: { key: "ORD", url: "http://jira/ORD" },
  build: { site: "seoul" },
  harbor: { project: "apps" },
  image: { name: "orders", repository: "apps/orders" },
  namespace: "orders",
  targets: [
    { name: "seoul", site: "seoul", cluster: "seoul-dp", overlay: "overlays/seoul-dp" },
    { name: "tokyo", site: "tokyo", cluster: "tokyo-dp", overlay: "overlays/tokyo-dp" },
  ],
};

export function repository(slug: string): JsonObject {
  return {
    system: "bitbucket",
    project: "APPS",
    slug,
    url: `http://git/${slug}`,
    cloneUrl: `http://git/${slug}.git`,
    branch: "main",
  };
}

// What is refused at the door because its places do not exist, with the shipped pipelines.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import { parsePipeline } from "@gantry/core/pipeline/parse.ts";
import type { StepDescription } from "@gantry/core/pipeline/pipeline.ts";
import type { AppState } from "@gantry/core/task/model.ts";
import type { StartTask } from "@gantry/wire/agent/agent-api.ts";
import { decideStart } from "./decide-start.ts";
import type { Definition } from "./definitions.ts";

const folder = fileURLToPath(new URL("../../pipelines/", import.meta.url));
const catalogue = JSON.parse(readFileSync(`${folder}catalogue.json`, "utf8")) as readonly StepDescription[];
const SITES = ["platform", "seoul", "tokyo"];

const APP: AppState = {
  name: "orders",
  state: "ready",
  createdBy: "ann",
  createdAt: 0,
  task: "t1",
  record: {
    build: { site: "seoul" },
    targets: [
      { name: "seoul", site: "seoul", cluster: "seoul-dp", overlay: "overlays/seoul-dp" },
      { name: "tokyo", site: "tokyo", cluster: "tokyo-dp", overlay: "overlays/tokyo-dp" },
      { name: "osaka", site: "osaka", cluster: "osaka-dp", overlay: "overlays/osaka-dp" },
    ],
  },
  facts: {},
  latest: {},
};

function definition(name: string): Definition {
  const { pipeline } = parsePipeline({ name, text: readFileSync(`${folder}${name}.yaml`, "utf8") }, catalogue);
  assert(pipeline);
  return { pipeline, version: "sha256:0" };
}

/** The problems of a request, as `pointer detail`; empty when it is accepted. */
function refusals(
  pipeline: string,
  params: JsonObject,
  sites: readonly string[] | "unknown" = SITES,
): readonly string[] {
  const decided = decideStart({
    definition: definition(pipeline),
    request: { pipeline, app: "orders", params: params as StartTask["params"], idempotencyKey: "k", principal: "ann" },
    name: "orders",
    app: pipeline === "cd" ? APP : undefined,
    at: 1,
    id: "t2",
    url: "http://portal/tasks/t2",
    rerun: undefined,
    sites: sites === "unknown" ? undefined : sites,
  });
  if (!(decided instanceof GantryError)) return [];
  assert.deepEqual([decided.code, decided.entry.status], ["bad-params", 400]);
  return decided.problems.map(({ pointer, detail }) => `${pointer} ${detail}`);
}

test("CD to a target that the app does not have is refused at once, with the targets that it has", () => {
  assert.deepEqual(refusals("cd", { targets: ["seoul", "tokyo"] }), []);
  assert.deepEqual(refusals("cd", { targets: ["seol", "tokyo"] }), [
    "/targets/0 the app has no target seol (did you mean seoul?); its targets: osaka, seoul, tokyo",
  ]);
  assert.deepEqual(refusals("cd", { targets: [] }), ["/targets must name at least one"]);
  assert.deepEqual(refusals("cd", { targets: ["seoul", "seoul"] }), ["/targets/1 seoul is named twice"]);
});

test("CD to a target at a site that no runner serves is refused at once", () => {
  assert.deepEqual(refusals("cd", { targets: ["osaka"] }), [
    "/targets/0 there is no site osaka; known sites: platform, seoul, tokyo",
  ]);
  assert.deepEqual(refusals("cd", { targets: ["osaka"] }, "unknown"), [], "nobody knows the sites");
});

test("a new app with a target or a build at an unknown site is refused before anything is created", () => {
  const given = {
    ...{ name: "orders", title: "Orders", jiraKey: "ORD", template: "web", templates: "T", project: "APPS" },
    ...{ targets: ["seoul/a"], buildSite: "seoul" },
  };
  assert.deepEqual(refusals("create-app", given), []);
  assert.deepEqual(refusals("create-app", { ...given, targets: ["seoul/a", "soeul/b"], buildSite: "oslo" }), [
    "/targets/1 there is no site soeul (did you mean seoul?); known sites: platform, seoul, tokyo",
    "/buildSite there is no site oslo; known sites: platform, seoul, tokyo",
  ]);
});

test("values of the wrong form are reported as such, not as unknown places", () => {
  assert.deepEqual(refusals("cd", { targets: "seoul" }).length, 1);
  assert.match(refusals("cd", { build: "latest", targets: ["nowhere"] }).join(), /^\/build /);
});

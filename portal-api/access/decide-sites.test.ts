// At which sites a request would run.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { PipelineView } from "@gantry/wire/agent/views.ts";
import { sitesOf } from "./decide-sites.ts";

const TARGETS = [
  { name: "seoul", site: "seoul" },
  { name: "tokyo", site: "tokyo" },
];
const CD = { params: { type: "object", properties: { targets: { type: "array", "x-ui": "target" } } } };

test("the sites of a request are those of its jobs; what only the run can know is unknown", () => {
  const of = (site: unknown, params: object = {}, pipeline: Partial<PipelineView> = CD): readonly string[] =>
    sitesOf({
      pipeline: {
        app: "existing",
        params: {},
        ...pipeline,
        jobs: [{ id: "a", title: "", needs: [], steps: [], site } as never],
      },
      params: params as never,
      record: { targets: TARGETS, build: { site: "seoul" } },
    });
  assert.deepEqual(of("tokyo"), ["tokyo"]);
  assert.deepEqual(of("${{ app.build.site }}"), ["seoul"]);
  assert.deepEqual(of("${{ app.build.zone }}"), ["?"]);
  assert.deepEqual(of("${{ params.site }}", { site: "tokyo" }), ["tokyo"]);
  assert.deepEqual(of("${{ params.site }}"), ["?"]);
  assert.deepEqual(of("${{ each.site }}"), ["seoul", "tokyo"]);
  assert.deepEqual(of("${{ each.site }}", { targets: ["tokyo"] }), ["tokyo"]);
  assert.deepEqual(of("${{ each.site }}", {}, { params: {} }), ["?"]);
  assert.deepEqual(of("${{ each.site + 'x' }}"), ["?"]);
  assert.deepEqual(of("a-${{ params.site }}", { site: "b" }), ["?"]);
  const created: Partial<PipelineView> = {
    app: "new",
    params: { properties: { targets: { "x-ui": "target", default: ["seoul/dp"] } } },
  };
  assert.deepEqual(of("${{ each.site }}", {}, created), ["seoul/dp"]);
  assert.deepEqual(of("${{ each.site }}", { targets: ["tokyo/dp"] }, created), ["tokyo/dp"]);
  assert.deepEqual(of("${{ each.site }}", { targets: ["tokyo/dp/x"] }, created), ["tokyo/dp/x", "tokyo/dp"]);
});

test("what is deployed is at the clusters of its targets; a pipeline that cannot say which ones may use all of a site", () => {
  const targets = [
    { name: "test", site: "seoul", cluster: "test-1" },
    { name: "prod", site: "seoul", cluster: "https://prod.example" },
    { name: "tokyo", site: "tokyo", cluster: "dp" },
  ];
  const record = { targets, build: { site: "seoul" } };
  const job = (site: string, uses: string) => ({
    id: "a",
    title: "",
    needs: [],
    site,
    steps: [{ id: "s", title: "", uses }],
  });
  const of = (pipeline: object, params: object, ...jobs: readonly object[]): readonly string[] =>
    sitesOf({ pipeline: { app: "existing", ...pipeline, jobs } as never, params: params as never, record });
  const deploy = [job("${{ app.build.site }}", "git/commit-push"), job("${{ each.site }}", "argocd/sync")];
  assert.deepEqual(of(CD, { targets: ["test"] }, ...deploy), ["seoul", "seoul/test-1"]);
  assert.deepEqual(of(CD, { targets: ["prod"] }, ...deploy), ["seoul", "seoul/https://prod.example"]);
  const fixed = { params: {} };
  assert.deepEqual(of(fixed, {}, job("seoul", "image/build-push")), ["seoul"]);
  const all = ["seoul", "seoul/test-1", "seoul/https://prod.example"];
  assert.deepEqual(of(fixed, {}, job("seoul", "argocd/sync")), all);
  for (const uses of ["git/commit-push", "git/open-pull-request", "git/wait-for-merge"])
    assert.deepEqual(of(fixed, {}, job("seoul", uses)), all, uses);
  assert.deepEqual(of(fixed, {}, job("seoul", "git/checkout")), ["seoul"]);
});

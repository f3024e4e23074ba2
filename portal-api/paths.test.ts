import assert from "node:assert/strict";
import { test } from "node:test";
import { findByPath } from "./paths.ts";
import { ROUTES } from "./routes.ts";

const find = findByPath([
  ["/docs", "docs"],
  ["/v1/apps", "apps"],
  ["/v1/apps/{app}", "app"],
  ["/v1/apps/new", "new"],
  ["/v1/apps/{app}/ci", "ci"],
  ["/v1/tasks/{id}/jobs/{job}/log", "log"],
]);

test("a path finds its template with what stands for the names", () => {
  assert.deepEqual(find("/docs"), { value: "docs", params: {} });
  assert.deepEqual(find("/v1/apps/orders"), { value: "app", params: { app: "orders" } });
  assert.deepEqual(find("/v1/apps/orders/ci"), { value: "ci", params: { app: "orders" } });
  assert.deepEqual(find("/v1/tasks/t1/jobs/deploy%5Bseoul%5D/log"), {
    value: "log",
    params: { id: "t1", job: "deploy[seoul]" },
  });
});

test("a part that a template has comes before a name, and one slash more changes nothing", () => {
  assert.equal(find("/v1/apps/new")?.value, "new");
  assert.equal(find("/v1/apps/")?.value, "apps");
  assert.deepEqual(find("/v1/apps/orders/"), { value: "app", params: { app: "orders" } });
});

test("what is no path of a template finds nothing", () => {
  for (const path of [
    "/",
    "//",
    "/v1",
    "/v1/",
    "/v1/apps//",
    "/v1/apps//ci",
    "/v1/apps/a/b",
    "/docs/x",
    "/Docs",
    "//docs",
  ])
    assert.equal(find(path), undefined, path);
  for (const path of ["/__proto__", "/constructor", "/v1/toString"]) assert.equal(find(path), undefined, path);
});

test("every declared route is found by a path of its own template", () => {
  const every = findByPath(ROUTES.map((one) => [one.path, one.path]));
  for (const { path } of ROUTES) {
    const found = every(path.replace(/\{(\w+)\}/g, "some-$1"));
    assert.equal(found?.value, path);
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    assert.deepEqual(found.params, Object.fromEntries(names.map((name) => [name, `some-${name}`])));
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import Router from "@koa/router";
import { z } from "zod";
import { createApp } from "./app.ts";
import { listen } from "./listen.ts";
import { declaresError, route, routeMatcher } from "./route.ts";
import { addRoutes } from "./serve-routes.ts";

const ROUTES = {
  thing: route({
    method: "GET",
    path: "/things/{name}",
    query: z.strictObject({ limit: z.coerce.number().default(7) }),
    answer: z.object({ name: z.string(), limit: z.number() }),
    errors: ["not-found"],
  }),
  rename: route({
    method: "POST",
    path: "/things/{name}/rename",
    body: z.object({ to: z.string() }),
    answer: z.object({ name: z.string() }),
    status: 202,
  }),
  remove: route({ method: "POST", path: "/things/{name}/remove", status: 204 }),
  unserved: route({ method: "GET", path: "/unserved" }),
};

test("a matcher finds the route by method and path, and decodes parameters", () => {
  const match = routeMatcher("/api/v1", ROUTES);
  assert.deepEqual(match("GET", "/api/v1/things/a%2Fb"), { name: "thing", params: { name: "a/b" } });
  assert.deepEqual(match("POST", "/api/v1/things/a/rename"), { name: "rename", params: { name: "a" } });
  for (const [method, path] of [
    ["POST", "/api/v1/things/a"],
    ["GET", "/things/a"],
    ["GET", "/api/v1/things/a/b"],
    ["GET", "/api/v1/things/"],
  ] as const)
    assert.equal(match(method, path), undefined, path);
});

test("a table is served: parameters, query and body are checked, the status is the declared one", async (t) => {
  const silent = (): void => {};
  const app = createApp({ name: "test", logger: { debug: silent, info: silent, warn: silent, error: silent } });
  const router = new Router({ prefix: "/api/v1" });
  addRoutes(router, ROUTES, {
    thing: ({ params, query }) => ({ name: params.name, limit: query.limit }),
    rename: ({ body }) => ({ name: body.to }),
    remove: () => undefined,
  });
  app.use(router.routes());
  const server = await listen(app, { host: "127.0.0.1", port: 0 });
  t.after(server.close);
  const ask = async (path: string, body?: object): Promise<readonly [number, string]> => {
    const headers = { "content-type": "application/json" };
    const sent = body ? { method: "POST", headers, body: JSON.stringify(body) } : {};
    const answer = await fetch(`${server.url}/api/v1${path}`, sent);
    return [answer.status, await answer.text()];
  };
  assert.deepEqual(await ask("/things/a%2Fb"), [200, '{"name":"a/b","limit":7}']);
  assert.deepEqual(await ask("/things/a/rename", { to: "b" }), [202, '{"name":"b"}']);
  assert.deepEqual(await ask("/things/a/remove", {}), [204, ""]);
  assert.equal((await ask("/things/a?other=1"))[0], 400);
  assert.equal((await ask("/things/a/rename", { to: 1 }))[0], 400);
  assert.equal((await ask("/unserved"))[0], 404);
});

test("a route declares its own errors beside those that every route may answer", () => {
  assert.ok(declaresError(ROUTES.thing, "not-found") && declaresError(ROUTES.thing, "unauthenticated"));
  assert.ok(!declaresError(ROUTES.rename, "not-found"));
});

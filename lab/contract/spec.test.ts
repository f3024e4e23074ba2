import assert from "node:assert/strict";
import { test } from "node:test";
import type { Exchange } from "../fakes/fake-server.ts";
import { checkExchanges, checkOperationsExist, specOf } from "./spec.ts";

const openapi = specOf("shop.json", {
  openapi: "3.0.1",
  paths: {
    "/orders/{id}": {
      parameters: [{ name: "id", in: "path", required: true }],
      get: {
        parameters: [{ name: "view", in: "query", schema: { type: "string", enum: ["short", "long"] } }],
        responses: {
          "200": { content: { "application/json": { schema: { $ref: "#/components/schemas/PaidOrder" } } } },
          "404": { description: "absent" },
        },
      },
      put: {
        requestBody: {
          required: true,
          content: { "application/json": { schema: { $ref: "#/components/schemas/Order" } } },
        },
        responses: { default: { description: "anything" } },
      },
    },
    "/orders/latest": { get: { responses: { "204": { description: "nothing" } } } },
  },
  components: {
    schemas: {
      Order: {
        type: "object",
        required: ["id", "self"],
        properties: {
          id: { type: "integer", format: "int64" },
          self: { type: "string", readOnly: true },
          state: { type: "string", enum: ["open", "closed"] },
          labels: { type: "object", additionalProperties: { type: "string" } },
          parent: { $ref: "#/components/schemas/Order" },
          note: { type: "object" },
        },
      },
      PaidOrder: {
        allOf: [{ $ref: "#/components/schemas/Order" }, { type: "object", properties: { paid: { type: "boolean" } } }],
      },
    },
  },
});

const swagger = specOf("old.yaml", {
  swagger: "2.0",
  paths: {
    "/things/{name}": {
      post: {
        parameters: [
          { $ref: "#/parameters/dry" },
          {
            name: "body",
            in: "body",
            required: true,
            schema: { type: "object", properties: { size: { type: "integer" } } },
          },
        ],
        responses: { "201": { $ref: "#/responses/Made" } },
      },
    },
  },
  parameters: { dry: { name: "dry", in: "query", required: true, type: "boolean" } },
  responses: { Made: { schema: { type: "object", properties: { size: { type: "integer" } } } } },
});

function said(method: string, path: string, more: Partial<Exchange> = {}): Exchange {
  const type = "application/json";
  const nothing = { query: {}, requestBody: undefined, responseBody: undefined, status: 200 };
  return { method, path, requestType: type, responseType: type, ...nothing, ...more };
}

const check = (exchange: Exchange, more = {}) => checkExchanges(openapi, [exchange], { basePath: "/api", ...more });

test("lets through what the document describes: compositions, maps, recursion, null for what is optional", () => {
  const responseBody = { id: 1, self: "/1", paid: true, state: null, labels: { any: "thing" }, note: { free: 1 } };
  assert.deepEqual(check(said("GET", "/api/orders/1", { query: { view: "long" }, responseBody })), []);
  assert.deepEqual(check(said("GET", "/api/orders/1", { responseBody: { ...responseBody, parent: responseBody } })), [
    "GET /orders/{id} → 200: response /parent: unknown field paid",
  ]);
});

test("prefers the literal path", () => {
  assert.deepEqual(check(said("GET", "/api/orders/latest", { status: 204 })), []);
});

test("finds unknown fields, wrong types and values, undocumented statuses, unknown queries and operations", () => {
  const wrong = { id: "1", self: "/1", state: "lost", extra: 1 };
  const problems = check(said("GET", "/api/orders/1", { query: { view: "tiny", x: "1" }, responseBody: wrong }));
  assert.deepEqual(problems.sort(), [
    "GET /orders/{id} → 200: query view: tiny is not one of its values",
    "GET /orders/{id} → 200: query x: unknown parameter",
    "GET /orders/{id} → 200: response /: unknown field extra",
    "GET /orders/{id} → 200: response /id: must be integer",
    "GET /orders/{id} → 200: response /state: must be one of open, closed",
  ]);
  assert.deepEqual(check(said("GET", "/api/orders/1", { status: 418 })), [
    "GET /orders/{id} → 418: status 418: not documented",
  ]);
  assert.deepEqual(check(said("GET", "/api/nothing")), ["GET /api/nothing: shop.json has no such operation"]);
  assert.deepEqual(check(said("GET", "/orders/1")), ["GET /orders/1: shop.json has no such operation"]);
});

test("checks requests: a read-only field need not be sent, null is no value, the content type must be known", () => {
  assert.deepEqual(check(said("PUT", "/api/orders/1", { requestBody: { id: 1 } })), []);
  assert.deepEqual(check(said("PUT", "/api/orders/1", { requestBody: { id: 1, state: null } })).length, 2);
  assert.deepEqual(check(said("PUT", "/api/orders/1", { requestBody: { id: 1, colour: "red" } })), [
    "PUT /orders/{id} → 200: request /: unknown field colour",
  ]);
  assert.deepEqual(check(said("PUT", "/api/orders/1")), ["PUT /orders/{id} → 200: request /: a body is required"]);
  const form = check(
    said("PUT", "/api/orders/1", { requestBody: {}, requestType: "application/x-www-form-urlencoded" }),
  );
  assert.match(form.join(), /content type/);
});

test("an exemption covers one place of one operation and nothing else", () => {
  const exchange = said("GET", "/api/orders/1", { responseBody: { id: "1", self: "/1", extra: 1 } });
  const exemptions = [{ operation: "GET /orders/{id}", at: "response", about: "/id", reason: "sent as text" }] as const;
  assert.deepEqual(check(exchange, { exemptions }), ["GET /orders/{id} → 200: response /: unknown field extra"]);
});

test("nothing to check is a problem", () => {
  assert.deepEqual(checkExchanges(openapi, [said("GET", "/page")], { basePath: "/api", ignore: [/ \/page$/] }), [
    "there was no exchange to check",
  ]);
});

test("reads Swagger 2: shared parameters, body parameters and shared answers", () => {
  const post = said("POST", "/things/a", { status: 201, query: { dry: "true" }, requestBody: { size: 1 } });
  assert.deepEqual(checkExchanges(swagger, [{ ...post, responseBody: { size: 1 } }], { basePath: "" }), []);
  const wrong = { ...post, query: {}, requestBody: { size: "1" }, responseBody: { sise: 1 } };
  assert.deepEqual(checkExchanges(swagger, [wrong], { basePath: "" }), [
    "POST /things/{name} → 201: query dry: required and missing",
    "POST /things/{name} → 201: request /size: must be integer",
    "POST /things/{name} → 201: response /: unknown field sise",
  ]);
});

test("64-bit numbers may be text where the system is known for it", () => {
  const gateway = specOf("gateway.json", openapi.document, { int64AsText: true });
  const exchange = said("GET", "/orders/1", { responseBody: { id: "1", self: "/1" } });
  assert.deepEqual(checkExchanges(gateway, [exchange], { basePath: "" }), []);
});

test("says which needed operations a document lacks", () => {
  const needed = [
    { method: "GET", path: "/orders/{orderId}" },
    { method: "DELETE", path: "/orders/{id}" },
    { method: "POST", path: "/orders", missing_in: ["shop.json"] },
  ];
  assert.deepEqual(checkOperationsExist(openapi, needed), ["shop.json has no DELETE /orders/{id}"]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeProject } from "./desired.ts";
import { project } from "./model.ts";
import { permitsDestination, permitsRepository } from "./permits.ts";

const SERVER = "https://seoul-dp.example:6443";
const place = { name: "seoul-dp", server: SERVER, namespace: "orders" };
const URL_ = "https://git.example/scm/apps/orders-deploy.git";

const withSpec = (spec: object) => project.parse({ metadata: { name: "orders" }, spec });

const DESTINATIONS: readonly (readonly [boolean, readonly object[]])[] = [
  [true, [{ name: "seoul-dp", namespace: "orders" }]],
  [true, [{ server: SERVER, namespace: "orders" }]],
  [true, [{ server: "*", namespace: "*" }]],
  [true, [{ server: "https://*.example:6443", namespace: "orders" }]],
  [true, [{ name: "seoul-*", namespace: "ord*" }]],
  [true, [{ name: "{tokyo,seoul}-dp", namespace: "order?" }]],
  [true, [{ name: "[st]eoul-dp", namespace: "*" }]],
  [false, [{ name: "tokyo-dp", namespace: "orders" }]],
  [false, [{ server: SERVER, namespace: "billing" }]],
  [false, [{ name: "seoul", namespace: "orders" }]],
  [false, [{ name: "seoul-dp" }]],
  [false, []],
  [
    false,
    [
      { server: "*", namespace: "*" },
      { server: `!${SERVER}`, namespace: "*" },
    ],
  ],
  [
    false,
    [
      { server: "*", namespace: "*" },
      { name: "!seoul-dp", namespace: "*" },
    ],
  ],
  [
    false,
    [
      { server: "*", namespace: "*" },
      { server: "*", namespace: "!orders" },
    ],
  ],
  [
    true,
    [
      { server: "*", namespace: "*" },
      { server: "*", namespace: "!kube-system" },
    ],
  ],
];

test("destinations: by name, by address, by pattern, and what is denied", () => {
  for (const [permitted, destinations] of DESTINATIONS) {
    assert.equal(permitsDestination(withSpec({ destinations }), place), permitted, JSON.stringify(destinations));
  }
});

test("an address that is not known is permitted by a star only", () => {
  const unknown = { ...place, server: undefined };
  assert.ok(permitsDestination(withSpec({ destinations: [{ server: "*", namespace: "orders" }] }), unknown));
  assert.ok(!permitsDestination(withSpec({ destinations: [{ server: SERVER, namespace: "orders" }] }), unknown));
});

test("repositories: a star does not cross a slash, except alone", () => {
  for (const [permitted, sourceRepos] of [
    [true, [URL_]],
    [true, ["*"]],
    [true, ["https://git.example/scm/apps/*"]],
    [true, ["https://git.example/**"]],
    [true, ["https://git.example/scm/{apps,tools}/*.git"]],
    [false, ["https://git.example/*"]],
    [false, ["https://git.example/scm/apps/orders"]],
    [false, ["*", `!${URL_}`]],
    [false, ["*", "!https://git.example/**"]],
    [true, ["*", "!https://git.example/scm/tools/*"]],
    [false, []],
  ] as const) {
    assert.equal(permitsRepository(withSpec({ sourceRepos }), URL_), permitted, JSON.stringify(sourceRepos));
  }
});

test("a project that permits all by patterns or addresses is not changed", () => {
  const desired = {
    project: "orders",
    sourceRepos: [URL_],
    destinations: [{ cluster: "seoul-dp", namespace: "orders" }],
  };
  const there = withSpec({
    sourceRepos: ["https://git.example/scm/apps/*"],
    destinations: [{ server: SERVER, namespace: "ord*" }],
  });
  assert.equal(mergeProject(there, desired, new Map([["seoul-dp", SERVER]])), undefined);
  assert.deepEqual(mergeProject(there, desired)?.spec.destinations, [
    { server: SERVER, namespace: "ord*" },
    { name: "seoul-dp", namespace: "orders" },
  ]);
});

// A new app takes nothing that another app has, with the create-app that ships.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { appInput } from "@gantry/core/app/app.fixture.ts";
import type { KnownSystems } from "@gantry/core/app/apps-may.ts";
import { explain, GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { StepDescription } from "@gantry/core/pipeline/pipeline.ts";
import { openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { AGENT_INDEXES } from "../store/indexes.ts";
import { openDefinitions } from "../tasks/definitions.ts";
import { startTask } from "../tasks/start-task.ts";
import { appStream } from "../tasks/task-stream.ts";
import { openTasks } from "../tasks/tasks.ts";
import { openApps } from "./apps.ts";

const folder = fileURLToPath(new URL("../../pipelines/", import.meta.url));
const steps = JSON.parse(readFileSync(`${folder}catalogue.json`, "utf8")) as readonly StepDescription[];

async function openBench(knownSystems?: KnownSystems) {
  const journal = openMemoryJournal({ indexes: AGENT_INDEXES });
  const definitions = await openDefinitions(folder, steps, journal);
  const tasks = openTasks(journal, definitions);
  let ids = 0;
  const newId = (): string => {
    ids += 1;
    return String(ids).padStart(12, "0");
  };
  const shared = { journal, tasks, ...(knownSystems ? { knownSystems } : {}) };
  const deps = { ...shared, definitions, portalUrl: "http://portal", newId };
  const create = async (name: string, more: JsonObject = {}) => {
    const places = { targets: ["seoul/seoul-dp"], buildSite: "seoul", project: "APPS" };
    const params = { name, title: name, jiraKey: "ORD", template: "web", templates: "T", ...places, ...more };
    const request = { pipeline: "create-app", params, principal: "dev", idempotencyKey: newId() };
    return startTask(deps, request).catch((error: unknown) => error as GantryError);
  };
  const apps = openApps(shared);
  const adopt = async (name: string, changes: Parameters<typeof appInput>[0]) =>
    apps.adopt(name, { by: "ada", app: appInput(changes) as unknown as JsonObject }).catch((error: unknown) => error);
  return { journal, create, adopt };
}

const refused = (result: unknown): string => {
  assert.ok(result instanceof GantryError, "it was not refused");
  const { message, why } = explain(result);
  return `${result.code}: ${message} ${why}`;
};
const OTHER = {
  source: { system: "bitbucket", project: "SHOP", slug: "shop" },
  yaml: { system: "bitbucket", project: "SHOP", slug: "deployments" },
};

test("an app is not created where another app is: its image, namespace, projects or Argo CD application", async () => {
  const taken: readonly [Parameters<typeof appInput>[0], RegExp][] = [
    [
      { images: [{ name: "x", repository: "apps/orders" }] },
      /^claim-taken: .*image repository apps\/orders: .* to shop/,
    ],
    [{ namespace: "orders" }, /^claim-taken: .*namespace orders on seoul-dp at seoul/],
    [{ argocd: { project: "orders" } }, /^claim-taken: .*Argo CD project orders/],
    [{ sonarqube: { project: "orders" } }, /^claim-taken: .*SonarQube project orders/],
    [
      { targets: [{ name: "a", site: "seoul", cluster: "c", overlay: "o", application: "orders-seoul-dp" }] },
      /^place-taken: The target seoul of orders belongs to shop/,
    ],
  ];
  for (const [changes, reason] of taken) {
    const { create, adopt, journal } = await openBench();
    assert.ok(!((await adopt("shop", { ...OTHER, ...changes })) instanceof Error));
    assert.match(refused(await create("orders")), reason);
    assert.equal(await appStream.load(journal, "orders"), undefined);
  }
});

test("what an app gets is taken while its creation runs, and two creations do not get the same", async () => {
  const { create, adopt } = await openBench();
  const [first, second] = await Promise.all([
    create("orders", { targets: ["seoul/a-b"] }),
    create("orders-a", { targets: ["seoul/b"], jiraKey: "ORDA" }),
  ]);
  // Both would have the Argo CD application orders-a-b.
  const [winner, loser] = first instanceof GantryError ? [second, first] : [first, second];
  assert.match(refused(loser), /^place-taken: /);
  assert.ok(!(winner instanceof GantryError));
  const target = { name: "x", site: "seoul", cluster: "c", overlay: "o", application: "orders-a-b" };
  assert.match(refused(await adopt("shop", { ...OTHER, targets: [target] })), /^place-taken: .*/);
});

test("a creation in a project or with a namespace that the site does not let apps have is refused before it starts", async () => {
  const { create, journal } = await openBench(async () => () => [
    { name: "harbor", kind: "harbor", appsMay: ["apps/*"] },
    { name: "argocd", kind: "argocd", appsMay: ["{app}"], namespaces: ["{app}"] },
    { name: "jira", kind: "jira", appsMay: [] },
  ]);
  assert.match(refused(await create("orders", { project: "FIN" })), /^bad-params: .*image repository fin\/orders/);
  assert.match(refused(await create("kube-system")), /^bad-params: .*namespace kube-system/);
  assert.match(refused(await create("default")), /^bad-params: .*Argo CD project default/);
  assert.equal(await appStream.load(journal, "orders"), undefined);
  assert.ok(!((await create("orders")) instanceof GantryError));
});

test("an app is not created with the Jira key of another app", async () => {
  const { create, journal } = await openBench();
  assert.ok(!((await create("orders")) instanceof GantryError));
  assert.match(refused(await create("returns")), /^claim-taken: .*Jira project ORD: it belongs to orders/);
  assert.equal(await appStream.load(journal, "returns"), undefined, "nothing was made");
});

// What people of an app try with the triggers of their own pipelines.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { StepDescription } from "@gantry/core/pipeline/pipeline.ts";
import { startTriggered } from "./start-triggered.ts";
import { SHORT, TriggersFixture, tick } from "./triggers.fixture.ts";

const CATALOGUE = join(import.meta.dirname, "../../pipelines/catalogue.json");
const STEPS = JSON.parse(readFileSync(CATALOGUE, "utf8")) as readonly StepDescription[];

const BUILT = { build: { site: "seoul" } };
const PUSH = { facts: { branch: "main" }, cause: "delivery 1" };
const SYNC = `jobs:
  work: { site: seoul, steps: [{ uses: argocd/sync, with: { project: orders, app: orders, revision: ${"a".repeat(40)} } }] }
`;

test("no trigger starts an app's own pipeline that deploys: nobody with the right to run CD asks for it", async (t) => {
  const fixture = await TriggersFixture.open(t, { ci: `action: ci\n${SHORT}` }, STEPS);
  await fixture.addApp("orders", BUILT);
  fixture.addOwn("orders", {
    release: `triggers: [{ push: {} }]\n${SYNC}`,
    last: `triggers: [{ push: {} }]\n${SHORT}${SYNC.replace("jobs", "finally").replace("work", "end")}`,
    notes: `triggers: [{ push: {} }]\n${SHORT}`,
  });
  const { deps, triggers } = await fixture.start();
  const results = await startTriggered(deps, "orders", { kind: "push", ...PUSH, whyNot: () => undefined });
  assert.deepEqual(
    results.map(({ pipeline }) => pipeline),
    ["orders.notes"],
  );
  assert.deepEqual(
    (await fixture.started()).map(({ pipeline }) => pipeline),
    ["orders.notes"],
  );
  assert.deepEqual(
    (await triggers.list({})).map(({ id }) => id),
    ["orders:orders.notes:push-1"],
  );
});

test("an own pipeline is no upstream of the platform's pipelines by its name alone", async (t) => {
  const after = (name: string): string => `triggers: [{ upstream: { pipeline: ${name} } }]\n${SHORT}`;
  const fixture = await TriggersFixture.open(t, {
    ci: `action: ci\n${SHORT}`,
    audit: SHORT,
    publish: after("audit"),
    cd: `action: cd\n${after("ci")}`,
  });
  await fixture.addApp("orders", BUILT);
  fixture.addOwn("orders", {
    ci: `triggers: [{ push: {} }]\n${SHORT}`,
    audit: `triggers: [{ push: {} }]\n${SHORT}`,
    more: after("audit"),
  });
  const agent = await fixture.start();
  await tick(agent);
  await startTriggered(agent.deps, "orders", { kind: "push", ...PUSH, whyNot: () => undefined });
  for (let times = 0; times < 3; times += 1) {
    await fixture.clock.pass(1_000);
    await tick(agent);
  }
  assert.deepEqual(
    (await fixture.started()).map(({ pipeline }) => pipeline).toSorted(),
    ["cd", "orders.audit", "orders.ci", "orders.more"],
    "its CI is the app's CI; its audit is not the platform's",
  );
});

test("own pipelines that start each other in every way start few tasks, and what is not started says why", async (t) => {
  const fixture = await TriggersFixture.open(t, {
    ci: `action: ci\n${SHORT}`,
    last: `triggers: [{ upstream: { pipeline: ci } }]\n${SHORT}`,
  });
  await fixture.addApp("orders", BUILT);
  await fixture.addApp("payments", BUILT);
  const names = Array.from({ length: 8 }, (_, at) => `p${at}`);
  const all = (name: string): string =>
    names.flatMap((one) => (one === name ? [] : [`{ upstream: { pipeline: ${one} } }`])).join(", ");
  fixture.addOwn(
    "orders",
    Object.fromEntries(names.map((name) => [name, `triggers: [{ push: {} }, ${all(name)}]\n${SHORT}`])),
  );
  fixture.addOwn("payments", { mine: `triggers: [{ push: {} }]\n${SHORT}` });
  const agent = await fixture.start();
  await tick(agent);
  const push = { kind: "push", ...PUSH, whyNot: () => undefined } as const;
  await startTriggered(agent.deps, "orders", push);
  for (let times = 0; times < 4; times += 1) {
    await fixture.clock.pass(1_000);
    await tick(agent);
  }
  const started = await fixture.started();
  assert.ok(started.length <= 100, `${started.length} tasks`);
  const { items } = { items: await agent.triggers.list({ apps: ["orders"] }) };
  assert.ok(
    items.some(({ last }) => /has reached the limit of 100 tasks of triggers in a minute/.test(last?.nothing ?? "")),
  );
  assert.equal((await startTriggered(agent.deps, "payments", push)).length, 1, "other apps go on");
  const [again] = await startTriggered(agent.deps, "orders", push);
  assert.ok(again && "task" in again, "what was started before is known");
});

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { appInput } from "@gantry/core/app/app.fixture.ts";
import type { ObservedApplication } from "@gantry/core/fleet/observed.ts";
import type { FleetQuery, TargetView } from "@gantry/wire/agent/fleet.ts";
import { ProtocolFixture } from "../runner-protocol/protocol.fixture.ts";
import type { ScriptedRunner } from "../runner-protocol/runner.fixture.ts";

const SYSTEM = "seoul-argocd";
const systems = [{ name: SYSTEM, kind: "argocd", url: "https://argocd.seoul/", standIn: false }];

/** An application as a runner reports it; well, unless a test says otherwise. */
function application(name: string, changes: Partial<ObservedApplication> = {}): ObservedApplication {
  return {
    name,
    namespace: "argocd",
    project: "orders",
    cluster: "seoul-dp",
    into: "orders",
    sources: [{ repository: "https://git/apps/orders-deploy.git", path: "overlays/seoul-dp" }],
    autoSync: true,
    sync: "Synced",
    revisions: ["c0ffee"],
    health: "Healthy",
    conditions: [],
    images: [`harbor/apps/orders@sha256:${"a".repeat(64)}`],
    resources: 2,
    reasons: [],
    ...changes,
  };
}

class Fleet {
  readonly fixture: ProtocolFixture;
  private constructor(fixture: ProtocolFixture) {
    this.fixture = fixture;
  }

  static async open(t: TestContext, apps: readonly string[] = ["orders"]): Promise<Fleet> {
    const fleet = new Fleet(await ProtocolFixture.open(t));
    for (const app of apps) await fleet.adopt(app);
    return fleet;
  }

  async adopt(app: string, targets = [app === "orders" ? "seoul-dp" : `${app}-dp`]): Promise<void> {
    const input = appInput({
      yaml: { system: "bitbucket", project: "APPS", slug: `${app}-deploy`, url: `https://git/apps/${app}-deploy.git` },
      targets: targets.map((cluster) => ({ name: cluster, site: "seoul", cluster, overlay: `overlays/${cluster}` })),
    });
    const body = JSON.parse(JSON.stringify(input)) as typeof input;
    await this.fixture.client.adoptApp(app, { principal: "ada", app: body, dryRun: false });
    await this.pass(1_000);
  }

  /** Time passes, and what happens every second has happened. */
  async pass(ms: number): Promise<void> {
    await this.fixture.clock.pass(ms);
    await this.page();
  }

  runner(name = "seoul-1"): Promise<ScriptedRunner> {
    return this.fixture.runner(name, [], { systems });
  }

  page(query: FleetQuery = {}) {
    return this.fixture.client.fleet(query);
  }

  async target(app = "orders"): Promise<TargetView> {
    const { items } = await this.page({ app });
    assert.equal(items.length, 1, JSON.stringify(items));
    return items[0] as TargetView;
  }
}

test("a target is what its application is, and an app is as well as its worst target", async (t) => {
  const fleet = await Fleet.open(t, []);
  await fleet.adopt("orders", ["seoul-dp", "busan-dp"]);
  assert.deepEqual((await fleet.page()).counts, { unknown: 2 });
  const runner = await fleet.runner();
  const reply = await runner.observe({
    system: SYSTEM,
    changed: [application("orders-seoul-dp"), application("orders-busan-dp", { cluster: "busan-dp" })],
  });
  assert.deepEqual(reply, { role: "watch", againMs: 10_000 });
  assert.deepEqual((await fleet.page()).counts, { healthy: 2 });
  assert.equal((await fleet.fixture.client.app("orders")).live?.state, "healthy");

  await runner.observe({
    system: SYSTEM,
    changed: [
      application("orders-busan-dp", {
        cluster: "busan-dp",
        health: "Degraded",
        reasons: [{ kind: "Deployment", name: "orders", health: "Degraded", message: "ErrImagePull" }],
      }),
    ],
  });
  const { items } = await fleet.page({ state: "degraded" });
  const [bad] = items;
  assert.equal(items.length, 1);
  assert.deepEqual([bad?.cluster, bad?.reason], ["busan-dp", "Deployment orders: ErrImagePull"]);
  assert.equal(bad?.url, "https://argocd.seoul/applications/argocd/orders-busan-dp");
  const [app] = (await fleet.fixture.client.apps({})).items;
  assert.deepEqual(app?.live, { state: "degraded", counts: { healthy: 1, degraded: 1 } });
});

test("drift and a missing application are told, and a vanished application is unknown", async (t) => {
  const fleet = await Fleet.open(t);
  const runner = await fleet.runner();
  const drift = { count: 1, first: [{ kind: "Deployment", name: "orders", namespace: "orders" }] };
  await runner.observe({ system: SYSTEM, changed: [application("orders-seoul-dp", { sync: "OutOfSync", drift })] });
  const drifted = await fleet.target();
  assert.deepEqual([drifted.state, drifted.reason], ["out-of-sync", "Deployment orders differs from git"]);
  await runner.observe({
    system: SYSTEM,
    changed: [application("orders-seoul-dp", { sync: "OutOfSync", health: "Missing", drift })],
  });
  assert.equal((await fleet.target()).state, "missing");
  await runner.observe({ system: SYSTEM, gone: ["argocd/orders-seoul-dp"] });
  const gone = await fleet.target();
  assert.deepEqual([gone.state, gone.reason], ["unknown", "seoul-argocd shows no application orders-seoul-dp."]);
  await runner.observe({ system: SYSTEM, changed: [application("orders-seoul-dp")] });
  await runner.observe({ system: SYSTEM, all: ["argocd/another"] });
  assert.equal((await fleet.target()).state, "unknown", "what a full look does not list is gone");
});

test("an application with another name is recognised by its repository and folder, and the others are named", async (t) => {
  const fleet = await Fleet.open(t);
  const runner = await fleet.runner();
  await runner.observe({
    system: SYSTEM,
    changed: [application("shop-prod"), application("of-others", { sources: [] })],
  });
  assert.equal((await fleet.target()).state, "healthy");
  const { sources } = await fleet.page();
  assert.deepEqual(
    sources.map(({ system, applications, unmatched }) => ({ system, applications, unmatched })),
    [{ system: SYSTEM, applications: 2, unmatched: { count: 1, first: ["of-others"] } }],
  );
});

test("when reports stop, nothing stays green: it is not heard from since then; and it is again when they come back", async (t) => {
  const fleet = await Fleet.open(t);
  const runner = await fleet.runner();
  await runner.observe({ system: SYSTEM, changed: [application("orders-seoul-dp")] });
  const since = (await fleet.target()).heardAt;
  await fleet.pass(44_000);
  assert.equal((await fleet.target()).state, "healthy");
  await fleet.pass(2_000);
  const silent = await fleet.target();
  assert.deepEqual([silent.state, silent.health, silent.notHeardSince], ["not-heard-from", "Healthy", since]);
  assert.equal((await fleet.fixture.client.app("orders")).live?.state, "not-heard-from");
  await runner.observe({ system: SYSTEM });
  assert.equal((await fleet.target()).state, "healthy");

  await runner.observe({ system: SYSTEM, silentMs: 5_000, problem: "seoul-argocd did not answer" });
  const problem = await fleet.target();
  assert.deepEqual([problem.state, problem.reason], ["not-heard-from", "seoul-argocd did not answer"]);
});

test("one runner of a site watches; another takes over when it is silent or leaves", async (t) => {
  const fleet = await Fleet.open(t);
  const [first, second] = [await fleet.runner("seoul-1"), await fleet.runner("seoul-2")];
  assert.equal((await first.observe({ system: SYSTEM, changed: [application("orders-seoul-dp")] })).role, "watch");
  const refused = await second.observe({
    system: SYSTEM,
    changed: [application("orders-seoul-dp", { health: "Degraded" })],
  });
  assert.equal(refused.role, "stand-by");
  assert.equal((await fleet.target()).state, "healthy", "what another runner says is not kept");
  await fleet.pass(25_000);
  assert.equal((await second.observe({ system: SYSTEM })).role, "watch");
  assert.equal((await first.observe({ system: SYSTEM })).role, "stand-by");
  await second.observe({ system: SYSTEM, leaving: true });
  assert.equal((await first.observe({ system: SYSTEM })).role, "watch");
});

test("what was seen survives a restart of the agent, with its age", async (t) => {
  const fleet = await Fleet.open(t);
  const runner = await fleet.runner();
  await runner.observe({ system: SYSTEM, changed: [application("orders-seoul-dp", { health: "Degraded" })] });
  const before = await fleet.target();
  await fleet.fixture.restart(60_000);
  const after = await fleet.target();
  assert.deepEqual([after.state, after.health, after.notHeardSince], ["not-heard-from", "Degraded", before.heardAt]);
  assert.equal(after.healthSince, before.healthSince);
});

test("a runner reports only about Argo CDs that it registered, and only about its site", async (t) => {
  const fleet = await Fleet.open(t);
  const runner = await fleet.runner();
  await assert.rejects(runner.observe({ system: "tokyo-argocd" }), { code: "forbidden" });
  const bare = await fleet.fixture.runner("seoul-3");
  await assert.rejects(bare.observe({ system: SYSTEM }), { code: "forbidden" });
  const huge = application("orders-seoul-dp", { healthMessage: "x".repeat(5_000) });
  await assert.rejects(runner.observe({ system: SYSTEM, changed: [huge] }), { code: "bad-request" });
  const path = application("orders-seoul-dp", { name: "../x" });
  await assert.rejects(runner.observe({ system: SYSTEM, changed: [path] }), { code: "bad-request" });
});

test("the fleet is filtered, counted, grouped and paged at the agent", async (t) => {
  const fleet = await Fleet.open(t, ["orders", "billing", "carts"]);
  const runner = await fleet.runner();
  const of = (app: string, cluster: string, changes: Partial<ObservedApplication> = {}): ObservedApplication =>
    application(`${app}-${cluster}`, { cluster, sources: [], ...changes });
  await runner.observe({
    system: SYSTEM,
    changed: [
      of("orders", "seoul-dp"),
      of("billing", "billing-dp", { health: "Degraded" }),
      of("carts", "carts-dp", { sync: "OutOfSync" }),
    ],
  });
  const first = await fleet.page({ limit: 2 });
  assert.deepEqual([first.items.map(({ app }) => app), first.total], [["billing", "carts"], 3]);
  const second = await fleet.page({ limit: 2, cursor: first.nextCursor });
  assert.deepEqual([second.items.map(({ app }) => app), second.nextCursor], [["orders"], undefined]);
  const some = await fleet.page({ apps: ["orders", "carts"], group: "cluster" });
  assert.deepEqual(some.counts, { healthy: 1, "out-of-sync": 1 });
  assert.deepEqual(
    some.groups?.map(({ name, total }) => [name, total]),
    [
      ["carts-dp", 1],
      ["seoul-dp", 1],
    ],
  );
  const chosen = await fleet.page({ state: "degraded" });
  assert.deepEqual([chosen.total, chosen.counts], [1, { healthy: 1, degraded: 1, "out-of-sync": 1 }]);
  assert.equal((await fleet.page({ sync: "OutOfSync" })).items[0]?.app, "carts");
  await assert.rejects(fleet.page({ cursor: "x" }), { code: "bad-request" });
});

test("a change is told at once to who follows; a cursor of another process means to read again", async (t) => {
  const fleet = await Fleet.open(t);
  const { client, clock } = fleet.fixture;
  const runner = await fleet.runner();
  await runner.observe({ system: SYSTEM, changed: [application("orders-seoul-dp")] });
  const { cursor } = await client.fleetChanges({});
  const following = client.fleetChanges({ after: cursor, waitMs: 20_000 });
  await runner.observe({ system: SYSTEM, changed: [application("orders-seoul-dp", { health: "Degraded" })] });
  const told = await Promise.race([following, clock.pass(1_000).then(() => following)]);
  assert.deepEqual(
    told.items.map(({ app, state }) => [app, state]),
    [["orders", "degraded"]],
  );
  assert.equal(told.sources, false);
  await runner.observe({ system: SYSTEM, changed: [application("orders-seoul-dp", { health: "Degraded" })] });
  const none = await client.fleetChanges({ after: told.cursor });
  assert.deepEqual([none.items, none.reset], [[], false], "what has not changed is not told again");
  assert.equal((await client.fleetChanges({ after: "other.7" })).reset, true);
});

// Apps that are adopted, changed, renamed and forgotten, in a journal in memory.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { appInput } from "@gantry/core/app/app.fixture.ts";
import type { KnownSystems, ReportedSystem } from "@gantry/core/app/apps-may.ts";
import type { ClustersAt } from "@gantry/core/app/known-clusters.ts";
import { explain, GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { AppState } from "@gantry/core/task/model.ts";
import { type MemoryStore, newMemoryStore, openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import { AGENT_INDEXES } from "../store/indexes.ts";
import { appStream } from "../tasks/task-stream.ts";
import { type Apps, openApps, revisionOf } from "./apps.ts";

const BY = { by: "ada" };
const APP = appInput() as unknown as JsonObject;
const SHOP = appInput({
  source: { system: "bitbucket", project: "APPS", slug: "shop" },
  yaml: { system: "bitbucket", project: "APPS", slug: "shop-deploy" },
}) as unknown as JsonObject;

function openBench(store: MemoryStore = newMemoryStore(), knownSystems?: KnownSystems, clustersAt?: ClustersAt) {
  const clock = new SteppedClock();
  const journal = openMemoryJournal({ indexes: AGENT_INDEXES, clock, store });
  const apps = openApps({
    journal,
    tasks: { now: async () => clock.nowMs() },
    knownSites: () => ["seoul", "tokyo"],
    ...(knownSystems ? { knownSystems } : {}),
    ...(clustersAt ? { knownClusters: async () => clustersAt } : {}),
  });
  const load = async (name: string): Promise<AppState | undefined> => (await appStream.load(journal, name))?.state;
  /** An open task of an app, as far as apps look at it. */
  const openTask = async (app: string, id: string): Promise<void> => {
    await journal.append([
      {
        stream: `task/${id}`,
        expected: 0,
        events: [{ kind: "x" }],
        snapshot: { id, app },
        index: { open: [`0/${id}`] },
      },
    ]);
  };
  return { journal, apps, load, openTask };
}

async function refusal(work: Promise<unknown>): Promise<GantryError> {
  const error: unknown = await work.then(
    () => undefined,
    (one: unknown) => one,
  );
  assert.ok(error instanceof GantryError, "it was not refused");
  return error;
}

const adopt = (apps: Apps, name: string, app: JsonObject = APP, dryRun = false) =>
  apps.adopt(name, { ...BY, app, dryRun });

describe("apps that are not made by a task", () => {
  test("adopting writes once, and a second time changes nothing", async () => {
    const { apps, load } = openBench();
    assert.equal((await adopt(apps, "orders", APP, true)).change, "create");
    assert.equal(await load("orders"), undefined);
    assert.equal((await adopt(apps, "orders")).change, "create");
    assert.equal((await adopt(apps, "orders")).change, "unchanged");
    assert.equal((await load("orders"))?.state, "ready");
    assert.equal((await refusal(adopt(apps, "orders", { ...APP, title: "Other" }))).code, "app-exists");
  });

  test("mistakes are named with pointers, also sites that do not exist", async () => {
    const { apps } = openBench();
    const error = await refusal(adopt(apps, "orders", { ...APP, build: { site: "seul" } }));
    assert.deepEqual([error.code, error.problems[0]?.pointer], ["bad-request", "/app/build/site"]);
    assert.match(explain(error).message, /build: there is no site seul \(did you mean seoul\?\)/);
    assert.deepEqual((await refusal(adopt(apps, "orders", { ...APP, x: 1 }))).problems[0]?.pointer, "/app/x");
  });

  test("a cluster that is gone does not hold up other changes of its app, but no target comes to it", async () => {
    const gone = openBench(newMemoryStore(), undefined, (site) => {
      const server = "https://k8s.example";
      return site === "seoul" ? { clusters: [{ name: "new-dp", server }], ageMs: 600_000 } : undefined;
    });
    const store = newMemoryStore();
    await adopt(openBench(store).apps, "orders");
    const after = openBench(store, undefined, () => ({ clusters: [{ name: "new-dp", server: "" }], ageMs: 0 })).apps;
    assert.equal(
      (await after.change("orders", { ...BY, patch: { title: "x" }, revision: undefined })).change,
      "change",
    );
    const target = { name: "two", site: "seoul", cluster: "other-dp", overlay: "overlays/two" };
    const patch = { targets: [...((APP.targets as never[]) ?? []), target] };
    const error = await refusal(after.change("orders", { ...BY, patch, revision: undefined }));
    assert.deepEqual(
      error.problems.map(({ pointer }) => pointer),
      ["/targets/1/cluster"],
    );
    const unread = await refusal(adopt(gone.apps, "orders"));
    assert.match(unread.problems[0]?.detail ?? "", /shows new-dp \(read 10 min ago; `gantry templates list` reads/);
    const tokyo = { ...APP, targets: [{ ...target, site: "tokyo" }] };
    assert.equal((await adopt(gone.apps, "orders", tokyo)).change, "create", "nobody knows the clusters of tokyo");
  });

  test("a git host that the build site does not have is refused", async () => {
    const { apps } = openBench(
      newMemoryStore(),
      async () => (site) => (site === "seoul" ? [{ name: "bitbucket", kind: "git" }] : []),
    );
    const yaml = { system: "bitbuket", project: "APPS", slug: "orders-deploy" };
    const error = await refusal(adopt(apps, "orders", { ...APP, yaml }));
    assert.deepEqual(
      error.problems.map(({ pointer, detail }) => [pointer, detail]),
      [
        [
          "/app/yaml/system",
          "the site seoul has no git host bitbuket (did you mean bitbucket?); its git hosts: bitbucket.",
        ],
      ],
    );
    await adopt(apps, "orders");
    const source = { system: "gitlab" };
    const changed = await refusal(apps.change("orders", { ...BY, patch: { source }, revision: undefined }));
    assert.equal(changed.problems[0]?.pointer, "/source/system");
  });

  test("a change applies to the version that its author has seen", async () => {
    const { apps, load } = openBench();
    const { app } = await adopt(apps, "orders");
    const request = { ...BY, patch: { title: "Order service" }, revision: revisionOf(app) };
    assert.equal((await apps.change("orders", { ...request, dryRun: true })).change, "change");
    assert.equal((await load("orders"))?.record.title, "Orders");
    assert.equal((await apps.change("orders", request)).change, "change");
    assert.equal((await load("orders"))?.record.title, "Order service");
    assert.equal((await refusal(apps.change("orders", request))).code, "version-differs");
    assert.equal((await apps.change("orders", { ...request, revision: undefined })).change, "unchanged");
    assert.equal((await refusal(apps.change("nothing", request))).code, "app-unknown");
  });

  test("two apps never have the same place, also when both are adopted at the same time at two agents", async () => {
    const store = newMemoryStore();
    const [one, two] = [openBench(store), openBench(store)];
    const same = { ...SHOP, yaml: APP.yaml as JsonObject, namespace: "orders" };
    const outcomes = await Promise.allSettled([adopt(one.apps, "orders"), adopt(two.apps, "shop", same)]);
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    const [refused] = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
    assert.equal((refused as GantryError).code, "place-taken");
    assert.match(
      explain(refused as GantryError).message,
      /The target seoul of (shop|orders) belongs to (shop|orders)\./,
    );
  });

  test("an Argo CD application belongs to one app", async () => {
    const { apps } = openBench();
    await adopt(apps, "orders");
    const [target] = SHOP.targets as readonly JsonObject[];
    const error = await refusal(
      adopt(apps, "shop", { ...SHOP, targets: [{ ...target, application: "orders-seoul-dp" }] }),
    );
    assert.equal(error.code, "place-taken");
  });

  test("the places of an app that an older version stored are taken as well", async () => {
    const { apps, journal } = openBench();
    const record = { yaml: APP.yaml as JsonObject, namespace: "orders", targets: APP.targets ?? [] };
    const old: AppState = { ...(await adopt(apps, "orders", APP, true)).app, name: "old", record };
    const { stream, snapshot } = appStream.append("old", { expected: 0, state: old });
    await journal.append([
      { stream, expected: 0, events: [{ kind: "AppCreated" }], snapshot, index: { apps: ["old"] } },
    ]);
    assert.equal((await refusal(adopt(apps, "orders"))).details.other, "old");
  });

  test("after a rename the name is free, the app is the same, and its places are still taken", async () => {
    const { apps, load } = openBench();
    await adopt(apps, "orders");
    assert.equal((await apps.rename("orders", "shop", "ada")).app.name, "shop");
    assert.equal((await load("orders"))?.state, "removed");
    assert.equal((await refusal(apps.rename("orders", "x1", "ada"))).code, "app-unknown");
    assert.equal((await refusal(adopt(apps, "orders"))).details.other, "shop");
    // Its Argo CD application would have the name of the one that the renamed app keeps.
    assert.equal((await refusal(adopt(apps, "orders", SHOP))).details.other, "shop");
    const [target] = SHOP.targets as readonly JsonObject[];
    await adopt(apps, "orders", { ...SHOP, targets: [{ ...target, application: "orders" }] });
    assert.equal((await refusal(apps.rename("shop", "orders", "ada"))).code, "app-exists");
    assert.equal((await apps.rename("shop", "orders-2", "ada")).app.name, "orders-2");
  });

  test("while a task runs, an app keeps its name and its places, and can be changed otherwise", async () => {
    const { apps, openTask } = openBench();
    await adopt(apps, "orders");
    await openTask("orders", "t1");
    const change = (patch: JsonObject) => apps.change("orders", { ...BY, patch, revision: undefined });
    for (const work of [
      apps.forget("orders", { by: "ada" }),
      apps.rename("orders", "shop", "ada"),
      change({ targets: [{ name: "tokyo", site: "tokyo", cluster: "tokyo-dp", overlay: "o" }] }),
    ]) {
      const error = await refusal(work);
      assert.equal(error.code, "conflict");
      assert.match(explain(error).message, /while task t1 runs/);
    }
    assert.equal((await change({ title: "New" })).change, "change");
  });

  test("a task that starts while an app is forgotten is found", async () => {
    const { apps, journal, load, openTask } = openBench();
    await adopt(apps, "orders");
    const app = await load("orders");
    assert.ok(app);
    const raced = openApps({
      journal: {
        ...journal,
        append: async (batch) => {
          // As the start of a task does: an event of the app in the same batch as the task.
          if (batch.some(({ stream }) => stream === "app/orders") && (await load("orders"))?.latest.ci === undefined) {
            await openTask("orders", "t2");
            const events = [{ kind: "AppTaskRequested" }];
            const state = { ...app, latest: { ci: "t2" } };
            await journal.append([appStream.append("orders", { expected: 1, events, state })]);
          }
          return journal.append(batch);
        },
      },
      tasks: { now: async () => 0 },
    });
    assert.match(explain(await refusal(raced.forget("orders", { by: "ada" }))).message, /while task t2 runs/);
  });

  test("a forgotten app is not known, and its name and places are free", async () => {
    const { apps } = openBench();
    await adopt(apps, "orders");
    await apps.forget("orders", { by: "ada" });
    assert.equal((await refusal(apps.forget("orders", { by: "ada" }))).code, "app-unknown");
    assert.equal((await adopt(apps, "orders")).change, "create");
  });
});

describe("what the platform team lets apps have at a site", () => {
  const git = { name: "bitbucket", kind: "git", appsMay: ["APPS/*"] };
  const argocd = { name: "argocd", kind: "argocd", appsMay: ["{app}"], namespaces: ["{app}", "shop-*"] };
  const harbor = { name: "harbor", kind: "harbor", appsMay: ["apps/*"] };
  const jira = { name: "jira", kind: "jira", appsMay: [] };
  const SYSTEMS: { readonly [site: string]: readonly ReportedSystem[] } = {
    seoul: [git, argocd, harbor, jira, { name: "old", kind: "sonarqube" }],
    tokyo: [{ ...git, appsMay: ["TOKYO/*"] }],
  };
  const bench = () => openBench(newMemoryStore(), async () => (site) => SYSTEMS[site] ?? []);
  const fin = { system: "bitbucket", project: "FIN", slug: "core" };
  const [target] = appInput().targets;

  const REFUSED: readonly [name: string, changes: object, pointer: string][] = [
    ["a repository", { source: fin }, "/app/source/slug"],
    ["a yaml repository", { yaml: fin }, "/app/yaml/slug"],
    ["an image repository", { images: [{ name: "x", repository: "fin/core" }] }, "/app/images/0/repository"],
    ["an Argo CD project", { argocd: { project: "infra" } }, "/app/argocd/project"],
    ["a namespace", { namespace: "fin" }, "/app/targets/0/namespace"],
    ["a namespace of the cluster", { namespace: "kube-system" }, "/app/targets/0/namespace"],
    ["a Jira project", { jira: { key: "HR" } }, "/app/jira/key"],
    [
      "a yaml repository that one of its sites does not list",
      { targets: [target, { ...target, name: "tokyo", site: "tokyo" }] },
      "/app/yaml/slug",
    ],
  ];
  for (const [what, changes, pointer] of REFUSED) {
    test(`${what} that no app has is refused in an adoption and in a change`, async () => {
      const { apps } = bench();
      const app = { ...APP, ...changes } as JsonObject;
      const adoption = await refusal(adopt(apps, "orders", app));
      assert.deepEqual(
        [adoption.code, adoption.problems?.map((one) => one.pointer).includes(pointer)],
        ["bad-request", true],
        JSON.stringify(adoption.problems),
      );
      assert.match(
        explain(adoption).message,
        /does not let this app have the .*; the platform team can add it to `(?:appsMay|namespaces): \[.*\]` of the system /,
      );
      await adopt(apps, "orders");
      const change = { ...BY, patch: changes as JsonObject, revision: undefined };
      assert.equal((await refusal(apps.change("orders", change))).code, "bad-request");
    });
  }

  test("what is listed may be named, what a record had before stays, and a renamed app keeps its things", async () => {
    const { apps, load } = bench();
    await adopt(apps, "orders", { ...APP, namespace: "shop-live" } as JsonObject);
    await apps.rename("orders", "sales", "ada");
    const patch = { title: "Sales" };
    assert.equal((await apps.change("sales", { ...BY, patch, revision: undefined })).change, "change");
    assert.deepEqual((await load("sales"))?.record.formerNames, ["orders"]);
    const named = { ...BY, patch: { formerNames: ["infra"] }, revision: undefined };
    assert.equal((await refusal(apps.change("sales", named))).code, "bad-request");
  });
});

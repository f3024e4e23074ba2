import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import type { ObservedApplication } from "@gantry/core/fleet/observed.ts";
import { type Clock, systemClock } from "@gantry/runtime/clock.ts";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import { observedOf } from "./decide-observed.ts";
import { argocdEnsureApp, argocdEnsureProject } from "./ensure-steps.ts";
import { argocdEnsureRepository } from "./repository-step.ts";
import {
  appInput,
  manifests,
  openSiteBench,
  outputOf,
  PLACE,
  projectInput,
  REPOSITORY,
  type SiteBench,
} from "./site.fixture.ts";
import { argocdSync, argocdWait } from "./steps.ts";
import { watchApplications } from "./watch.ts";

const KEY = `argocd/${PLACE.app}`;

/** What a watcher of this Argo CD has seen, until the test ends. */
function watch(t: TestContext, site: SiteBench, clock: Pick<Clock, "after" | "monotonicMs"> = systemClock) {
  const stop = new AbortController();
  const changed = new Set<() => void>();
  const lists: (readonly string[])[] = [];
  let now = new Map<string, ObservedApplication | undefined>();
  let alive = 0;
  const ended = watchApplications(site.systems.argocd, {
    fetch,
    clock,
    signal: stop.signal,
    onList: (keys) => lists.push(keys),
    onSeen: (seen) => {
      now = new Map([...now, ...seen]);
      for (const wake of changed) wake();
    },
    onAlive: () => {
      alive += 1;
    },
  });
  ended.catch(() => undefined);
  t.after(async () => {
    stop.abort(new Error("the test has ended"));
    await ended.catch(() => undefined);
  });
  return {
    lists,
    ended,
    alive: () => alive,
    until: async (isSo: (application: ObservedApplication | undefined) => boolean) => {
      while (!now.has(KEY) || !isSo(now.get(KEY)))
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            changed.delete(wake);
            resolve();
          };
          changed.add(wake);
        });
      return now.get(KEY);
    },
  };
}

/** The app runs, as a first CD would leave it. */
async function deployed(t: TestContext): Promise<{ site: SiteBench; image: string; revision: string }> {
  const site = await openSiteBench(t);
  const { bench } = site;
  const image = await site.image("1");
  const revision = await site.commit(manifests(image));
  outputOf(await bench.run(argocdEnsureProject, projectInput(site)));
  outputOf(await bench.run(argocdEnsureRepository, { repository: REPOSITORY }));
  outputOf(await bench.run(argocdEnsureApp, appInput(site)));
  outputOf(await bench.run(argocdSync, { ...PLACE, revision }));
  outputOf(await bench.run(argocdWait, { ...PLACE, revision, image: image.ref }));
  return { site, image: image.ref, revision };
}

async function ask(site: SiteBench, path: string, method = "GET"): Promise<void> {
  const headers = { authorization: `Bearer ${site.systems.argocd.token}`, "content-type": "application/json" };
  const answer = await fetch(`${site.argocd.url}/api/v1${path}`, { method, headers });
  assert.equal(answer.status, 200, await answer.text());
}

suite("watching an Argo CD", { concurrency: 4 }, () => {
  test("sees what runs, a hand in the cluster, a foreign push, and the end of an application", async (t) => {
    const { site, image, revision } = await deployed(t);
    const { until, lists } = watch(t, site);
    const well = await until((one) => one?.health === "Healthy" && one.sync === "Synced");
    assert.deepEqual(lists, [[KEY]]);
    assert.deepEqual([well?.images, well?.revisions, well?.resources], [[image], [revision], 2]);
    assert.equal(well?.drift, undefined);
    assert.deepEqual(well?.sources[0], { repository: site.cloneUrl, path: "overlays/seoul-dp" });

    site.argocd.changeByHand("seoul-dp", "Deployment", "orders", () => undefined);
    const deleted = await until((one) => one?.sync === "OutOfSync");
    assert.deepEqual(deleted?.drift, {
      count: 1,
      first: [{ kind: "Deployment", name: "orders", namespace: "orders" }],
    });
    site.argocd.changeByHand("seoul-dp", "Service", "orders", () => undefined);
    const missing = await until((one) => one?.health === "Missing");
    assert.equal(missing?.drift?.count, 2);

    const pushed = await site.commit(manifests(await site.image("2")));
    await ask(site, `/applications/${PLACE.app}?refresh=normal`);
    await until((one) => one?.revisions[0] === pushed && one.sync === "OutOfSync");

    await ask(site, `/applications/${PLACE.app}?cascade=true&propagationPolicy=foreground`, "DELETE");
    await until((one) => one === undefined);
  });

  test("an image that cannot be pulled is Degraded, with Argo CD's reason", async (t) => {
    const { site } = await deployed(t);
    const { until } = watch(t, site);
    const revision = await site.commit(manifests({ ...(await site.image("1")), digest: `sha256:${"0".repeat(64)}` }));
    site.bench.nextTask();
    outputOf(await site.bench.run(argocdSync, { ...PLACE, revision }));
    const bad = await until((one) => one?.health === "Degraded");
    assert.equal(bad?.reasons[0]?.kind, "Deployment");
    assert.ok(bad?.reasons[0]?.message, JSON.stringify(bad));
  });

  test("ends when it is time to look again: after a minute of silence, and at once when Argo CD ends the stream", async (t) => {
    const { site } = await deployed(t);
    const clock = new SteppedClock();
    const silent = watch(t, site, clock);
    await silent.until((one) => one !== undefined);
    await clock.pass(60_001);
    await silent.ended;
    const cut = watch(t, site);
    await cut.until((one) => one !== undefined);
    await site.argocd.close();
    await cut.ended.then(
      () => undefined,
      (error: unknown) => assert.match(String(error), /seoul-argocd/),
    );
    await assert.rejects(watch(t, site).ended, /seoul-argocd/);
    await site.restartArgoCd();
    const again = watch(t, site);
    await again.until((one) => one?.health === "Healthy");
  });

  test("an Argo CD without applications is alive, and one that refuses the token is not", async (t) => {
    const site = await openSiteBench(t);
    const empty = watch(t, site);
    while (empty.lists.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(empty.lists, [[]]);
    const wrong = { ...site, systems: { ...site.systems, argocd: { ...site.systems.argocd, token: "wrong-token" } } };
    await assert.rejects(watch(t, wrong).ended, { code: "credential-refused" });
  });
});

test("passwords in addresses never leave the runner, and long texts are cut", () => {
  const observed = observedOf({
    metadata: { name: "orders", namespace: "argocd" },
    spec: { project: "p", source: { repoURL: "https://bot:hunter22@git/apps.git", path: "x" } },
    status: {
      conditions: [
        { type: "ComparisonError", message: `cannot clone https://bot:hunter22@git/apps.git ${"x".repeat(5_000)}` },
      ],
    },
  });
  assert.equal(observed?.sources[0]?.repository, "https://git/apps.git");
  assert.doesNotMatch(JSON.stringify(observed), /hunter22/);
  assert.ok((observed?.conditions[0]?.message.length ?? 0) <= 1_000);
  assert.deepEqual([observed?.health, observed?.sync], ["Unknown", "Unknown"]);
  assert.equal(observedOf({ metadata: {} }), undefined);
});

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Exchange } from "@gantry/lab/fakes/fake-server.ts";
import { Crash, fastClock, openBench } from "../step.fixture.ts";
import { argocdRequireCluster } from "./cluster-step.ts";
import { argocdEndSync } from "./end-sync-step.ts";
import { argocdEnsureApp, argocdEnsureProject, argocdRequireApp } from "./ensure-steps.ts";
import { argocdEnsureRepository } from "./repository-step.ts";
import {
  appInput,
  failureOf,
  manifests,
  openSiteBench,
  outputOf,
  overlay,
  PLACE,
  projectInput,
  REPOSITORY,
  type SiteBench,
} from "./site.fixture.ts";
import { argocdDiff, argocdSync, argocdWait } from "./steps.ts";

const { app, project } = PLACE;
const ABSENT = `sha256:${"0".repeat(64)}`;

/** Project, repository and app as a first CD would leave them. */
async function ensureAll(site: SiteBench, more: { autoSync?: boolean } = {}) {
  const { bench } = site;
  const madeProject = outputOf(await bench.run(argocdEnsureProject, projectInput(site)));
  const repository = outputOf(await bench.run(argocdEnsureRepository, { repository: REPOSITORY }));
  const madeApp = outputOf(await bench.run(argocdEnsureApp, { ...appInput(site), ...more }));
  return { project: madeProject, repository, app: madeApp };
}

async function askArgoCd(site: SiteBench, path: string, init: RequestInit = {}): Promise<Record<string, never>> {
  const headers = { authorization: `Bearer ${site.systems.argocd.token}`, "content-type": "application/json" };
  const answer = await fetch(`${site.argocd.url}/api/v1${path}`, { ...init, headers });
  return (await answer.json()) as Record<string, never>;
}

/** A hook before the sync that runs for so long. */
function hook(ms: number): Record<string, string> {
  return {
    "base/kustomization.yaml": "resources:\n- deployment.yaml\n- service.yaml\n- migrate.yaml\n",
    "base/migrate.yaml": `apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations: {argocd.argoproj.io/hook: PreSync, lab/hook-ms: "${ms}"}
spec: {template: {spec: {containers: [{name: migrate, image: busybox}]}}}
`,
  };
}

async function untilRunning(site: SiteBench, revision: string): Promise<void> {
  for (;;) {
    const answer = await askArgoCd(site, `/applications/${app}?project=${project}`);
    const { operationState } = (answer as unknown as Rec).status;
    if (operationState?.phase === "Running" && operationState.syncResult?.revision === revision) return;
  }
}

type Rec = {
  readonly status: {
    readonly operationState?: { readonly phase: string; readonly syncResult?: { readonly revision: string } };
  };
};

function syncsSaid(site: SiteBench): readonly Exchange[] {
  return site.argocd.exchanges.filter((one) => one.path.endsWith("/sync") && one.status === 200);
}

suite("Argo CD", { concurrency: 4 }, () => {
  test("a target with an unknown cluster is an error before the commit, and the error lists the known clusters", async (t) => {
    const site = await openSiteBench(t);
    assert.deepEqual(outputOf(await site.bench.run(argocdRequireCluster, { cluster: "seoul-dp" })), {
      cluster: "seoul-dp",
      verified: true,
    });
    const failure = failureOf(await site.bench.run(argocdRequireCluster, { cluster: "seoul-db" }), "failed");
    assert.equal(failure.code, "cluster-unknown");
    assert.equal(failure.message, "seoul-argocd does not know the cluster seoul-db.");
    assert.equal(failure.why, "It shows seoul-dp (did you mean seoul-dp?).");
  });

  test("where the account may not see clusters, an unknown one is left to Argo CD", async (t) => {
    const site = await openSiteBench(t);
    await askArgoCd(site, "/clusters/seoul-dp?id.type=name", { method: "DELETE" });
    const { verified } = outputOf(await site.bench.run(argocdRequireCluster, { cluster: "seoul-dp" }));
    assert.equal(verified, false);
  });

  test("a first deployment: registered once, compared, synced and healthy at our commit with our image", async (t) => {
    // Long enough to be seen on a busy machine.
    const site = await openSiteBench(t, { rolloutMs: 3_000 });
    const { bench } = site;
    const image = await site.image("1");
    const revision = await site.commit(manifests(image));

    const made = await ensureAll(site);
    assert.deepEqual(made, {
      project: { project, created: true },
      repository: { url: site.cloneUrl, created: true },
      app: { app, created: true, autoSync: false, url: `${site.argocd.url}/applications/argocd/${app}` },
    });
    const diff = outputOf(await bench.run(argocdDiff, { ...PLACE, revision }));
    assert.deepEqual(diff, { changed: 2, changes: ["Deployment orders: create", "Service orders: create"] });
    assert.deepEqual(outputOf(await bench.run(argocdSync, { ...PLACE, revision })), { operation: "synced", revision });
    const waited = outputOf(await bench.run(argocdWait, { ...PLACE, revision, image: image.ref }));
    assert.deepEqual(waited, { sync: "Synced", health: "Healthy", revision, images: [image.ref], url: made.app.url });
    assert.ok(
      bench.reasons.some((reason) => /Progressing: Deployment orders: Waiting for rollout/.test(reason)),
      bench.reasons.join("\n"),
    );
    assert.match(await (await fetch(made.app.url)).text(), /fake Argo CD/);

    const infos = (await askArgoCd(site, `/applications/${app}?project=${project}`)) as unknown as {
      metadata: { annotations: Record<string, string>; labels: Record<string, string> };
      status: { operationState: { operation: { info: { name: string; value: string }[] } } };
    };
    assert.equal(infos.metadata.annotations["link.argocd.argoproj.io/gantry-run"], bench.task.url);
    assert.equal(infos.metadata.labels["gantry/app"], "orders");
    assert.ok(
      infos.status.operationState.operation.info.some(
        (one) => one.name === "gantry-task" && one.value === bench.task.id,
      ),
    );
  });

  test("a second task creates nothing, and says in words what changes", async (t) => {
    const site = await openSiteBench(t);
    const { bench } = site;
    const [first, second] = [await site.image("1"), await site.image("2")];
    const before = await site.commit(manifests(first));
    await ensureAll(site);
    outputOf(await bench.run(argocdSync, { ...PLACE, revision: before }));
    outputOf(await bench.run(argocdWait, { ...PLACE, revision: before, image: first.ref }));

    bench.nextTask();
    const again = await ensureAll(site);
    assert.deepEqual([again.project.created, again.repository.created, again.app.created], [false, false, false]);
    assert.equal(bench.permits.size, 0, "nothing was asked for that changes anything");
    for (const [step, input] of [
      [argocdEnsureProject, projectInput(site)],
      [argocdEnsureApp, appInput(site)],
    ] as const) {
      assert.deepEqual(await bench.plan(step as typeof argocdEnsureApp, input), []);
    }
    assert.equal(outputOf(await bench.run(argocdSync, { ...PLACE, revision: before })).operation, "already");

    const revision = await site.commit(overlay(second));
    const diff = outputOf(await bench.run(argocdDiff, { ...PLACE, revision }));
    const brief = (ref: string) => ref.replace(/(sha256:.{12}).*/, "$1…");
    assert.deepEqual(diff, {
      changed: 1,
      changes: [`Deployment orders: image ${brief(first.ref)} → ${brief(second.ref)}`],
    });
    outputOf(await bench.run(argocdSync, { ...PLACE, revision }));
    const waited = outputOf(await bench.run(argocdWait, { ...PLACE, revision, image: second.ref }));
    assert.deepEqual(waited.images, [second.ref]);

    const back = failureOf(await bench.run(argocdSync, { ...PLACE, revision: before }), "failed");
    assert.equal(back.code, "superseded");
  });

  for (const autoSync of [false, true])
    test(`a sync that hangs on another commit is ended for a rollback${autoSync ? ", with auto-sync on" : ""}`, async (t) => {
      const site = await openSiteBench(t);
      const { bench } = site;
      const [good, bad] = [await site.image("1"), await site.image("2")];
      const before = await site.commit(manifests(good));
      await ensureAll(site, { autoSync });
      outputOf(await bench.run(argocdSync, { ...PLACE, revision: before }));
      outputOf(await bench.run(argocdWait, { ...PLACE, revision: before, image: good.ref }));

      bench.nextTask();
      const hangs = await site.commit({ ...overlay(bad), ...hook(3_600_000) });
      outputOf(await bench.run(argocdSync, { ...PLACE, revision: hangs }));
      await untilRunning(site, hangs);

      bench.nextTask();
      const revert = await site.commit({ ...overlay(good), ...hook(10) });
      assert.deepEqual(outputOf(await bench.run(argocdEndSync, { ...PLACE, revision: revert })), { ended: true });
      outputOf(await bench.run(argocdSync, { ...PLACE, revision: revert }));
      assert.deepEqual(outputOf(await bench.run(argocdEndSync, { ...PLACE, revision: revert })), { ended: false });
      const waited = outputOf(await bench.run(argocdWait, { ...PLACE, revision: revert, image: good.ref }));
      assert.deepEqual([waited.health, waited.images], ["Healthy", [good.ref]]);
      const ended = site.argocd.exchanges.filter(({ method, path }) => method === "DELETE" && /operation/.test(path));
      assert.ok(ended.length > 0);
      assert.ok(
        bench.reasons.some((reason) => reason.includes("is being ended")),
        bench.reasons.join("\n"),
      );
    });

  test("an app that is Synced and Healthy at the old commit is not taken for deployed", async (t) => {
    const site = await openSiteBench(t);
    const { bench } = site;
    const image = await site.image("1");
    const before = await site.commit(manifests(image));
    await ensureAll(site);
    outputOf(await bench.run(argocdSync, { ...PLACE, revision: before }));
    outputOf(await bench.run(argocdWait, { ...PLACE, revision: before, image: image.ref }));

    const revision = await site.commit({
      "base/service.yaml": manifests(image)["base/service.yaml"]?.replace("port: 80", "port: 81") ?? "",
    });
    // Argo CD has not looked since: it still says Synced and Healthy, with the same image.
    const stale = await askArgoCd(site, `/applications/${app}?project=${project}`);
    assert.equal((stale as unknown as { status: { sync: { status: string } } }).status.sync.status, "Synced");
    const outcome = await bench.run(argocdWait, { ...PLACE, revision, image: image.ref }, { limitMs: 600 });
    assert.ok(outcome.kind === "waiting");
    assert.match(outcome.reason, /OutOfSync at .*: Service orders/);
  });

  test("an app with automatic sync is refreshed and never synced by the step", async (t) => {
    const site = await openSiteBench(t);
    const { bench } = site;
    const image = await site.image("1");
    await site.commit(manifests(image));
    const made = await ensureAll(site, { autoSync: true });
    assert.equal(made.app.autoSync, true);
    const revision = await site.commit(overlay(await site.image("2")));
    assert.equal(outputOf(await bench.run(argocdSync, { ...PLACE, revision })).operation, "refreshed");
    const waited = outputOf(await bench.run(argocdWait, { ...PLACE, revision }));
    assert.deepEqual([waited.sync, waited.health], ["Synced", "Healthy"]);
    assert.equal(syncsSaid(site).length, 0);
  });

  test("an auto-sync that failed is tried again by the next task, as Argo CD would do it", async (t) => {
    const site = await openSiteBench(t);
    const { bench } = site;
    const image = await site.image("1");
    const first = await site.commit(manifests(image));
    await ensureAll(site, { autoSync: true });
    outputOf(await bench.run(argocdWait, { ...PLACE, revision: first }));
    const deployment = manifests(image)["base/deployment.yaml"] ?? "";
    const selector = deployment.replace("labels: {app: orders}", "labels: {app: other}");
    const revision = await site.commit({ "base/deployment.yaml": selector });
    assert.equal(outputOf(await bench.run(argocdSync, { ...PLACE, revision })).operation, "refreshed");
    failureOf(await bench.run(argocdWait, { ...PLACE, revision }), "failed");

    bench.nextTask();
    assert.equal(outputOf(await bench.run(argocdSync, { ...PLACE, revision })).operation, "synced");
    assert.deepEqual(
      syncsSaid(site).map(({ requestBody }) => {
        const { revision: at, prune } = requestBody as { readonly revision?: string; readonly prune: boolean };
        return { at, prune };
      }),
      [{ at: undefined, prune: true }],
    );
  });

  test("while another operation runs, the sync waits for it", async (t) => {
    const site = await openSiteBench(t, { syncMs: 700 });
    const { bench } = site;
    const revision = await site.commit(manifests(await site.image("1")));
    await ensureAll(site);
    await askArgoCd(site, `/applications/${app}/sync`, {
      method: "POST",
      body: JSON.stringify({ project, revision }),
    });
    const first = await bench.once(argocdSync, { ...PLACE, revision });
    assert.ok(first.kind === "waiting");
    assert.match(first.reason, /the sync is/);
    const outcome = outputOf(await bench.run(argocdSync, { ...PLACE, revision }));
    assert.equal(outcome.operation, "already");
    assert.equal(syncsSaid(site).length, 1);
  });

  test("an image that no registry has: Degraded, and failed with the reason after the grace", async (t) => {
    const site = await openSiteBench(t);
    const { bench } = site;
    const missing = { name: (await site.image("1")).name, digest: ABSENT };
    const revision = await site.commit(manifests(missing));
    await ensureAll(site);
    outputOf(await bench.run(argocdSync, { ...PLACE, revision }));
    const image = `${missing.name}@${ABSENT}`;
    const failure = failureOf(
      await bench.run(argocdWait, { ...PLACE, revision, image, degradedGrace: "300ms" }),
      "failed",
    );
    assert.equal(failure.code, "gate-failed");
    assert.equal(failure.line, `Deployment orders: image ${image} not found`);
    assert.equal(failure.message, `The health of ${app} did not pass.`);
    assert.ok(bench.reasons.some((reason) => reason.startsWith("Degraded: ")));
    // While Argo CD was away for five minutes, nobody looked at the app: only the five seconds before count.
    const nowMs = Date.now();
    const afterOutage = {
      answered: true,
      inner: { errors: 0, sickSinceMs: nowMs - 305_000 },
      outage: { sinceMs: nowMs - 300_000, calls: 60, down: true },
    };
    const look = await bench.once(argocdWait, { ...PLACE, revision, image }, afterOutage);
    assert.match(look.kind === "waiting" ? look.reason : JSON.stringify(look), /^Degraded: /);
  });

  test("manifests that cannot be rendered or applied fail with Argo CD's sentence", async (t) => {
    const site = await openSiteBench(t);
    const { bench } = site;
    const image = await site.image("1");
    await site.commit(manifests(image));
    await ensureAll(site);

    const broken = await site.commit({ "base/service.yaml": "kind: [\n" });
    const unrendered = failureOf(await bench.run(argocdWait, { ...PLACE, revision: broken }), "failed");
    assert.match(unrendered.line ?? "", /^ComparisonError: .*base\/service\.yaml/);

    const refused = await site.commit({
      "base/service.yaml": manifests(image)["base/service.yaml"] ?? "",
      "base/deployment.yaml":
        manifests(image)["base/deployment.yaml"]?.replace("labels: {app: orders}", "labels: {app: other}") ?? "",
    });
    outputOf(await bench.run(argocdSync, { ...PLACE, revision: refused }));
    const unapplied = failureOf(await bench.run(argocdWait, { ...PLACE, revision: refused }), "failed");
    assert.match(unapplied.line ?? "", /^Deployment orders: .*selector/);
  });

  test("a paused rollout waits for a person and says where", async (t) => {
    const site = await openSiteBench(t);
    const { bench } = site;
    const image = await site.image("1");
    const files = manifests(image);
    const revision = await site.commit({
      ...files,
      "base/deployment.yaml":
        files["base/deployment.yaml"]?.replace("spec:\n  replicas", "spec:\n  paused: true\n  replicas") ?? "",
    });
    await ensureAll(site);
    outputOf(await bench.run(argocdSync, { ...PLACE, revision }));
    const look = () => bench.run(argocdWait, { ...PLACE, revision }, { limitMs: 1_500 });
    let outcome = await look();
    for (let looks = 1; looks < 15 && outcome.kind === "waiting" && !/^Suspended/.test(outcome.reason); looks += 1) {
      outcome = await look();
    }
    assert.ok(outcome.kind === "waiting");
    assert.match(outcome.reason, /^Suspended: a person has to resume it in Argo CD \(http.*\)\. Deployment orders/);
  });

  test("a crash before or after the sync was started: one sync, known as ours", async (t) => {
    const site = await openSiteBench(t, { syncMs: 300 });
    const { bench } = site;
    await site.commit(manifests(await site.image("1")));
    await ensureAll(site);
    for (const when of ["before-perform", "after-perform"] as const) {
      bench.nextTask();
      const next = await site.commit({ "overlays/seoul-dp/note.md": when });
      bench.crashAt({ effect: "sync", when });
      await site.commit({
        "base/service.yaml": `${manifests(await site.image("1"))["base/service.yaml"]}# ${when}\n`,
      });
      await assert.rejects(bench.run(argocdSync, { ...PLACE, revision: next }), Crash);
      const before = syncsSaid(site).length;
      assert.equal(outputOf(await bench.run(argocdSync, { ...PLACE, revision: next })).operation, "synced");
      assert.equal(syncsSaid(site).length - before, when === "before-perform" ? 1 : 0);
      outputOf(await bench.run(argocdWait, { ...PLACE, revision: next }));
    }
  });

  test("after a crash during creation, the objects are found again, are not created twice, and can be undone twice", async (t) => {
    const site = await openSiteBench(t);
    const { bench } = site;
    await site.commit(manifests(await site.image("1")));
    outputOf(await bench.run(argocdEnsureRepository, { repository: REPOSITORY }));
    for (const [step, effect, input] of [
      [argocdEnsureProject, "create-project", projectInput(site)],
      [argocdEnsureApp, "create-app", appInput(site)],
    ] as const) {
      const run = () => bench.run(step as typeof argocdEnsureApp, input);
      bench.crashAt({ effect, when: "after-perform" });
      await assert.rejects(run(), Crash);
      assert.equal(typeof (await bench.find(step as typeof argocdEnsureApp, input)), "object", `${effect} is found`);
      assert.equal(outputOf(await run()).created, true, effect);
      assert.equal(outputOf(await run()).created, true, `${effect} again`);
    }
    const output = { app, created: true, autoSync: false, url: "" };
    const repository = { repository: REPOSITORY };
    assert.match(String(await bench.find(argocdEnsureRepository, repository)), /Argo CD does not say who did$/);
    const registered = await bench.find(argocdEnsureRepository, repository, { created: true });
    assert.deepEqual(registered, { url: site.cloneUrl, created: true });
    bench.nextTask();
    for (const [step, input] of [
      [argocdEnsureProject, projectInput(site)],
      [argocdEnsureApp, appInput(site)],
    ] as const) {
      const stays = String(await bench.find(step as typeof argocdEnsureApp, input));
      assert.match(stays, /stays: task t2 may have made it, but it does not carry its mark$/);
    }
    await bench.undo(argocdEnsureApp, appInput(site), output);
    const gone = async () =>
      (await askArgoCd(site, `/applications/${app}?project=${project}`)) as unknown as { code?: number };
    for (let tries = 0; (await gone()).code !== 5; tries++) assert.ok(tries < 200, "the app is still there");
    await bench.undo(argocdEnsureApp, appInput(site), output);
    for (let twice = 0; twice < 2; twice++) {
      await bench.undo(argocdEnsureProject, projectInput(site), { project, created: true });
      await bench.undo(argocdEnsureRepository, { repository: REPOSITORY }, { url: site.cloneUrl, created: true });
    }
  });

  test("undo keeps a project and an app that others made anew in the place of Gantry's", async (t) => {
    const site = await openSiteBench(t);
    const { bench } = site;
    await site.commit(manifests(await site.image("1")));
    await ensureAll(site);
    const of = { app: `/applications/${app}?project=${project}`, project: `/projects/${project}` };
    const isThere = async (path: string) => {
      const answer = (await askArgoCd(site, path)) as unknown as { code?: number };
      return answer.code === undefined;
    };
    // People change what is there so that nothing says any more that Gantry made it.
    const patch = { metadata: { labels: null, annotations: null } };
    const body = JSON.stringify({ patch: JSON.stringify(patch), patchType: "merge", name: app, project });
    await askArgoCd(site, of.app, { method: "PATCH", body });
    bench.nextTask();
    await bench.undo(argocdEnsureApp, appInput(site), { app, created: true, autoSync: false, url: "" });
    assert.ok(await isThere(of.app));
    await askArgoCd(site, of.app, { method: "DELETE" });
    for (let tries = 0; await isThere(of.app); tries++) assert.ok(tries < 200, "the app is still there");
    const { spec } = (await askArgoCd(site, of.project)) as unknown as { spec: object };
    await askArgoCd(site, of.project, { method: "DELETE" });
    const byHand = JSON.stringify({ project: { metadata: { name: project }, spec } });
    await askArgoCd(site, "/projects", { method: "POST", body: byHand });
    await bench.undo(argocdEnsureProject, projectInput(site), { project, created: true });
    assert.ok(await isThere(of.project));
    assert.deepEqual(
      bench.lines.filter((line) => line.startsWith("kept ")),
      [
        `kept the Argo CD app ${app}: it is not the one that was created for this app`,
        `kept the Argo CD project ${project}: it is not the one that was created for this app`,
      ],
    );
  });

  test("changes by people stay, and apps of others are not touched", async (t) => {
    const site = await openSiteBench(t);
    const { bench } = site;
    await site.commit(manifests(await site.image("1")));
    await ensureAll(site);
    const patch = {
      metadata: { annotations: { "notifications.example/slack": "ops" } },
      spec: { ignoreDifferences: [{ kind: "Deployment" }] },
    };
    const body = JSON.stringify({ patch: JSON.stringify(patch), patchType: "merge", name: app, project });
    await askArgoCd(site, `/applications/${app}?project=${project}`, { method: "PATCH", body });

    bench.nextTask();
    const output = outputOf(
      await bench.run(argocdEnsureApp, { ...appInput(site), targetRevision: "HEAD", autoSync: true }),
    );
    assert.deepEqual([output.created, output.autoSync], [false, true]);
    const after = (await askArgoCd(site, `/applications/${app}?project=${project}`)) as unknown as {
      metadata: { annotations: Record<string, string> };
      spec: Record<string, unknown>;
    };
    assert.equal(after.metadata.annotations["notifications.example/slack"], "ops");
    assert.deepEqual(after.spec.ignoreDifferences, [{ kind: "Deployment" }]);
    assert.deepEqual((after.spec.source as Record<string, string>).targetRevision, "HEAD");

    const more = { ...projectInput(site), destinations: [{ cluster: "tokyo-dp", namespace: "orders" }] };
    outputOf(await bench.run(argocdEnsureProject, more));
    const grown = (await askArgoCd(site, `/projects/${project}`)) as unknown as { spec: { destinations: unknown[] } };
    assert.equal(grown.spec.destinations.length, 2);

    bench.nextTask({ app: "billing" });
    const foreign = failureOf(
      await bench.run(argocdEnsureApp, { ...appInput(site), path: "overlays/other" }),
      "errored",
    );
    assert.equal(foreign.code, "exists-foreign");
  });

  test("before the commit: an application over the folder, or one of somebody else, is refused", async (t) => {
    const site = await openSiteBench(t);
    const { bench } = site;
    await site.commit(manifests(await site.image("1")));
    const { targetRevision: _, ...place } = appInput(site);
    const writesBefore = () => site.argocd.exchanges.filter(({ method }) => method !== "GET").length;
    assert.deepEqual(outputOf(await bench.run(argocdRequireApp, place)), { app, exists: false });
    assert.equal(writesBefore(), 0);
    await ensureAll(site);
    bench.nextTask();
    assert.deepEqual(outputOf(await bench.run(argocdRequireApp, place)), { app, exists: true });
    const second = failureOf(await bench.run(argocdRequireApp, { ...place, app: "orders-2" }), "errored");
    assert.equal(second.code, "application-exists");
    assert.match(second.todo ?? "", /application: orders-seoul-dp/);
    bench.nextTask({ app: "renamed", formerNames: ["orders"] });
    assert.deepEqual(outputOf(await bench.run(argocdRequireApp, place)), { app, exists: true });
    bench.nextTask({ app: "billing", formerNames: [] });
    const foreign = failureOf(await bench.run(argocdRequireApp, { ...place, path: "overlays/other" }), "errored");
    assert.equal(foreign.code, "exists-foreign");
  });

  test("refused credentials are distinguished: ours at Argo CD, and those for git", async (t) => {
    const site = await openSiteBench(t);
    const { bench, systems } = site;
    const stranger = await openBench({
      systems: [systems.git, { ...systems.argocd, token: "wrong" }],
      limits: { maxPauseMs: 10 },
      nowMs: fastClock(),
    });
    t.after(() => stranger.close());
    const refused = failureOf(await stranger.run(argocdEnsureProject, projectInput(site)), "errored");
    assert.equal(refused.code, "credential-refused");
    assert.match(refused.message, /seoul-argocd/);

    const wrong = { bitbucket: { username: "argocd", password: "wrong-git-token" } };
    const badGit = await openBench({ systems: [systems.git, { ...systems.argocd, git: wrong }] });
    t.after(() => badGit.close());
    const outcome = failureOf(await badGit.run(argocdEnsureRepository, { repository: REPOSITORY }), "errored");
    assert.equal(outcome.code, "credential-refused");
    assert.match(outcome.message, /git host/);
    assert.ok(!JSON.stringify(outcome).includes("wrong-git-token"));

    const absent = failureOf(await bench.run(argocdWait, { ...PLACE, revision: "a".repeat(40) }), "errored");
    assert.equal(absent.code, "system-refused");
  });

  test("500s, cut connections and lost answers are tried again and change nothing twice", async (t) => {
    const site = await openSiteBench(t);
    const { bench, argocd } = site;
    const image = await site.image("1");
    const revision = await site.commit(manifests(image));
    argocd.faults.add({ kind: "status", status: 500, match: "GET /api/v1/projects", times: 1 });
    argocd.faults.add({ kind: "drop-answer", match: "POST /api/v1/(projects|applications)$", times: 2 });
    const input = projectInput(site);
    assert.equal(outputOf(await bench.run(argocdEnsureProject, input, { retries: 3 })).created, true);
    outputOf(await bench.run(argocdEnsureRepository, { repository: REPOSITORY }));
    assert.equal(outputOf(await bench.run(argocdEnsureApp, appInput(site), { retries: 3 })).created, true);
    argocd.faults.add({ kind: "drop-answer", match: "POST .*/sync$", times: 1 });
    assert.equal(outputOf(await bench.run(argocdSync, { ...PLACE, revision }, { retries: 3 })).operation, "synced");
    argocd.faults.add({ kind: "status", status: 503, match: "GET ", times: 9 });
    outputOf(await bench.run(argocdWait, { ...PLACE, revision, image: image.ref }));
    assert.equal(argocd.exchanges.filter((one) => one.path.endsWith("/sync")).length <= 1, true);
  });

  test("Argo CD is restarted in the middle of a sync: the operation continues, and the wait completes", async (t) => {
    const site = await openSiteBench(t, { syncMs: 400 });
    const { bench } = site;
    const image = await site.image("1");
    const revision = await site.commit(manifests(image));
    await ensureAll(site);
    outputOf(await bench.run(argocdSync, { ...PLACE, revision }));
    const waiting = bench.run(argocdWait, { ...PLACE, revision, image: image.ref });
    await site.restartArgoCd();
    assert.equal(outputOf(await waiting).health, "Healthy");
  });
});

// What a person reads before a deployment, and what the deployment then does: each plan is followed by the real commit and sync.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { argocdEnsureApp, argocdEnsureProject } from "../ensure-steps.ts";
import { argocdEnsureRepository } from "../repository-step.ts";
import {
  appInput,
  manifests,
  openSiteBench,
  outputOf,
  overlay,
  PLACE,
  projectInput,
  REPOSITORY,
  type SiteBench,
} from "../site.fixture.ts";
import { argocdSync, argocdWait } from "../steps.ts";
import { argocdPlan } from "./plan-step.ts";

type Image = Awaited<ReturnType<SiteBench["image"]>>;
type Files = Readonly<Record<string, string>>;

/** An application that runs the first image. */
async function running(
  t: Parameters<typeof openSiteBench>[0],
  more: Files = {},
  options: { createNamespace?: false } = {},
) {
  const site = await openSiteBench(t);
  const [one, two] = [await site.image("1"), await site.image("2")];
  const base = { ...manifests(one), ...more };
  await site.commit(base);
  outputOf(await site.bench.run(argocdEnsureProject, projectInput(site)));
  outputOf(await site.bench.run(argocdEnsureRepository, { repository: REPOSITORY }));
  outputOf(await site.bench.run(argocdEnsureApp, appInput(site)));
  if (options.createNamespace !== false) await sync(site, await site.commit({ ".seen": "1" }), one);
  site.bench.lines.length = 0;
  return { site, base, one, two };
}

async function sync(site: SiteBench, revision: string, image: Image): Promise<void> {
  site.bench.nextTask();
  outputOf(await site.bench.run(argocdSync, { ...PLACE, revision }));
  outputOf(await site.bench.run(argocdWait, { ...PLACE, revision, image: image.ref }));
}

/** The plan for an image; `old`: what the overlay has now. */
async function plan(
  site: SiteBench,
  revision: string,
  { old, image }: { old: Image; image: Image },
  more: object = {},
) {
  const change = { file: "k", place: "images[name=web]", image: "web", old: old.digest, new: image.ref };
  return outputOf(
    await site.bench.run(argocdPlan, {
      ...PLACE,
      target: "seoul",
      path: "overlays/seoul-dp",
      cluster: "seoul-dp",
      namespace: "orders",
      revision,
      images: [{ name: "web", repository: image.name, digest: image.digest }],
      changes: old.digest === image.digest ? [] : [change],
      ...more,
    }),
  );
}

function deployment(changes: (text: string) => string): Files {
  const text = manifests({ name: "x", digest: "y" })["base/deployment.yaml"] ?? "";
  const after = changes(text);
  assert.notEqual(after, text);
  return { "base/deployment.yaml": after };
}

const kustomization = (...files: readonly string[]): Files => ({
  "base/kustomization.yaml": `resources:\n${files.map((one) => `- ${one}\n`).join("")}`,
});

/** `registry/apps/orders@sha256:0123456789ab…` */
const brief = ({ name, digest }: Image): string => `${name}@${digest.slice(0, 19)}…`;

async function lastSync(site: SiteBench): Promise<{ phase: string; messages: readonly string[] }> {
  const headers = { authorization: `Bearer ${site.systems.argocd.token}` };
  const answer = await fetch(`${site.argocd.url}/api/v1/applications/${PLACE.app}?project=orders`, { headers });
  const { operationState } = ((await answer.json()) as App).status;
  const resources = operationState?.syncResult?.resources ?? [];
  return { phase: operationState?.phase ?? "", messages: resources.map(({ message }) => message) };
}
type App = {
  readonly status: {
    readonly operationState?: {
      readonly phase: string;
      readonly syncResult?: { readonly resources?: readonly { readonly message: string }[] };
    };
  };
};

suite("the plan of a deployment", { concurrency: 4 }, () => {
  test("a new image, and a replica count that somebody pushed: both are told, and the sync does both", async (t) => {
    const { site, one, two } = await running(t);
    const head = await site.commit(deployment((text) => text.replace("replicas: 2", "replicas: 5")));
    const told = await plan(site, head, { old: one, image: two });
    assert.deepEqual(told.changes, [
      "Deployment orders: replicas 2 → 5",
      `Deployment orders: image ${brief(one)} → ${brief(two)}`,
    ]);
    assert.deepEqual(told.warnings, []);
    assert.deepEqual(told.resources, [{ kind: "Deployment", name: "orders", namespace: "orders", action: "change" }]);
    assert.match(told.diff, /^--- Deployment\/orders\n\+\+\+ Deployment\/orders\n@@ -\d+,7 /);
    assert.ok(told.diff.includes("\n-  replicas: 2\n+  replicas: 5\n"), told.diff);
    assert.ok(told.diff.includes(`image: ${one.ref}`) && told.diff.includes(`image: ${two.ref}`), told.diff);

    const commit = await site.commit(overlay(two));
    await sync(site, commit, two);
    const after = await plan(site, commit, { old: two, image: two });
    assert.deepEqual([after.changes, after.warnings, after.diff], [[], [], ""]);
  });

  test("nothing changes: the same image again", async (t) => {
    const { site, one } = await running(t);
    const told = await plan(site, await site.commit({ "notes.md": "of another app" }), { old: one, image: one });
    assert.deepEqual([told.known, told.changes, told.warnings, told.diff], [true, [], [], ""]);
    assert.deepEqual(site.bench.lines, ["Nothing changes."]);
  });

  test("a resource that is not in git any more is deleted, and the plan says so", async (t) => {
    const { site, one, two } = await running(t);
    const head = await site.commit(kustomization("deployment.yaml"));
    const told = await plan(site, head, { old: one, image: two });
    assert.ok(told.changes.includes("Service orders: removed"), told.changes.join("\n"));
    assert.deepEqual(told.warnings, [
      { code: "prune", severity: "careful", text: "Service orders is deleted from the cluster" },
    ]);
    await sync(site, await site.commit(overlay(two)), two);
    assert.deepEqual((await lastSync(site)).messages, ["deployment/orders configured", "pruned"]);
  });

  test("a selector that cannot be changed: the plan says that the sync fails, and it does", async (t) => {
    const { site, one, two } = await running(t);
    const head = await site.commit(deployment((text) => text.replaceAll("app: orders", "app: shop")));
    const told = await plan(site, head, { old: one, image: two });
    assert.deepEqual(told.warnings, [
      {
        code: "immutable-field",
        severity: "fails",
        text: "Deployment orders: Kubernetes does not let anybody change spec.selector.matchLabels.app, so the sync fails. Delete the Deployment first, or give the new one another name",
      },
    ]);
    const revision = await site.commit(overlay(two));
    site.bench.nextTask();
    outputOf(await site.bench.run(argocdSync, { ...PLACE, revision }));
    const waited = await site.bench.run(argocdWait, { ...PLACE, revision, image: two.ref });
    assert.ok(
      waited.kind === "failed" && JSON.stringify(waited).includes("field is immutable"),
      JSON.stringify(waited),
    );
  });

  test("no value of a Secret is shown: not in words, not in the diff, not in the log", async (t) => {
    const secret = (value: string): Files => ({
      "base/secret.yaml": `apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: ${value}, user: shop}\n`,
    });
    const { site, one, two } = await running(t, {
      ...kustomization("deployment.yaml", "service.yaml", "secret.yaml"),
      ...secret("first-value"),
    });
    const head = await site.commit(secret("second-value"));
    const unseen = await plan(site, head, { old: one, image: two });
    assert.deepEqual(unseen.warnings, [
      {
        code: "secret-not-compared",
        severity: "unknown",
        text: "Secret db: Argo CD does not show whether its values change",
      },
    ]);
    // Once Argo CD has compared with this commit, it tells which values differ.
    const headers = { authorization: `Bearer ${site.systems.argocd.token}` };
    await fetch(`${site.argocd.url}/api/v1/applications/${PLACE.app}?project=orders&refresh=normal`, { headers });
    const seen = await plan(site, head, { old: one, image: two });
    assert.ok(seen.changes.includes("Secret db: stringData.password changed"), seen.changes.join("\n"));
    const all = JSON.stringify([unseen, seen, site.bench.lines]);
    assert.ok(!/first-value|second-value|shop/.test(all), all);
    assert.match(seen.diff, /- {2}password: hidden, before\n\+ {2}password: hidden, after\n {3}user: hidden/);
  });

  test("a kind that the cluster does not know: the sync fails, and the plan has said so", async (t) => {
    const { site, one, two } = await running(t);
    const head = await site.commit({
      ...kustomization("deployment.yaml", "service.yaml", "monitor.yaml"),
      "base/monitor.yaml":
        "apiVersion: monitoring.example/v1\nkind: ServiceMonitor\nmetadata: {name: orders}\nspec: {path: /metrics}\n",
    });
    const told = await plan(site, head, { old: one, image: two });
    assert.deepEqual(told.warnings, [
      {
        code: "crd-missing",
        severity: "fails",
        text: "ServiceMonitor orders: the cluster has no CustomResourceDefinition for monitoring.example/v1 ServiceMonitor, so the sync fails. Install it first",
      },
    ]);
    const revision = await site.commit(overlay(two));
    site.bench.nextTask();
    outputOf(await site.bench.run(argocdSync, { ...PLACE, revision }));
    const waited = await site.bench.run(argocdWait, { ...PLACE, revision, image: two.ref });
    assert.ok(waited.kind === "failed" && /CRD is installed/.test(JSON.stringify(waited)), JSON.stringify(waited));
  });

  test("a path without resources: everything would be removed", async (t) => {
    const { site, one, two } = await running(t);
    const head = await site.commit({ "overlays/seoul-dp/kustomization.yaml": "namespace: orders\nresources: []\n" });
    const told = await plan(site, head, { old: one, image: two });
    assert.deepEqual(told.changes, ["Deployment orders: removed", "Service orders: removed"]);
    assert.deepEqual(
      told.warnings.map(({ code }) => code),
      ["no-resources", "prune", "prune", "image-not-found"],
    );
    assert.equal(
      told.warnings[0]?.text,
      "Argo CD finds no resources at the path of this target: 2 objects would be removed",
    );
  });

  test("a namespace that the application does not create, and that nobody has seen: it is not claimed to exist", async (t) => {
    const { site, one, two } = await running(t, {}, { createNamespace: false });
    const headers = {
      authorization: `Bearer ${site.systems.argocd.token}`,
      "content-type": "application/json",
    };
    const patch = JSON.stringify({ spec: { syncPolicy: { syncOptions: [] } } });
    await fetch(`${site.argocd.url}/api/v1/applications/${PLACE.app}?project=orders`, {
      method: "PATCH",
      headers,
      body: JSON.stringify({ patch, patchType: "merge" }),
    });
    const head = await site.commit({ "notes.md": "1" });
    const told = await plan(site, head, { old: one, image: two });
    assert.deepEqual(told.changes, ["Deployment orders: added", "Service orders: added"]);
    assert.deepEqual(told.warnings, [
      {
        code: "namespace-not-known",
        severity: "unknown",
        text: "The application does not create the namespace orders and has nothing there yet: if the cluster lacks it, the sync fails",
      },
    ]);
    const revision = await site.commit(overlay(two));
    site.bench.nextTask();
    outputOf(await site.bench.run(argocdSync, { ...PLACE, revision }));
    const waited = await site.bench.run(argocdWait, { ...PLACE, revision, image: two.ref });
    assert.ok(waited.kind === "failed" && /namespaces .*orders.* not found/.test(JSON.stringify(waited)));
    const again = await plan(site, revision, { old: two, image: two });
    assert.equal(again.warnings[0]?.severity, "fails");
  });

  test("what Argo CD cannot render is not known, and the reason is Argo CD's", async (t) => {
    const { site, one, two } = await running(t);
    const head = await site.commit(kustomization("deployment.yaml", "absent.yaml"));
    const told = await plan(site, head, { old: one, image: two });
    assert.equal(told.known, false);
    assert.match(told.problem, /^Argo CD cannot render [0-9a-f]{7}: .*absent\.yaml/);
    assert.deepEqual(
      told.warnings.map(({ code, severity }) => [code, severity]),
      [["not-rendered", "fails"]],
    );
  });

  test("an application that does not exist yet is not guessed", async (t) => {
    const site = await openSiteBench(t);
    const image = await site.image("1");
    const told = await plan(site, await site.commit(manifests(image)), { old: image, image });
    assert.equal(told.known, false);
    assert.match(told.problem, /does not exist yet/);
  });

  test("a change by hand in the cluster is taken back, and a field that others have set stays", async (t) => {
    const { site, one, two } = await running(t);
    await fetch(`${site.argocd.url}/_lab/clusters/seoul-dp/scale`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ kind: "Deployment", name: "orders", replicas: 7 }),
    });
    const told = await plan(site, await site.commit({ "notes.md": "2" }), { old: one, image: two });
    assert.ok(told.changes.includes("Deployment orders: replicas 7 → 2"), told.changes.join("\n"));
  });

  test("the hash is of what changes: not of other commits, and another one when more changes", async (t) => {
    const { site, one, two } = await running(t);
    const first = await plan(site, await site.commit({ "notes.md": "3" }), { old: one, image: two });
    const second = await plan(site, await site.commit({ "notes.md": "4" }), { old: one, image: two });
    assert.equal(second.hash, first.hash);
    assert.notEqual(second.commit, first.commit);
    const more = deployment((text) => text.replace("replicas: 2", "replicas: 3"));
    const third = await plan(site, await site.commit(more), { old: one, image: two });
    assert.notEqual(third.hash, first.hash);
  });
});

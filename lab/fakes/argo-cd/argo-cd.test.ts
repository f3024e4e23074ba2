import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { suite, test } from "node:test";
import { argocdEnsureApp, argocdEnsureProject } from "@gantry/connectors/argo-cd/ensure-steps.ts";
import { argocdEnsureRepository } from "@gantry/connectors/argo-cd/repository-step.ts";
import {
  appInput,
  manifests,
  openSiteBench,
  PLACE,
  projectInput,
  REPOSITORY,
} from "@gantry/connectors/argo-cd/site.fixture.ts";
import { argocdDiff, argocdSync, argocdWait } from "@gantry/connectors/argo-cd/steps.ts";
import { tempDir } from "@gantry/connectors/temp-dir.fixture.ts";
import {
  checkExchanges,
  checkOperationsExist,
  type Exemption,
  loadSpec,
  neededOperations,
  specsFolder,
} from "../../contract/spec.ts";
import { RenderProblem } from "./files.ts";
import { parseImage } from "./registry.ts";
import { render } from "./render.ts";

const EXEMPTIONS: readonly Exemption[] = [
  {
    operation: "GET /api/v1/applications",
    at: "query",
    about: "fields",
    reason:
      "the gateway of all versions takes it for lists, as the web page of Argo CD uses it; a server without it answers whole applications",
  },
];
const DOCUMENTS = ["argo-cd/swagger-v2.14.21.json", "argo-cd/swagger-v3.2.12.json", "argo-cd/swagger-v3.5.1.json"];

suite("the fake Argo CD", { concurrency: 4 }, () => {
  test("requests and answers match Argo CD's published documents, from 2.14 to 3.5", async (t) => {
    if (specsFolder() === undefined) return t.skip("the published API documents are not on this machine");
    const site = await openSiteBench(t);
    const { bench, argocd } = site;
    const revision = await site.commit(manifests(await site.image("1")));
    const app = appInput(site);
    for (let twice = 0; twice < 2; twice++) {
      await bench.run(argocdEnsureProject, projectInput(site));
      await bench.run(argocdEnsureRepository, { repository: REPOSITORY });
      await bench.run(argocdEnsureApp, { ...app, ...(twice === 1 ? { labels: { team: "shop" } } : {}) });
      await bench.run(argocdDiff, { ...PLACE, revision });
      await bench.run(argocdSync, { ...PLACE, revision });
      assert.equal((await bench.run(argocdWait, { ...PLACE, revision })).kind, "succeeded");
      bench.nextTask();
    }
    await bench.run(argocdEnsureProject, {
      ...projectInput(site),
      sourceRepos: ["https://git.example/other.git"],
    });
    await bench.run(argocdWait, { app: "absent", project: "orders", revision });
    await bench.undo(argocdEnsureApp, app, { app: app.app, created: true, autoSync: false, url: "" });
    await bench.undo(argocdEnsureRepository, { repository: REPOSITORY }, { url: site.cloneUrl, created: true });
    const said = new Set(argocd.exchanges.map((one) => `${one.method} ${one.status}`));
    for (const one of ["GET 200", "GET 404", "POST 200", "PUT 200", "DELETE 200"])
      assert.ok(said.has(one), `${one} was not said`);

    for (const file of DOCUMENTS) {
      const spec = loadSpec(file);
      assert.deepEqual(checkOperationsExist(spec, neededOperations("argo-cd")), []);
      assert.deepEqual(checkExchanges(spec, argocd.exchanges, { basePath: "", exemptions: EXEMPTIONS }), [], file);
    }
  });

  test("the traps of the real gateway: content type, absent apps, sessions, other specs, running operations", async (t) => {
    const { argocd, systems, commit, image, cloneUrl } = await openSiteBench(t, { syncMs: 400 });
    const revision = await commit(manifests(await image("1")));
    const ask = async (method: string, path: string, body?: unknown, type = "application/json") => {
      const answer = await fetch(`${argocd.url}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${systems.argocd.token}`, "content-type": type },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      return {
        status: answer.status,
        text,
        code: answer.status === 415 ? undefined : (JSON.parse(text) as { code?: number }).code,
      };
    };
    const codes = ({ status, code }: { status: number; code?: number | undefined }) => [status, code];
    assert.equal((await ask("DELETE", "/projects/x", undefined, "application/json; charset=utf-8")).status, 415);
    assert.deepEqual(codes(await ask("GET", "/applications/absent")), [403, 7]);
    assert.deepEqual(codes(await ask("GET", "/applications/absent?project=default")), [404, 5]);
    assert.deepEqual(codes(await ask("GET", "/clusters/https%3A%2F%2Fabsent.example")), [403, 7]);
    assert.equal((await ask("GET", "/clusters/seoul-dp?id.type=name")).status, 200);
    const anonymous = await fetch(`${argocd.url}/api/v1/applications`);
    assert.deepEqual([anonymous.status, ((await anonymous.json()) as { code: number }).code], [401, 16]);

    const registered = { repo: cloneUrl, type: "git", username: "gantry", password: "git-token-1" };
    assert.equal((await ask("POST", "/repositories", registered)).status, 200);
    const unknown = await ask("POST", "/repositories", { ...registered, password: "wrong" });
    assert.deepEqual(codes(unknown), [500, 2]);
    assert.match(unknown.text, /authentication required/);

    const app = {
      metadata: { name: "orders" },
      spec: {
        project: "default",
        source: { repoURL: cloneUrl, path: "overlays/seoul-dp", targetRevision: "main" },
        destination: { name: "seoul-dp", namespace: "orders" },
      },
    };
    const early = await ask("POST", "/applications", {
      ...app,
      spec: { ...app.spec, source: { ...app.spec.source, path: "absent" } },
    });
    assert.deepEqual(codes(early), [400, 3]);
    assert.match(early.text, /InvalidSpecError: absent: app path does not exist/);
    assert.equal((await ask("POST", "/applications", app)).status, 200);
    assert.equal((await ask("POST", "/applications", app)).status, 200);
    const other = await ask("POST", "/applications", {
      ...app,
      metadata: { name: "orders", labels: { team: "shop" } },
    });
    assert.deepEqual(codes(other), [400, 3]);
    assert.match(other.text, /spec is different, use upsert/);

    const sync = { revision, infos: [{ name: "who", value: "test" }] };
    assert.equal((await ask("POST", "/applications/orders/sync?project=default", sync)).status, 200);
    const second = await ask("POST", "/applications/orders/sync?project=default", sync);
    assert.deepEqual(codes(second), [400, 9]);
    assert.match(second.text, /another operation is already in progress/);
    assert.equal((await ask("DELETE", "/applications/orders/operation?project=default")).status, 200);
  });

  test("after a kill during a sync, it continues the sync on the same port", async (t) => {
    const site = await openSiteBench(t);
    const dir = await tempDir(t);
    const revision = await site.commit(manifests(await site.image("1")));
    const first = await startProcess(t, dir, 0);
    const ask = async (path: string, body?: unknown) => {
      const answer = await fetch(`${first.url}/api/v1${path}`, {
        method: body === undefined ? "GET" : "POST",
        headers: { authorization: "Bearer t", "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return (await answer.json()) as {
        status: { operationState?: { phase: string; syncResult: { revision: string } }; health?: { status: string } };
        operation?: object;
      };
    };
    await ask("/repositories", { repo: site.cloneUrl, type: "git", username: "gantry", password: "git-token-1" });
    const source = { repoURL: site.cloneUrl, path: "overlays/seoul-dp", targetRevision: "main" };
    const spec = {
      project: "default",
      source,
      destination: { name: "seoul-dp", namespace: "orders" },
      syncPolicy: { syncOptions: ["CreateNamespace=true"] },
    };
    await ask("/applications", { metadata: { name: "orders" }, spec });
    await ask("/applications/orders/sync", { project: "default", revision });
    first.child.kill("SIGKILL");
    await first.ended;

    await startProcess(t, dir, Number(new URL(first.url).port));
    const restored = await ask("/applications/orders?project=default");
    assert.ok(restored.operation, "the operation is still there");
    for (;;) {
      const { status } = await ask("/applications/orders?project=default&refresh=normal");
      if (status.operationState?.phase === "Succeeded" && status.health?.status === "Healthy") {
        assert.equal(status.operationState.syncResult.revision, revision);
        return;
      }
      assert.ok(["Running", "Succeeded", undefined].includes(status.operationState?.phase), JSON.stringify(status));
    }
  });

  test("a cluster that is changed by hand is OutOfSync, and put right by an app that heals itself", async (t) => {
    const site = await openSiteBench(t);
    const { bench } = site;
    const image = await site.image("1");
    const revision = await site.commit(manifests(image));
    await bench.run(argocdEnsureRepository, { repository: REPOSITORY });
    const app = {
      app: "orders",
      project: "default",
      repoUrl: site.cloneUrl,
      path: "overlays/seoul-dp",
      targetRevision: "main",
      cluster: "seoul-dp",
      namespace: "orders",
    };
    const wait = () => bench.run(argocdWait, { app: "orders", project: "default", revision, image: image.ref });
    await bench.run(argocdEnsureApp, app);
    await bench.run(argocdSync, { app: "orders", project: "default", revision });
    assert.equal((await wait()).kind, "succeeded");
    site.argocd.changeByHand("seoul-dp", "Deployment", "orders", (one) => ({
      ...one,
      spec: { ...(one.spec as object), replicas: 7 },
    }));
    const diff = await bench.run(argocdDiff, { app: "orders", project: "default", revision });
    assert.deepEqual(diff.kind === "succeeded" && diff.output.changes, ["Deployment orders: spec.replicas 7 → 2"]);

    bench.nextTask();
    await bench.run(argocdEnsureApp, { ...app, autoSync: true });
    assert.equal((await wait()).kind, "succeeded");
  });
});

const files = (entries: Record<string, string>): ReadonlyMap<string, string> => new Map(Object.entries(entries));

test("renders what overlays use: images, namespace, labels, prefix, patches, generators, replicas", () => {
  const base = manifests({ name: "harbor.example/apps/orders", digest: `sha256:${"a".repeat(64)}` });
  const { manifests: rendered, type } = render(
    files({
      ...base,
      "overlays/seoul-dp/kustomization.yaml": `${base["overlays/seoul-dp/kustomization.yaml"]}namePrefix: s-
labels:
- pairs: {site: seoul}
  includeSelectors: true
commonAnnotations: {team: shop}
replicas: [{name: s-orders, count: 3}]
configMapGenerator:
- name: settings
  literals: [LOG=debug]
patches:
- path: env.yaml
- target: {kind: Service}
  patch: |-
    - op: replace
      path: /spec/ports/0/port
      value: 81
`,
      "overlays/seoul-dp/env.yaml":
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: orders}\nspec: {template: {spec: {containers: [{name: web, envFrom: [{configMapRef: {name: settings}}]}]}}}\n",
    }),
    "overlays/seoul-dp",
  );
  assert.equal(type, "Kustomize");
  const [deployment, service, settings] = rendered;
  assert.deepEqual(
    rendered.map((one) => `${one.kind} ${one.metadata.namespace}`),
    ["Deployment orders", "Service orders", "ConfigMap orders"],
  );
  assert.match(settings?.metadata.name ?? "", /^s-settings-[0-9a-f]{10}$/);
  assert.deepEqual(service?.spec, {
    selector: { app: "orders", site: "seoul" },
    ports: [{ port: 81, targetPort: 8080 }],
  });
  const spec = deployment?.spec as { replicas: number; template: { metadata: object; spec: { containers: object[] } } };
  assert.equal(deployment?.metadata.name, "s-orders");
  assert.equal(spec.replicas, 3);
  assert.deepEqual(spec.template.metadata, { labels: { app: "orders", site: "seoul" } });
  assert.deepEqual(spec.template.spec.containers, [
    {
      name: "web",
      image: `harbor.example/apps/orders@sha256:${"a".repeat(64)}`,
      ports: [{ containerPort: 8080 }],
      envFrom: [{ configMapRef: { name: settings?.metadata.name } }],
    },
  ]);
});

test("refuses what it does not understand, and what leaves the repository", () => {
  for (const [entries, path, said] of [
    [{ "a/kustomization.yaml": "helmCharts: []\n" }, "a", /unknown field "helmCharts"/],
    [{ "a/kustomization.yaml": "resources: [../../etc]\n" }, "a", /leaves the repository/],
    [{ "a/kustomization.yaml": "resources: [https://x.example/y]\n" }, "a", /only paths inside/],
    [{ "a/kustomization.yaml": "resources: [../a]\n" }, "a", /refers to itself/],
    [{ "a/kustomization.yaml": "resources: [b.yaml]\n" }, "a", /no such file/],
    [{ "a/x.yaml": "kind: Service\n" }, "a", /not a Kubernetes resource/],
    [{ "a/x.yaml": "a: [\n" }, "a", /yaml/],
    [{ "a/x.yaml": "" }, "b", /app path does not exist/],
    [{ "a/kustomization.yaml": "patches: [{patch: '{kind: Pod, metadata: {name: x}}'}]\n" }, "a", /no matches/],
  ] as const) {
    assert.throws(
      () => render(files(entries), path),
      (error) => error instanceof RenderProblem && said.test(error.message),
      String(said),
    );
  }
});

test("reads image names as registries do", () => {
  assert.deepEqual(parseImage("127.0.0.1:5000/apps/web:1@sha256:ab"), {
    host: "127.0.0.1:5000",
    name: "apps/web",
    reference: "sha256:ab",
  });
  assert.deepEqual(parseImage("harbor.example/web"), { host: "harbor.example", name: "web", reference: "latest" });
  assert.deepEqual(parseImage("apps/web:2"), { host: undefined, name: "apps/web", reference: "2" });
});

/** Argo CD in a process of its own, so that it can be killed. */
async function startProcess(
  t: { after: (fn: () => Promise<void>) => void },
  dir: string,
  port: number,
): Promise<{ url: string; child: ChildProcess; ended: Promise<void> }> {
  const script = `
    import { startArgoCd } from ${JSON.stringify(new URL("./argo-cd.ts", import.meta.url).href)};
    const clusters = [{ name: "seoul-dp", server: "https://seoul-dp.example" }];
    const started = await startArgoCd({ name: "argocd", dir: process.argv[1], port: Number(process.argv[2]), token: "t", clusters, timing: { syncMs: 500, rolloutMs: 50 } });
    console.log(started.url);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, dir, String(port)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  t.after(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.once("data", (chunk: Buffer) => resolve(chunk.toString("utf8").trim()));
    child.once("exit", () => reject(new Error("it ended before it listened")));
  });
  return { url, child, ended };
}

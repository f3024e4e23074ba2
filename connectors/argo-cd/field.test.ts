// What a real Argo CD was seen to do, against a fake that does the same.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { StepOutcome } from "@gantry/core/step/outcome.ts";
import { selfSigned } from "@gantry/lab/fakes/certificate.ts";
import { fastClock, openBench } from "../step.fixture.ts";
import { argocdEnsureApp, argocdEnsureProject } from "./ensure-steps.ts";
import { argocdEnsureRepository } from "./repository-step.ts";
import {
  appInput,
  failureOf,
  manifests,
  openSiteBench,
  outputOf,
  PLACE,
  projectInput,
  REPOSITORY,
  type SiteBench,
} from "./site.fixture.ts";
import { argocdDiff, argocdSync, argocdWait } from "./steps.ts";

const UNREACHABLE =
  'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial tcp 10.0.0.1:8081: connect: connection refused"';

async function ensureAll(site: SiteBench): Promise<void> {
  outputOf(await site.bench.run(argocdEnsureProject, projectInput(site)));
  outputOf(await site.bench.run(argocdEnsureRepository, { repository: REPOSITORY }));
  outputOf(await site.bench.run(argocdEnsureApp, appInput(site)));
}

async function ask(site: SiteBench, method: string, path: string, body?: unknown) {
  const headers = { authorization: `Bearer ${site.systems.argocd.token}`, "content-type": "application/json" };
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const answer = await fetch(`${site.argocd.url}/api/v1${path}`, init);
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

const syncs = (site: SiteBench): number =>
  site.argocd.exchanges.filter((one) => one.path.endsWith("/sync") && one.status === 200).length;

suite("a real Argo CD", { concurrency: 4 }, () => {
  test("diff, sync and wait outlast a short failure of the Kubernetes API", async (t) => {
    const site = await openSiteBench(t, {}, { nowMs: fastClock() });
    const { bench, argocd } = site;
    const image = await site.image("1");
    const revision = await site.commit(manifests(image));
    await ensureAll(site);
    for (const run of [
      () => bench.run(argocdDiff, { ...PLACE, revision }),
      () => bench.run(argocdSync, { ...PLACE, revision }),
      () => bench.run(argocdWait, { ...PLACE, revision, image: image.ref }),
    ]) {
      bench.reasons.length = 0;
      argocd.trouble.kubernetes = "away";
      const running = run();
      while (bench.reasons.length < 3) await new Promise((resolve) => setImmediate(resolve));
      argocd.trouble.kubernetes = "up";
      outputOf((await running) as StepOutcome<unknown>);
      assert.match(bench.reasons[0] ?? "", /permission denied/);
    }
  });

  test("an app that the account may not see is reported within seconds", async (t) => {
    const site = await openSiteBench(t, {}, { nowMs: fastClock() });
    site.argocd.trouble.kubernetes = "away";
    const failure = failureOf(await site.bench.run(argocdWait, { ...PLACE, revision: "a".repeat(40) }), "errored");
    assert.equal(failure.code, "system-forbidden");
  });

  test("a failure of the repo-server is cached for the commit; a hard refresh ends it, and no diff or sync happens before", async (t) => {
    const site = await openSiteBench(t, {}, { nowMs: fastClock() });
    const { bench, argocd } = site;
    const image = await site.image("1");
    await site.commit(manifests(image));
    await ensureAll(site);
    const revision = await site.commit({ "overlays/seoul-dp/note.md": "2" });
    argocd.trouble.manifests = { left: 4, message: UNREACHABLE };
    const diff = outputOf(await bench.run(argocdDiff, { ...PLACE, revision }));
    assert.deepEqual(diff.changes, ["Deployment orders: create", "Service orders: create"]);
    assert.ok(
      bench.reasons.some((reason) => reason.includes("(cached)")),
      bench.reasons.join("\n"),
    );
    const refreshes = argocd.exchanges.map(({ query }) => query.refresh).filter((one) => one !== undefined);
    assert.ok(refreshes.includes("hard"), refreshes.join());

    argocd.trouble.manifests = { left: 2, message: UNREACHABLE };
    const next = await site.commit({ "overlays/seoul-dp/note.md": "3" });
    outputOf(await bench.run(argocdSync, { ...PLACE, revision: next }));
    assert.equal(syncs(site), 1);
    outputOf(await bench.run(argocdWait, { ...PLACE, revision: next, image: image.ref }));
  });

  test("manifests that are wrong stop diff and sync with Argo CD's sentence, and nothing is pruned", async (t) => {
    const site = await openSiteBench(t);
    const { bench } = site;
    const image = await site.image("1");
    const good = await site.commit(manifests(image));
    await ensureAll(site);
    outputOf(await bench.run(argocdSync, { ...PLACE, revision: good }));
    outputOf(await bench.run(argocdWait, { ...PLACE, revision: good, image: image.ref }));
    const bad = await site.commit({ "base/service.yaml": "kind: [\n" });
    bench.nextTask();
    for (const step of [argocdDiff, argocdSync] as const) {
      const failure = failureOf(await bench.run(step as typeof argocdDiff, { ...PLACE, revision: bad }), "failed");
      assert.match(failure.line ?? "", /^ComparisonError: .*base\/service\.yaml/);
    }
    assert.equal(syncs(site), 1);
  });

  test("an app without pods ends the wait: zero replicas, and nothing but configuration", async (t) => {
    const site = await openSiteBench(t);
    const { bench } = site;
    const image = await site.image("1");
    const files = manifests(image);
    await site.commit(files);
    await ensureAll(site);
    const changes: readonly Record<string, string>[] = [
      { "base/deployment.yaml": files["base/deployment.yaml"]?.replace("replicas: 2", "replicas: 0") ?? "" },
      { "base/kustomization.yaml": "resources:\n- service.yaml\n" },
    ];
    for (const change of changes) {
      const revision = await site.commit(change);
      bench.nextTask();
      outputOf(await bench.run(argocdSync, { ...PLACE, revision }));
      assert.equal(outputOf(await bench.run(argocdWait, { ...PLACE, revision, image: image.ref })).health, "Healthy");
    }
  });

  test("registering again keeps what an administrator set; a second undo succeeds", async (t) => {
    const site = await openSiteBench(t);
    const { bench, cloneUrl } = site;
    const settings = { insecure: true, enableLfs: true, name: "orders", noProxy: "git.example", depth: 1 };
    const register = (password: string) =>
      ask(site, "POST", "/repositories?upsert=true", {
        repo: cloneUrl,
        type: "git",
        username: "gantry",
        password,
        ...settings,
      });
    const shown = async () => (await ask(site, "GET", `/repositories/${encodeURIComponent(cloneUrl)}`)).body;
    assert.equal((await register("git-token-1")).status, 200);
    assert.deepEqual(outputOf(await bench.run(argocdEnsureRepository, { repository: REPOSITORY })), {
      url: cloneUrl,
      created: false,
    });
    for (const [name, value] of Object.entries(settings)) assert.deepEqual((await shown())[name], value, name);
    for (let twice = 0; twice < 2; twice++) {
      await bench.undo(argocdEnsureRepository, { repository: REPOSITORY }, { url: cloneUrl, created: true });
    }
    assert.equal((await shown()).code, 7);
  });

  test("an impossible repository is the user's mistake, and is not retried", async (t) => {
    const site = await openSiteBench(t);
    const { bench, argocd } = site;
    for (const [message, more] of [
      ["repository not found", /repository not found/],
      ["dial tcp: lookup git.example: no such host", /no such host/],
      ["x509: certificate signed by unknown authority", /Settings, Certificates/],
      ["x509: certificate is valid for git, not git.example", /Settings, Certificates/],
    ] as const) {
      const text = `error testing repository connectivity: ${message}`;
      const body = { error: text, code: 2, message: text };
      argocd.faults.add({ kind: "status", status: 500, body, match: "POST .*/repositories", times: 1 });
      const failure = failureOf(await bench.run(argocdEnsureRepository, { repository: REPOSITORY }), "errored");
      assert.equal(failure.code, "system-refused", message);
      assert.match(failure.why ?? "", more);
    }
  });

  test("a project that permits the PLACE by address or pattern is not touched, also without the right to change it", async (t) => {
    const site = await openSiteBench(t, {}, { argocd: { without: ["clusters, update"] }, nowMs: fastClock() });
    const { bench, cloneUrl } = site;
    const server = "https://seoul-dp.example";
    for (const [name, spec] of [
      ["by-address", { sourceRepos: [cloneUrl], destinations: [{ server, namespace: "orders" }] }],
      [
        "by-pattern",
        { sourceRepos: ["http://*/scm/apps/*"], destinations: [{ server: "https://*", namespace: "ord*" }] },
      ],
      ["by-star", { sourceRepos: ["*"], destinations: [{ server: "*", namespace: "*" }] }],
    ] as const) {
      await ask(site, "POST", "/projects", { project: { metadata: { name }, spec } });
      outputOf(await bench.run(argocdEnsureProject, { ...projectInput(site), project: name }));
    }
    assert.equal(site.argocd.exchanges.filter(({ method }) => method === "PUT").length, 0);
    const other = {
      ...projectInput(site),
      project: "by-address",
      destinations: [{ cluster: "seoul-dp", namespace: "billing" }],
    };
    const failure = failureOf(await bench.run(argocdEnsureProject, other), "errored");
    assert.match(`${failure.code} ${failure.why}`, /^system-forbidden .*clusters, update/);
  });

  test("hooks: a running one is named, a failed one too, and a commit that changes only hooks runs them", async (t) => {
    const site = await openSiteBench(t);
    const { bench } = site;
    const image = await site.image("1");
    const hook = (behaviour: string): Record<string, string> => ({
      "base/kustomization.yaml": "resources:\n- deployment.yaml\n- service.yaml\n- migrate.yaml\n",
      "base/migrate.yaml": `apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations: {argocd.argoproj.io/hook: PreSync, ${behaviour}}
spec: {template: {spec: {containers: [{name: migrate, image: web}]}}}
`,
    });
    const revision = await site.commit({ ...manifests(image), ...hook('lab/hook-ms: "800"') });
    await ensureAll(site);
    outputOf(await bench.run(argocdSync, { ...PLACE, revision }));
    outputOf(await bench.run(argocdWait, { ...PLACE, revision, image: image.ref }));
    assert.ok(
      bench.reasons.some((reason) => /the sync is running: PreSync hook Job migrate/.test(reason)),
      bench.reasons.join("\n"),
    );

    const second = await site.commit(hook("lab/hook: fail"));
    bench.nextTask();
    assert.equal(outputOf(await bench.run(argocdSync, { ...PLACE, revision: second })).operation, "synced");
    const failure = failureOf(await bench.run(argocdWait, { ...PLACE, revision: second }), "failed");
    assert.equal(failure.line, "PreSync hook Job migrate: Job has reached the specified backoff limit");
    assert.match(failure.todo ?? "", /log of Job migrate/);
  });

  test("an app that people gave several sources is refused at the first step that would change it", async (t) => {
    const site = await openSiteBench(t);
    await site.commit(manifests(await site.image("1")));
    await ensureAll(site);
    const patch = JSON.stringify({
      spec: { sources: [{ repoURL: "https://charts.example" }, { repoURL: site.cloneUrl }] },
    });
    await ask(site, "PATCH", `/applications/${PLACE.app}?project=orders`, { patch, patchType: "merge", ...PLACE });
    site.bench.nextTask();
    const failure = failureOf(await site.bench.run(argocdEnsureApp, appInput(site)), "errored");
    assert.match(`${failure.code} ${failure.why}`, /^system-refused .*several sources/);
  });

  test("a restart with all answers of a server that starts, in the middle of each wait", async (t) => {
    const site = await openSiteBench(t, { syncMs: 300 }, { nowMs: fastClock() });
    const { bench } = site;
    const image = await site.image("1");
    const revision = await site.commit(manifests(image));
    await ensureAll(site);
    const starting = [
      { requests: 2, answer: "refused" },
      { requests: 2, answer: 503 },
      { requests: 2, answer: 404, body: "default backend - 404" },
      { requests: 2, answer: 403, body: { error: "permission denied", code: 7, message: "permission denied" } },
    ] as const;
    for (const run of [
      () => bench.run(argocdDiff, { ...PLACE, revision }),
      () => bench.run(argocdSync, { ...PLACE, revision }),
      () => bench.run(argocdWait, { ...PLACE, revision, image: image.ref }),
    ]) {
      await site.restartArgoCd(starting);
      outputOf((await run()) as StepOutcome<unknown>);
    }
  });

  test("a self-signed certificate, plain http and a missing sub-path are each reported as such, at once", async (t) => {
    const site = await openSiteBench(t, {}, { argocd: { tls: selfSigned(["argocd-server"]) }, nowMs: fastClock() });
    const { port } = site.argocd;
    const missing = await openSiteBench(t);
    for (const [url, code, why] of [
      [`https://127.0.0.1:${port}`, "certificate-untrusted", /self-signed/],
      [`http://127.0.0.1:${port}`, "system-strange", /write the address in `url:` with https:\/\//],
      [`${missing.argocd.url}/absent`, "system-strange", /sub-path/],
    ] as const) {
      const bench = await openBench({
        systems: [{ ...site.systems.argocd, url }],
        limits: { maxPauseMs: 5 },
        nowMs: fastClock(),
      });
      t.after(() => bench.close());
      const failure = failureOf(await bench.run(argocdWait, { ...PLACE, revision: "a".repeat(40) }), "errored");
      assert.equal(failure.code, code);
      assert.match(failure.why ?? "", why);
    }
  });
});

test("the fake answers as the real one: the table", async (t) => {
  const site = await openSiteBench(t, {}, { argocd: { without: ["clusters, update"] } });
  const revision = await site.commit(manifests(await site.image("1")));
  await ensureAll(site);
  const app = `/applications/${PLACE.app}`;
  const codes = async (method: string, path: string, body?: unknown): Promise<string> => {
    const answer = await ask(site, method, path, body);
    return `${answer.status} ${answer.body.code ?? ""}`.trim();
  };
  const source = { repoURL: site.cloneUrl, path: "overlays/seoul-dp" };
  const spec = { project: "default", source, destination: { name: "seoul-dp", namespace: "x" } };
  const metadata = ((await ask(site, "GET", "/projects/orders")).body.metadata ?? {}) as object;
  const absent = encodeURIComponent("https://git.example/absent.git");
  const rows = [
    ["GET", `/repositories/${absent}`, undefined, "403 7"],
    ["DELETE", `/repositories/${absent}`, undefined, "403 7"],
    [
      "POST",
      "/repositories",
      { repo: `${site.bitbucket.url}/scm/apps/absent.git`, type: "git", username: "gantry", password: "git-token-1" },
      "500 2",
    ],
    ["GET", `${app}?project=other`, undefined, "404 5"],
    ["GET", "/applications/absent", undefined, "403 7"],
    ["GET", "/applications/absent?project=orders", undefined, "404 5"],
    [
      "PUT",
      "/projects/orders",
      { project: { metadata, spec: { destinations: [{ server: "*", namespace: "*" }] } } },
      "403 7",
    ],
    ["POST", `${app}/sync`, { project: "orders", revision: "no-such-branch" }, "400 9"],
    ["POST", "/applications", { metadata: { name: "Bad_Name" }, spec }, "400 3"],
    ["POST", "/projects", { project: { metadata: { name: "Bad_Name" }, spec: {} } }, "400 3"],
    ["GET", `${app}/managed-resources?project=orders`, undefined, "200"],
  ] as const;
  for (const [method, path, body, expected] of rows)
    assert.equal(await codes(method, path, body), expected, `${method} ${path}`);
  site.argocd.trouble.kubernetes = "unreadable";
  assert.equal(await codes("GET", `${app}/managed-resources?project=orders`), "500 2");
  site.argocd.trouble.kubernetes = "away";
  assert.equal(await codes("GET", `${app}?project=orders`), "403 7");
  site.argocd.trouble.kubernetes = "up";
  site.argocd.trouble.manifests = { left: 99, message: "broken" };
  const isCached = async (refresh: "normal" | "hard"): Promise<boolean> => {
    const { body } = await ask(site, "GET", `${app}?project=orders&refresh=${refresh}`);
    const { sync, conditions } = body.status as { sync: { revision: string }; conditions: { message: string }[] };
    assert.equal(sync.revision, "main", "the text of the target revision");
    return conditions[0]?.message.includes("Manifest generation error (cached): broken") === true;
  };
  let failures = 0;
  while (!(await isCached("normal"))) failures += 1;
  assert.ok(failures <= 3, "three failures, some of them by its own looks");
  assert.deepEqual([await isCached("normal"), await isCached("hard")], [true, false]);
  const { items } = (await ask(site, "GET", `${app}/managed-resources?project=orders`)).body as {
    items: { targetState: string }[];
  };
  assert.ok(items.every(({ targetState }) => targetState === "null"));
  assert.equal(revision.length, 40);
});

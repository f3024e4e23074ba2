// Every step that calls a system outlasts the restart of that system, whatever is answered in its place meanwhile: none of
// these answers is a verdict about the user's work.

import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { JsonValue } from "@gantry/core/json.ts";
import { GIT_PROVIDERS, type GitProvider } from "@gantry/core/site/git-providers.ts";
import type { System } from "@gantry/core/site/systems.ts";
import { type RestartingSystem, startRestarting } from "./restarting.fixture.ts";
import { openBench, type StepBench } from "./step.fixture.ts";
import { STEPS } from "./steps.ts";

const REPOSITORY = { project: "APPS", slug: "orders" };
const REVISION = "3f2a9c4d5e6f708192a3b4c5d6e7f8091a2b3c4d";
const DIGEST = `sha256:${"a".repeat(64)}`;
const PLACE = { app: "orders", project: "orders", revision: REVISION };

/** An input for every step that needs a system. */
const INPUTS: { readonly [step: string]: JsonValue } = {
  "argocd/diff": PLACE,
  "argocd/end-sync": PLACE,
  "argocd/ensure-app": {
    app: "orders",
    project: "orders",
    repoUrl: "https://git.example/scm/apps/orders.git",
    path: "apps/orders",
    targetRevision: "main",
    cluster: "seoul-dp",
    namespace: "orders",
  },
  "argocd/ensure-project": {
    project: "orders",
    sourceRepos: ["https://git.example/scm/apps/orders.git"],
    destinations: [{ cluster: "seoul-dp", namespace: "orders" }],
  },
  "argocd/ensure-repository": { repository: REPOSITORY },
  "argocd/find-applications": { repoUrl: "https://git.example/scm/apps/orders.git" },
  "argocd/list-clusters": {},
  "argocd/plan": {
    ...PLACE,
    target: "seoul",
    path: "apps/orders",
    cluster: "seoul-dp",
    namespace: "orders",
    images: [{ name: "orders", repository: "harbor.example/apps/orders", digest: DIGEST }],
  },
  "argocd/require-app": {
    app: "orders",
    project: "orders",
    repoUrl: "https://git.example/scm/apps/orders.git",
    path: "apps/orders",
    cluster: "seoul-dp",
    namespace: "orders",
  },
  "argocd/require-cluster": { cluster: "seoul-dp" },
  "argocd/sync": PLACE,
  "argocd/wait": PLACE,
  "git/checkout": { repository: REPOSITORY, directory: "sources" },
  "git/commit-push": { repository: REPOSITORY, message: "Deploy" },
  "git/create-repository": { repository: REPOSITORY },
  "git/list-templates": { project: "TEMPLATES" },
  "git/open-pull-request": { repository: REPOSITORY, from: "gantry/orders", to: "main", title: "Deploy" },
  "git/close-pull-requests": { repository: REPOSITORY, to: "main", from: "gantry/orders/" },
  "git/push-template": { project: "TEMPLATES", template: "static-site" },
  "git/set-commit-status": { repository: REPOSITORY, commit: REVISION, state: "succeeded", name: "gantry/ci/orders" },
  "git/wait-for-merge": { repository: REPOSITORY, id: 1 },
  "harbor/ensure-project": { project: "orders" },
  "harbor/wait-for-scan": { repository: "orders/web", digest: DIGEST },
  "image/build-push": { repository: "orders/web", tags: ["1"] },
  "image/copy": { from: "seoul", images: [{ name: "web", repository: "orders/web", digest: DIGEST }] },
  "image/verify": { repository: "orders/web", digest: DIGEST },
  "image/verify-images": { images: [{ name: "web", repository: "orders/web", digest: DIGEST }] },
  "jira/comment": { issue: "ORD-1", text: "deployed" },
  "jira/create-issue": { project: "ORD", summary: "Deploy" },
  "jira/create-project": { key: "ORD", name: "Orders" },
  "jira/transition-issue": { issue: "ORD-1", to: "Done" },
  "nexus/settings": { formats: ["npm"] },
  "sonarqube/analyze": { projectKey: "orders" },
  "sonarqube/quality-gate": { ceTask: "AaIo", projectKey: "orders" },
};

function systemsAt(url: string, provider: GitProvider): readonly System[] {
  const common = { url, standIn: false };
  return [
    { kind: "git", name: "git", provider, ...common, username: "gantry", token: "git-token-1" },
    { kind: "harbor", name: "harbor", ...common, username: "robot", password: "harbor-pass-1" },
    { kind: "jira", name: "jira", flavour: "data-center", ...common, token: "jira-token-1", lead: "mina" },
    { kind: "nexus", name: "nexus", ...common, repositories: { npm: "npm-group" } },
    { kind: "sonarqube", name: "sonarqube", ...common, token: "sonar-token-1" },
    { kind: "argocd", name: "argocd", ...common, token: "argocd-token-1" },
  ];
}

let restarting: RestartingSystem;

before(async () => {
  restarting = await startRestarting();
});
after(() => restarting.close());

async function benchAt(url: string, provider: GitProvider): Promise<StepBench> {
  const path = [fileURLToPath(new URL("../lab/fakes/bin", import.meta.url))];
  const bench = await openBench({ systems: systemsAt(url, provider), path });
  await mkdir(join(bench.workspace, "sources"));
  await writeFile(join(bench.workspace, "Dockerfile"), "FROM scratch\nCOPY app.py /\n");
  await writeFile(join(bench.workspace, "app.py"), "port = 8080\n");
  return bench;
}

type Look = { readonly provider?: GitProvider; readonly answered?: boolean };

/** What the step makes of one look, by default after it has had proper answers. */
async function lookAt(
  url: string,
  name: string,
  { provider = "bitbucket-dc", answered = true }: Look = {},
): Promise<string> {
  const bench = await benchAt(url, provider);
  try {
    const step = await STEPS[name]?.();
    assert.ok(step, `there is no step ${name}`);
    const outcome = await bench.once(step as never, INPUTS[name], { answered });
    return outcome.kind === "waiting" ? "waiting" : `${outcome.kind}: ${JSON.stringify(outcome)}`;
  } catch (error) {
    return `threw ${error instanceof Error ? error.stack : error}`;
  } finally {
    await bench.close();
  }
}

test("every step that needs a system has a row", async () => {
  const needing: string[] = [];
  for (const [name, load] of Object.entries(STEPS)) {
    // A step that only looks reports what a system that starts answers: that is its result.
    const { needs, looksOnly } = await load();
    if (needs.length > 0 && !looksOnly) needing.push(name);
  }
  assert.deepEqual(Object.keys(INPUTS).sort(), needing.sort());
});

for (const name of Object.keys(INPUTS)) {
  test(`${name} outlasts whatever is answered while its system restarts`, async () => {
    const wrong: string[] = [];
    for (const [answer, url] of Object.entries(restarting.urls)) {
      const outcome = await lookAt(url, name);
      if (outcome !== "waiting") wrong.push(`${answer}: ${outcome}`);
    }
    assert.deepEqual(wrong, []);
  });
}

for (const provider of GIT_PROVIDERS) {
  test(`steps with ${provider} outlast whatever is answered while it restarts`, async () => {
    const wrong: string[] = [];
    for (const name of ["git/create-repository", "git/wait-for-merge", "git/set-commit-status"]) {
      for (const [answer, url] of Object.entries(restarting.urls)) {
        const outcome = await lookAt(url, name, { provider });
        if (outcome !== "waiting") wrong.push(`${name}, ${answer}: ${outcome}`);
      }
    }
    assert.deepEqual(wrong, []);
  });
}

/** One step of each client. */
const CLIENTS = [
  "argocd/wait",
  "git/wait-for-merge",
  "harbor/wait-for-scan",
  "image/verify",
  "jira/comment",
  "nexus/settings",
  "sonarqube/quality-gate",
];

test("a step whose first look falls into a restart waits, too, except for a certificate that was never trusted", async () => {
  const wrong: string[] = [];
  for (const name of CLIENTS) {
    for (const [answer, url] of Object.entries(restarting.urls)) {
      const outcome = await lookAt(url, name, { answered: false });
      const isUntrusted = /certificate-untrusted/.test(outcome);
      const expected = ["another certificate", "no TLS"].includes(answer) ? isUntrusted : outcome === "waiting";
      if (!expected) wrong.push(`${name}, ${answer}: ${outcome}`);
    }
  }
  assert.deepEqual(wrong, []);
});

// What the record of an app names and the site does not list for apps: the runner refuses it, and no outside system is
// called.

import assert from "node:assert/strict";
import { test } from "node:test";
import { uses } from "./fake-agent.fixture.ts";
import {
  COMMIT,
  type Definition,
  DIGEST,
  type Input,
  ORDERS,
  openRefusingSite,
  PLATFORM,
  repository,
} from "./outside-app.fixture.ts";

/** What the record says, whoever wrote it, and the site does not let apps have → a step that uses it. */
const UNLISTED: readonly [what: string, record: object, name: string, input: Input, refused: RegExp][] = [
  [
    "a repository",
    { source: { system: "git", project: "FIN", slug: "core" } },
    "git/checkout",
    { repository: repository("core", { project: "FIN" }) },
    /repository FIN\/core/,
  ],
  [
    "an image repository",
    { image: { repository: "fin/core" } },
    "image/verify",
    { repository: "fin/core", digest: DIGEST },
    /image repository fin\/core/,
  ],
  ["an image project", { harbor: { project: "fin" } }, "harbor/ensure-project", { project: "fin" }, /project fin/],
  [
    "an Argo CD project",
    { argocd: { project: "infra" } },
    "argocd/sync",
    { app: "orders-seoul-dp", project: "infra", revision: COMMIT },
    /Argo CD application orders-seoul-dp in project infra/,
  ],
  [
    "a namespace of the cluster",
    { namespace: "kube-system" },
    "argocd/ensure-project",
    {
      project: "orders",
      sourceRepos: ["${{ params.deploy }}"],
      destinations: [{ cluster: "seoul-dp", namespace: "kube-system" }],
    },
    /namespace kube-system/,
  ],
  ["a Jira project", { jira: { key: "HR" } }, "jira/comment", { issue: "HR-1", text: "x" }, /Jira project HR/],
  [
    "a SonarQube project",
    { sonarqube: { project: "fin" } },
    "sonarqube/quality-gate",
    { ceTask: "t", projectKey: "fin" },
    /SonarQube project fin/,
  ],
];

test("what the site does not list for apps is refused, also when the app's record has it", async (t) => {
  const { asked, run, url } = await openRefusingSite(t);
  for (const [what, record, name, input, refused] of UNLISTED) {
    const { failure } = await run([uses("attack", name, input)], PLATFORM, {
      scope: { params: { deploy: `${url}/scm/apps/orders-deploy.git` }, app: { ...ORDERS, ...record } },
    });
    assert.equal(failure?.code, "outside-app", `${what}: ${JSON.stringify(failure)}`);
    assert.match(`${failure?.message} ${failure?.why}`, refused);
    assert.match(String(failure?.why), /does not list it/, what);
  }
  assert.deepEqual(asked, []);
});

test("the platform team lists per system what apps may have", async (t) => {
  const { run } = await openRefusingSite(t, {}, { git: ["FIN/*"], argocd: ["infra"], jira: ["HR"] });
  for (const [what, record, name, input] of UNLISTED.filter(([, , name]) => /^(?:git|jira|argocd\/sync)/.test(name))) {
    const { failure } = await run([uses("use", name, input)], PLATFORM, { scope: { app: { ...ORDERS, ...record } } });
    assert.notEqual(failure?.code, "outside-app", `${what}: ${failure?.why}`);
  }
});

test("a new app gets no repository in a project that the site does not list", async (t) => {
  const { asked, run } = await openRefusingSite(t);
  const make = uses("make", "git/create-repository", { repository: repository("orders", { project: "FIN" }) });
  const creating: Definition = { origin: "platform", app: "new" };
  const { failure } = await run([make], creating, { scope: { app: { name: "orders" } } });
  assert.equal(failure?.code, "outside-app");
  assert.deepEqual(asked, []);
});

test("a renamed app keeps what bears its earlier name, and gets nothing by it of others", async (t) => {
  const { run } = await openRefusingSite(t);
  const sync = uses("sync", "argocd/sync", { app: "orders-seoul-dp", project: "orders", revision: COMMIT });
  const record = { ...ORDERS, name: "shop", argocd: { project: "orders" } };
  const targets = [{ ...ORDERS.targets[0], application: "orders-seoul-dp" }];
  const ask = async (more: object) =>
    (await run([sync], PLATFORM, { app: "shop", scope: { app: { ...record, targets, ...more } } })).failure?.code;
  assert.equal(await ask({ formerNames: ["orders"] }), "system-strange");
  assert.equal(await ask({}), "outside-app");
});

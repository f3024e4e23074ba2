// An app's own pipeline as an attacker: it uses the accounts of the site for what belongs to another app. The runner refuses
// it by the app's record in the job, and no outside system hears of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { script, uses } from "./fake-agent.fixture.ts";
import {
  COMMIT,
  type Definition,
  DIGEST,
  type Input,
  ORDERS,
  OWN,
  openRefusingSite,
  PLATFORM,
  repository,
} from "./outside-app.fixture.ts";

const application = { app: "payments-seoul-dp", project: "payments", revision: COMMIT };

/** What the attacker does → the step, its input, and what the refusal names. */
const ATTACKS: readonly [does: string, name: string, input: Input, refused: RegExp][] = [
  [
    "pushes to another app's repository",
    "git/commit-push",
    { repository: repository("payments"), message: "x" },
    /repository APPS\/payments/,
  ],
  ["reads another app's source", "git/checkout", { repository: repository("payments") }, /repository APPS\/payments/],
  [
    "reads the repository of this name on another host",
    "git/checkout",
    { repository: repository("orders", { system: "other" }) },
    /repository APPS\/orders/,
  ],
  [
    "lets Gantry merge somebody's pull request into a protected branch",
    "git/wait-for-merge",
    { repository: repository("orders-deploy"), id: 7, merge: "gantry", commit: COMMIT, to: "main" },
    /may not let Gantry merge a pull request/,
  ],
  [
    "says that its commit was deployed",
    "git/set-commit-status",
    { repository: repository("orders"), commit: COMMIT, state: "succeeded", name: "gantry/cd/orders" },
    /may not set the commit status gantry\/cd\/orders/,
  ],
  [
    "says that the CI of the platform team has passed",
    "git/set-commit-status",
    { repository: repository("orders"), commit: COMMIT, state: "succeeded", name: "gantry/ci/orders" },
    /may not set the commit status gantry\/ci\/orders/,
  ],
  [
    "says that a check of the yaml repository has passed",
    "git/set-commit-status",
    { repository: repository("orders-deploy"), commit: COMMIT, state: "succeeded", name: "policy" },
    /may not set the commit status policy/,
  ],
  ["makes a repository", "git/create-repository", { repository: repository("orders-two") }, /APPS\/orders-two/],
  [
    "pushes another app's image",
    "image/build-push",
    { repository: "apps/payments", tags: ["1"] },
    /image repository apps\/payments/,
  ],
  [
    "reads another app's image",
    "image/verify",
    { repository: "apps/payments", digest: DIGEST },
    /image repository apps\/payments/,
  ],
  [
    "reads the scan of another app's image",
    "harbor/wait-for-scan",
    { repository: "apps/payments", digest: DIGEST },
    /image repository apps\/payments/,
  ],
  ["makes an image project", "harbor/ensure-project", { project: "payments" }, /image project payments/],
  ["syncs another app's application", "argocd/sync", application, /application payments-seoul-dp in project payments/],
  ["reads another app's application", "argocd/diff", application, /application payments-seoul-dp/],
  [
    "plans for another app's application",
    "argocd/plan",
    { ...application, target: "seoul", path: "p", cluster: "seoul-dp", namespace: "payments", images: [] },
    /application payments-seoul-dp/,
  ],
  ["waits for another app's application", "argocd/wait", application, /application payments-seoul-dp/],
  [
    "looks at another app's application",
    "argocd/require-app",
    {
      ...{ app: "payments-seoul-dp", project: "payments", repoUrl: "x", path: "." },
      ...{ cluster: "seoul-dp", namespace: "payments" },
    },
    /application payments-seoul-dp in project payments/,
  ],
  [
    "asks what the project of another app has registered",
    "argocd/ensure-repository",
    { repository: repository("orders-deploy"), project: "payments" },
    /Argo CD project payments/,
  ],
  [
    "syncs another app's application under its own project",
    "argocd/sync",
    { ...application, project: "orders" },
    /application payments-seoul-dp/,
  ],
  [
    "lets its project deploy another app's repository",
    "argocd/ensure-project",
    {
      project: "orders",
      sourceRepos: ["http://127.0.0.1/scm/apps/payments-deploy.git"],
      destinations: [{ cluster: "seoul-dp", namespace: "orders" }],
    },
    /repository http:\/\/127\.0\.0\.1\/scm\/apps\/payments-deploy\.git/,
  ],
  [
    "deploys into every namespace",
    "argocd/ensure-project",
    { project: "orders", sourceRepos: ["x"], destinations: [{ cluster: "seoul-dp", namespace: "*" }] },
    /repository x|namespace \*/,
  ],
  [
    "registers another app's repository in Argo CD",
    "argocd/ensure-repository",
    { repository: repository("payments-deploy") },
    /repository APPS\/payments-deploy/,
  ],
  ["asks for a cluster that is not its own", "argocd/require-cluster", { cluster: "osaka-dp" }, /cluster osaka-dp/],
  ["comments on another app's issue", "jira/comment", { issue: "PAY-1", text: "x" }, /Jira project PAY/],
  ["moves another app's issue", "jira/transition-issue", { issue: "PAY-1", to: "Done" }, /Jira project PAY/],
  ["creates an issue for another app", "jira/create-issue", { project: "PAY", summary: "x" }, /Jira project PAY/],
  ["makes a Jira project", "jira/create-project", { key: "NEW", name: "New" }, /Jira project NEW/],
  [
    "files an analysis under another app",
    "sonarqube/analyze",
    { projectKey: "payments" },
    /SonarQube project payments/,
  ],
  [
    "reads the quality gate of another app",
    "sonarqube/quality-gate",
    { ceTask: "t", projectKey: "payments" },
    /SonarQube project payments/,
  ],
];

test("what an app's own pipeline does with what belongs to another app is refused with a reason", async (t) => {
  // One runner for all: starting one takes longer than an attack.
  const { asked, run } = await openRefusingSite(t);
  for (const [does, name, input, refused] of ATTACKS)
    await t.test(`an app's own pipeline that ${does} is refused with a reason`, async () => {
      asked.length = 0;
      const { outcome, failure } = await run([uses("attack", name, input)]);
      assert.deepEqual([outcome, failure?.code], ["failed", "outside-app"], JSON.stringify(failure));
      assert.match(`${failure?.message} ${failure?.why}`, refused);
      assert.deepEqual(asked, []);
    });
});

test("a param or an output of an earlier step does not widen what a pipeline may use", async (t) => {
  const { agent, asked, run } = await openRefusingSite(t);
  const attack = uses("attack", "git/checkout", { repository: "${{ params.repository }}" });
  const scope = { params: { repository: repository("payments"), scope: "site" } };
  const { failure } = await run([attack], PLATFORM, { scope });
  assert.equal(failure?.code, "outside-app");
  const job = agent.offer({
    steps: [
      script("make", 'echo "slug=payments" >> $GANTRY_OUTPUT'),
      uses("attack", "git/commit-push", {
        repository: { project: "APPS", slug: "${{ steps.make.outputs.slug }}", system: "git" },
        message: "x",
      }),
    ],
    definition: OWN,
    scope: { params: {}, app: ORDERS, task: { id: "t1" } },
  });
  const report = await agent.reported(job);
  assert.equal(report.failure?.code, "outside-app");
  const ended = job.progress.find((one) => one.kind === "step-ended" && one.step === "attack");
  // The task-agent keeps it in the history of the task.
  assert.equal(ended?.kind === "step-ended" && ended.failure?.code, "outside-app");
  assert.deepEqual(asked, []);
});

test("`scope: site` counts in a pipeline of the platform, and not in an app's own", async (t) => {
  const { asked, run } = await openRefusingSite(t);
  const step = uses("read", "image/verify", { repository: "apps/payments", digest: DIGEST }, { scope: "site" });
  const own = await run([step]);
  assert.equal(own.failure?.code, "outside-app");
  assert.match(String(own.failure?.why), /may not use `scope: site`/);
  assert.deepEqual(asked, []);
  assert.equal((await run([step], PLATFORM)).failure?.code, "system-refused");
  assert.notDeepEqual(asked, []);
});

test("an app's own pipeline may use what is its app's, and what the site shares", async (t) => {
  const { asked, run } = await openRefusingSite(t, { shared: { images: ["library/*"], repositories: ["LIBS/*"] } });
  const verify = (name: string) => uses("verify", "image/verify", { repository: name, digest: DIGEST });
  assert.equal((await run([verify("apps/orders")])).failure?.code, "system-refused");
  assert.equal((await run([verify("library/web-base")])).failure?.code, "system-refused");
  const shared = uses("read", "git/checkout", { repository: repository("common", { project: "LIBS" }) });
  assert.notEqual((await run([shared])).failure?.code, "outside-app");
  asked.length = 0;
  const sync = uses("sync", "argocd/sync", { app: "orders-seoul-dp", project: "orders", revision: COMMIT });
  assert.notEqual((await run([sync])).failure?.code, "outside-app");
  assert.ok(asked.some((path) => path.includes("orders-seoul-dp")));
  const status = (name: string) => {
    const input = { repository: repository("orders"), commit: COMMIT, state: "succeeded", name };
    return uses("status", "git/set-commit-status", input);
  };
  assert.equal((await run([status("gantry/own/orders/lint")])).outcome, "succeeded");
  assert.equal((await run([status("gantry/ci/orders")], { ...OWN, action: "ci" })).outcome, "succeeded");
  asked.length = 0;
  const push = uses("push", "git/commit-push", { repository: repository("common", { project: "LIBS" }), message: "x" });
  assert.equal((await run([push])).failure?.code, "outside-app");
  assert.deepEqual(asked, []);
});

test("no path leads out of what the site shares", async (t) => {
  const { asked, run } = await openRefusingSite(t, { shared: { images: ["library/*"], repositories: ["LIBS/*"] } });
  const attacks = [
    ["harbor/wait-for-scan", { repository: "library/../apps/payments", digest: DIGEST }],
    ["harbor/wait-for-scan", { repository: "library//payments", digest: DIGEST }],
    ["image/verify", { repository: "library/../apps/payments", digest: DIGEST }],
    ["argocd/ensure-repository", { repository: repository("../APPS/payments", { project: "LIBS" }) }],
    ["git/checkout", { repository: repository("..", { project: "LIBS" }) }],
  ] as const;
  for (const [name, input] of attacks) {
    const { failure } = await run([uses("attack", name, input)]);
    assert.match(String(failure?.code), /^(?:outside-app|bad-input)$/, name);
  }
  assert.deepEqual(asked, []);
});

test("an app's own pipeline cannot label its application as another app's", async (t) => {
  const { asked, run } = await openRefusingSite(t);
  const input = {
    app: "orders-seoul-dp",
    project: "orders",
    repoUrl: "https://git.example/orders-deploy",
    path: "overlays/seoul-dp",
    targetRevision: "main",
    cluster: "seoul-dp",
    namespace: "orders",
    labels: { "gantry/app": "payments" },
  };
  const { failure } = await run([uses("attack", "argocd/ensure-app", input)]);
  assert.equal(failure?.code, "bad-input");
  assert.match(String(failure?.why), /gantry\/app/);
  assert.deepEqual(asked, []);
});

test("an app's own pipeline cannot use the accounts of a site where the app is not", async (t) => {
  const { asked, run } = await openRefusingSite(t);
  const verify = uses("verify", "image/verify", { repository: "apps/orders", digest: DIGEST });
  const { failure } = await run([verify], OWN, { site: "osaka" });
  assert.equal(failure?.code, "outside-app");
  assert.match(String(failure?.why), /neither builds nor runs at site osaka/);
  assert.deepEqual(asked, []);
});

test("a pipeline that creates an app pushes only to what it has created in this job", async (t) => {
  const { asked, run } = await openRefusingSite(t);
  const creating: Definition = { origin: "platform", app: "new" };
  const push = uses("push", "git/commit-push", { repository: repository("payments"), message: "x" });
  const report = await run([push], creating, { scope: { app: { name: "orders" } } });
  assert.equal(report.failure?.code, "outside-app");
  // A creation that was refused gives no right to what was there before.
  const make = uses("make", "git/create-repository", { repository: repository("payments") });
  const both = await run([make, { ...push, when: "always" }], creating, { scope: { app: { name: "orders" } } });
  assert.equal(both.failure?.code, "system-strange");
  assert.ok(
    asked.every((path) => !path.includes("/scm/")),
    asked.join(" "),
  );
});

test("an app's own pipeline gets only the secrets that the site allows for the app", async (t) => {
  const { agent, run } = await openRefusingSite(t);
  const show = (secret: string) => script("show", "echo ${#KEY}", { env: { KEY: `\${{ secrets.${secret} }}` } });
  assert.equal((await run([show("SIGNING_KEY")])).outcome, "succeeded");
  for (const secret of ["OTHER_KEY", "HARBOR"]) {
    const { outcome, failure } = await run([show(secret)]);
    assert.deepEqual([outcome, failure?.code], ["failed", "secret-not-allowed"]);
    assert.match(String(failure?.message), new RegExp(`app orders may not use the secret ${secret}`));
  }
  assert.equal((await run([show("HARBOR")], PLATFORM)).outcome, "succeeded");
  assert.ok(agent.jobs.every((job) => !agent.log(job, "show").includes("credential")));
});

test("a Dockerfile that begins with another app's image is refused before the registry is asked", async (t) => {
  const { agent, asked } = await openRefusingSite(t);
  const job = agent.offer({
    steps: [
      script("write", "printf 'ARG REGISTRY\\nFROM $REGISTRY/apps/payments:1\\n' > Dockerfile"),
      uses("build", "image/build-push", { repository: "apps/orders", tags: ["1"] }),
    ],
    // The pipelines that ship, too: people write Dockerfiles.
    definition: PLATFORM,
    scope: { params: {}, app: ORDERS, task: { id: "t1" } },
  });
  const { outcome, failure } = await agent.reported(job);
  assert.deepEqual([outcome, failure?.code], ["failed", "outside-app"], JSON.stringify(failure));
  assert.match(String(failure?.why), /image repository apps\/payments does not belong to the app orders/);
  assert.deepEqual(asked, []);
});

test("a runner for one kind of work refuses the other, if an older task-agent offers it", async (t) => {
  const build = await openRefusingSite(t, { runs: ["build"] });
  const sync = uses("sync", "argocd/sync", { app: "orders-seoul-dp", project: "orders", revision: COMMIT });
  assert.equal((await build.run([sync], PLATFORM)).failure?.code, "work-refused");
  assert.equal((await build.run([script("one", "true")], PLATFORM)).outcome, "succeeded");
  const deploy = await openRefusingSite(t, { runs: ["deploy"] });
  assert.equal((await deploy.run([script("one", "true")], PLATFORM)).failure?.code, "work-refused");
  const image = uses("image", "image/build-push", { repository: "apps/orders", tags: ["1"] });
  assert.equal((await deploy.run([image], PLATFORM)).failure?.code, "work-refused");
  assert.deepEqual([...build.asked, ...deploy.asked], []);
});

test("a job without a definition's origin comes from an older task-agent and runs as before", async (t) => {
  const { agent } = await openRefusingSite(t);
  const job = agent.offer({
    steps: [uses("verify", "image/verify", { repository: "apps/payments", digest: DIGEST })],
    scope: { params: {}, app: ORDERS, task: { id: "t1" } },
  });
  assert.equal((await agent.reported(job)).failure?.code, "system-refused");
});

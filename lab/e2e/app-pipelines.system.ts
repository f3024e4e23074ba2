// Which pipeline a button of an app starts: the one for everybody, one that the app names or its labels select, or one that
// the app brings in its own repository, where the platform team allows it.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { runCommand } from "@gantry/cli/portal.fixture.ts";
import { ACCOUNTS, startLabHost } from "@gantry/connectors/git/lab.fixture.ts";
import { pushAsSomebody, seed } from "@gantry/connectors/git/lab-git.fixture.ts";
import { explain, GantryError } from "@gantry/core/errors.ts";
import { startPortal } from "@gantry/portal-api/main.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import { startRunner } from "@gantry/task-runner/main.ts";
import type { AppPipelinesView } from "@gantry/wire/agent/app-pipelines.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";

const token = "platform-token-of-this-test";
const runnerToken = "runner-token-of-this-test";
const logger = makeLogger("test", "silent");

const pipeline = (name: string, rest = "", script = "x"): string =>
  `name: ${name}\n${rest}jobs:\n  work: { site: "\${{ app.build.site }}", steps: [{ run: "echo ${script}" }] }\n`;

async function open(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "gantry-app-pipelines-"));
  const definitions = join(folder, "definitions");
  await mkdir(join(definitions, "pipelines"), { recursive: true });
  const write = (name: string, text: string): Promise<void> => writeFile(join(definitions, name), text);
  await write("pipelines/ci.yaml", pipeline("ci"));
  await write("pipelines/ci-java.yaml", pipeline("ci-java", 'action: ci\napps: ["label:stack=java"]\n'));
  await write("pipelines/ci-slow.yaml", pipeline("ci-slow", "action: ci\n"));
  await write("pipelines/nightly.yaml", pipeline("nightly"));
  await write("pipelines/tidy.yaml", pipeline("tidy", 'apps: ["label:stack=java"]\ntriggers: [{ tag: {} }]\n'));
  await write(
    "pipelines/whole.yaml",
    'name: whole\napp: none\njobs: { work: { site: seoul, steps: [{ run: "true" }] } }\n',
  );
  await write("own-pipelines.yaml", 'allow:\n  - { apps: ["label:own=*"], actions: [ci] }\n');
  const closers = [() => rm(folder, { recursive: true })];
  t.after(async () => {
    for (const close of closers.toReversed()) await close();
  });
  const lab = await startLabHost("bitbucket-dc", join(folder, "git"));
  closers.push(() => lab.server.close());
  await seed(lab, "orders", { "README.md": "ours" });
  await writeFile(join(folder, "git-token"), ACCOUNTS[0]?.token ?? "");
  const agent = await startTaskAgent(
    {
      data: join(folder, "agent"),
      port: 0,
      portalUrl: "http://portal",
      token,
      runnerTokens: { [runnerToken]: "seoul" },
      pipelines: definitions,
    },
    { logger },
  );
  closers.push(() => agent.close());
  await mkdir(join(folder, "runner"));
  const runner = await startRunner(
    {
      name: "seoul-1",
      site: "seoul",
      agent: agent.url,
      token: runnerToken,
      data: join(folder, "runner"),
      isolation: "none",
      systems: { git: { kind: "git", provider: "bitbucket-dc", url: lab.server.url, token: "GIT", appsMay: ["*/*"] } },
      secrets: { GIT: { file: join(folder, "git-token") } },
    },
    { logger },
  );
  closers.push(() => runner.close({ drainMs: 0 }));
  const portal = await startPortal(
    { dataDir: join(folder, "portal"), port: 0, agent: { url: agent.url, token } },
    { logger },
  );
  closers.push(() => portal.close());
  const env = { GANTRY_PORTAL: portal.url, GANTRY_TOKEN_FILE: join(folder, "portal/admin-token") };
  const gantry = async (...argv: string[]): Promise<{ readonly code: number; readonly out: string }> => {
    try {
      return await runCommand(argv, { env });
    } catch (error) {
      if (!(error instanceof GantryError)) throw error;
      const { why } = explain(error);
      return { code: 1, out: [error.message, why, ...error.problems.map((one) => JSON.stringify(one))].join("\n") };
    }
  };
  return {
    write,
    gantry,
    push: (files: Readonly<Record<string, string>>) => pushAsSomebody(lab, "orders", files),
    remove: (paths: readonly string[]) => pushAsSomebody(lab, "orders", {}, "main", paths),
    adopt: async (name: string, more: object): Promise<{ readonly code: number; readonly out: string }> => {
      const repository = { system: "git", project: lab.project, slug: "orders" };
      const app = {
        title: name,
        source: repository,
        build: { site: "seoul" },
        yaml: { ...repository, slug: `${name}-deploy` },
        targets: [{ name: "one", site: "seoul", cluster: "dp", overlay: name }],
        ...more,
      };
      const file = join(folder, `${name}.yaml`);
      await writeFile(file, JSON.stringify({ apps: [{ name, ...app }] }));
      return gantry("app", "apply", "--file", file);
    },
    /** The task that Run CI has started, after its end. */
    ci: async (app: string): Promise<TaskView> => {
      const run = await gantry("ci", app, "--json");
      assert.equal(run.code, 0, run.out);
      const { id } = JSON.parse(run.out) as TaskView;
      await gantry("task", "watch", id);
      return JSON.parse((await gantry("task", "show", id, "--json")).out) as TaskView;
    },
  };
}

test("an app's labels select the pipeline of Run CI, or the app names one; what is unclear or missing is said", async (t) => {
  const { write, gantry, adopt, ci } = await open(t);
  for (const [name, more] of [
    ["plain", {}],
    ["billing", { labels: { stack: "java" } }],
    ["slow", { labels: { stack: "java" }, pipelines: { ci: "ci-slow" } }],
  ] as const)
    assert.equal((await adopt(name, more)).code, 0);
  assert.equal((await ci("plain")).pipeline, "ci");
  const task = await ci("billing");
  assert.deepEqual([task.pipeline, task.state, task.action], ["ci-java", "succeeded", "ci"]);
  assert.equal((await ci("slow")).pipeline, "ci-slow");

  const misspelled = await adopt("typo", { pipelines: { ci: "ci-jave" } });
  assert.equal(misspelled.code, 1);
  assert.match(misspelled.out, /names the pipeline ci-jave, which does not exist \(did you mean ci-java\?\)/);
  const other = await adopt("other", { pipelines: { ci: "nightly" } });
  assert.match(other.out, /`action: ci` is missing in its file/);

  assert.match((await gantry("app", "pipelines", "slow")).out, /Run CI: ci-slow\nRun CD: No pipeline/);
  const others = async (app: string): Promise<readonly string[]> =>
    (JSON.parse((await gantry("app", "pipelines", app, "--json")).out) as AppPipelinesView).others?.map(
      ({ name }) => name,
    ) ?? [];
  assert.deepEqual(await others("plain"), ["nightly"], "neither for a button, nor for other apps, nor without an app");
  assert.deepEqual(await others("billing"), ["nightly", "tidy"]);
  assert.match((await gantry("app", "pipelines", "plain")).out, /^Run nightly: nightly$/m);
  await write("pipelines/ci-more.yaml", pipeline("ci-more", 'action: ci\napps: ["bill*"]\n'));
  await untilListed(gantry, "ci-more");
  const unclear = await gantry("ci", "billing");
  assert.notEqual(unclear.code, 0);
  assert.match(
    unclear.out,
    /Several pipelines select the app billing: ci-java, ci-more\. Name one of them in `pipelines\.ci`/,
  );
});

test("an app's own .gantry/ci.yaml is what Run CI starts, as it was pushed last, within the limits of an app", async (t) => {
  const { write, gantry, adopt, push, remove, ci } = await open(t);
  await adopt("plain", {});
  await adopt("orders", { labels: { own: "yes" }, yaml: { system: "git", project: "APPS", slug: "x" } });
  assert.equal((await ci("orders")).pipeline, "ci", "the repository has none");

  await push({ ".gantry/ci.yaml": pipeline("ci", "", "first") });
  const first = await ci("orders");
  assert.deepEqual([first.pipeline, first.state], ["orders.ci", "succeeded"]);
  assert.equal((await ci("plain")).pipeline, "ci", "the files of another app's repository do not count");
  await push({ ".gantry/ci.yaml": pipeline("ci", "", "second") });
  const second = await ci("orders");
  assert.notEqual(second.definition.version, first.definition.version);
  assert.match((await gantry("task", "logs", second.id)).out, /second/);

  const many = Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`.gantry/p${n}.yaml`, pipeline(`p${n}`)]));
  await push(many);
  const tooMany = await gantry("ci", "orders");
  assert.notEqual(tooMany.code, 0);
  assert.match(tooMany.out, /\.gantry holds 22 pipelines; an app may have 20/);
  await remove(Object.keys(many));

  await push({
    ".gantry/ci.yaml": `name: cd
remember: { digest: x }
jobs:
  work:
    site: seoul
    steps:
      - uses: git/checkout
        scope: site
        with: { repository: { project: APPS, slug: other } }
`,
  });
  const refused = await gantry("ci", "orders", "--json");
  assert.notEqual(refused.code, 0);
  for (const part of [
    "own pipeline for cd",
    "only pipelines of the platform team keep facts",
    "only pipelines of the platform team may have a scope",
  ])
    assert.ok(refused.out.includes(part), `${part} in ${refused.out}`);
  assert.match(refused.out, /"file":"\.gantry\/ci\.yaml","line":8/);

  const deploying = `      - { uses: argocd/sync, with: { project: orders, app: orders, revision: ${"a".repeat(40)} } }\n`;
  await push({
    ".gantry/ci.yaml": `name: ci
triggers: [{ push: {} }, { upstream: { pipeline: more } }]
jobs:
  work:
    site: seoul
    steps:
${deploying}`,
    ".gantry/more.yaml": pipeline("more", "triggers: [{ upstream: { pipeline: ci } }]\n"),
  });
  const unattended = await gantry("ci", "orders", "--json");
  assert.notEqual(unattended.code, 0);
  for (const part of [
    "started by people who may run CD, so it has no triggers",
    "pipelines start each other without end: ci → more → ci",
  ])
    assert.ok(unattended.out.includes(part), `${part} in ${unattended.out}`);
  await remove([".gantry/more.yaml"]);

  await push({ ".gantry/ci.yaml": pipeline("ci").replace("${{ app.build.site }}", "platform") });
  const elsewhere = await ci("orders");
  assert.equal(elsewhere.state, "errored");
  assert.match(JSON.stringify(elsewhere), /only the sites where the app is built or runs/);

  await write("own-pipelines.yaml", "allow: []\n");
  await untilFalls(gantry);
  assert.equal((await ci("orders")).pipeline, "ci", "not allowed any more");
  for (const which of [[], ["--newest"]]) {
    const again = await gantry("task", "rerun", second.id, ...which);
    assert.notEqual(again.code, 0, "neither with the file that its task had, nor with the newest");
    assert.match(again.out, /does not let this app|There is no pipeline orders\.ci/);
  }
});

test("own pipelines make builds only while the platform team lets them, also when their tasks run again", async (t) => {
  const { write, gantry, adopt, push, ci } = await open(t);
  const allow = (builds: boolean): Promise<void> =>
    write("own-pipelines.yaml", `allow:\n  - { apps: [orders], actions: [ci], builds: ${builds} }\n`);
  const digest = `sha256:${"a".repeat(64)}`;
  const images = `[{ name: orders, repository: apps/orders, image: h/apps/orders, digest: "${digest}" }]`;
  const build = `build: { commit: c0ffee, branch: main, images: ${images}, gate: { status: passed } }\n`;
  await push({ ".gantry/ci.yaml": pipeline("ci", build) });
  await allow(true);
  await adopt("orders", {});
  const numbers = async (): Promise<string> => (await gantry("api", "GET", "/v1/apps/orders/builds")).out;
  let first = await ci("orders");
  while (first.pipeline !== "orders.ci") first = await ci("orders");
  assert.match(await numbers(), /"number": ?1/);

  await allow(false);
  while (!(await gantry("ci", "orders")).out.includes("does not let own pipelines of this app make builds"));
  const before = await numbers();
  const again = await gantry("task", "rerun", first.id);
  assert.notEqual(again.code, 0);
  assert.match(again.out, /does not let this app have this pipeline of its own any more/);
  assert.equal(await numbers(), before);
});

test("who may push to .gantry does not get the secret parameter that somebody else once gave", async (t) => {
  const { gantry, adopt, push, ci } = await open(t);
  const secret = "a-secret-of-somebody-else";
  const params = (isSecret: boolean): string => `params: { key: { type: string, secret: ${isSecret} } }\n`;
  await adopt("orders", { labels: { own: "yes" } });
  await push({ ".gantry/ci.yaml": pipeline("ci", params(true)) });
  const run = await gantry("ci", "orders", "--param", `key=${secret}`, "--json");
  assert.equal(run.code, 0, run.out);
  const { id } = JSON.parse(run.out) as TaskView;
  await gantry("task", "watch", id);
  for (const changed of [pipeline("ci", params(false)), pipeline("ci", params(true), "changed")]) {
    await push({ ".gantry/ci.yaml": changed });
    await ci("orders");
    const rerun = await gantry("task", "rerun", id, "--newest", "--json");
    assert.equal(rerun.code, 0, rerun.out);
    const again = JSON.parse(rerun.out) as TaskView;
    await gantry("task", "watch", again.id);
    const shown = (await gantry("api", "GET", `/v1/tasks/${again.id}`)).out;
    assert.doesNotMatch(shown, new RegExp(secret));
    assert.match(shown, /"params":\{\}/, "whoever runs it gives it anew");
  }
});

type Gantry = (...argv: string[]) => Promise<{ readonly out: string }>;

async function untilListed(gantry: Gantry, name: string): Promise<void> {
  while (!(await gantry("pipeline", "list")).out.includes(name));
}

async function untilFalls(gantry: Gantry): Promise<void> {
  while (/"name": ?"orders\.ci"/.test((await gantry("api", "GET", "/v1/apps/orders/pipelines")).out));
}

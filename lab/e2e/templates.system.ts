// The templates of create-app at a git host that has none yet: pushed and read by a runner at site `platform`, asked for by
// commands of the administrator.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { runCommand } from "@gantry/cli/portal.fixture.ts";
import { ACCOUNTS, startLabHost } from "@gantry/connectors/git/lab.fixture.ts";
import { pushAsSomebody } from "@gantry/connectors/git/lab-git.fixture.ts";
import type { GantryError } from "@gantry/core/errors.ts";
import { startPortal } from "@gantry/portal-api/main.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import { startRunner } from "@gantry/task-runner/main.ts";
import { makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import { stringify } from "yaml";
import { writeLabDefinitions } from "../definitions.ts";
import { startArgoCd } from "../fakes/argo-cd/argo-cd.ts";

const token = "platform-token-of-this-test";
const runnerTokens = { "runner-token-of-platform": "platform", "runner-token-of-seoul": "seoul" };
const logger = makeLogger("test", "silent");

/** `every`: how often templates and clusters are read by themselves. Default: not while a test runs. */
async function open(t: TestContext, hasPreset: boolean, every = "1h") {
  const folder = await mkdtemp(join(tmpdir(), "gantry-templates-"));
  const lab = await startLabHost("bitbucket-dc", join(folder, "git"));
  const argocd = await startArgoCd({
    ...{ name: "argocd", dir: folder, token: "argocd-token-1" },
    clusters: [{ name: "seoul-dp", server: "https://seoul-dp.example" }],
  });
  const pipelines = writeLabDefinitions(folder, {});
  const preset = `create-app: { templates: { default: ${lab.project} } }\n`;
  await writeFile(join(pipelines, "params.yaml"), hasPreset ? preset : "{}\n");
  const agent = await startTaskAgent(
    { data: join(folder, "agent"), portalUrl: "http://portal", token, runnerTokens, pipelines, templates: { every } },
    { logger },
  );
  await writeFile(join(folder, "git-token"), ACCOUNTS[0]?.token ?? "");
  await writeFile(join(folder, "argocd-token"), "argocd-token-1");
  const systems = {
    platform: {
      git: { kind: "git", provider: "bitbucket-dc", url: lab.server.url, token: "GIT", appsMay: ["SHOP/*"] },
    },
    seoul: { argocd: { kind: "argocd", url: argocd.url, token: "ARGOCD" } },
  } as const;
  const runners: Awaited<ReturnType<typeof startRunner>>[] = [];
  for (const [runnerToken, site] of Object.entries(runnerTokens)) {
    await mkdir(join(folder, site));
    const runner = await startRunner(
      {
        ...{ name: `${site}-1`, site, agent: agent.url, token: runnerToken, data: join(folder, site) },
        isolation: "none",
        systems: systems[site as keyof typeof systems],
        secrets: { GIT: { file: join(folder, "git-token") }, ARGOCD: { file: join(folder, "argocd-token") } },
      },
      { logger },
    );
    await runner.registered;
    runners.push(runner);
  }
  const portal = await startPortal(
    { dataDir: join(folder, "portal"), port: 0, agent: { url: agent.url, token } },
    { logger },
  );
  t.after(async () => {
    await portal.close();
    for (const runner of runners) await runner.close({ drainMs: 0 });
    await agent.close();
    await argocd.close();
    await lab.server.close();
    await rm(folder, { recursive: true });
  });
  const env = { GANTRY_PORTAL: portal.url, GANTRY_TOKEN_FILE: join(folder, "portal/admin-token") };
  return {
    lab,
    folder,
    client: makeAgentClient({ url: agent.url, token }),
    command: (...argv: string[]) => runCommand(argv, { env }),
    gantry: (...argv: string[]) => runCommand(["templates", ...argv], { env }),
  };
}

async function until<T>(read: () => Promise<T>, isSo: (value: T) => boolean): Promise<T> {
  const deadline = AbortSignal.timeout(60_000);
  for (;;) {
    const value = await read();
    if (isSo(value)) return value;
    deadline.throwIfAborted();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("shipped templates are pushed on request, and the form of create-app offers what is there", async (t) => {
  const { lab, client, command, gantry } = await open(t, true);
  const before = await gantry("list", "--last");
  assert.deepEqual([before.code, before.out], [1, "The templates have not been read yet.\n"]);

  const first = await gantry("push");
  assert.equal(first.code, 0, first.out);
  for (const name of ["java-service", "static-site", "web-service", "web-service-deploy"])
    assert.match(first.out, new RegExp(`${name} +new +http`));

  await pushAsSomebody(lab, "static-site", { "README.md": "ours\n" });
  const again = await gantry("push", "static-site", "web-service");
  assert.match(again.out, /static-site +kept: others have changed it; --force replaces it/);
  assert.match(again.out, /web-service +same/);
  assert.doesNotMatch(again.out, /java-service/);

  const list = await gantry();
  assert.equal(list.code, 0, list.out);
  assert.match(list.out, /static-site +source +changed by others +Static site/);
  assert.match(list.out, /java-service-deploy +deploy +as it ships/);

  const { properties } = (await client.pipeline("create-app")).params as {
    properties: Record<string, { examples?: unknown }>;
  };
  assert.deepEqual(properties.template?.examples, ["java-service", "static-site", "web-service"]);
  assert.deepEqual(properties.targets?.examples, ["seoul/seoul-dp"]);
  assert.deepEqual(properties.project?.examples, ["SHOP"]);
  assert.deepEqual(properties.buildSite?.examples, ["seoul"]);

  const shown = await command("pipeline", "show", "create-app");
  assert.match(shown.out, /Known: java-service, static-site, web-service\./);
  assert.match(shown.out, /Known: seoul\/seoul-dp\./);

  const forced = await gantry("push", "static-site", "--force");
  assert.match(forced.out, /static-site +changed/);
});

test("without a project, push says where to name it; its pipeline cannot be started by people", async (t) => {
  const { lab, client, gantry } = await open(t, false);
  await assert.rejects(gantry("push"), (error: Error) => {
    assert.match(JSON.stringify(error), /params\.yaml presets no project of the templates/);
    return true;
  });
  const unknown = await gantry("push", "web-servise", "--project", lab.project);
  assert.equal(unknown.code, 1);
  assert.match(unknown.out, /no template web-servise ships with Gantry \(did you mean web-service\?\)/);
  const request = { pipeline: "templates-sync", params: { project: "X" }, principal: "eve", idempotencyKey: "k" };
  await assert.rejects(client.startTask(request), { code: "pipeline-unknown" });
});

test("a schedule reads templates and clusters, and the last good list stays when a system refuses", async (t) => {
  const { client, folder, gantry, command } = await open(t, true, "1s");
  const read = await until(
    () => client.templates(),
    (view) => view.read?.clusters.some(({ site }) => site === "seoul") === true && view.read.templates.length > 0,
  );
  assert.deepEqual(read.read?.clusters[0]?.names, ["seoul-dp"]);
  assert.match((await command("site", "show", "seoul")).out, /Clusters, as read at \S+Z: seoul-dp/);

  await writeFile(join(folder, "argocd-token"), "no longer valid");
  const later = await until(
    () => client.templates(),
    ({ task }) => task !== undefined && task.id !== read.task?.id,
  );
  assert.deepEqual(later.read?.clusters[0]?.names, ["seoul-dp"]);
  assert.match((await gantry("list", "--last")).out, /Project \S+, read at \d{4}-/);
});

test("a target in a cluster that the Argo CD of its site does not show is refused at every door", async (t) => {
  const { client, folder, gantry, command } = await open(t, true);
  const file = join(folder, "apps.yaml");
  const written = (cluster: string) => ({
    title: "Orders",
    source: { system: "git", project: "SHOP", slug: "orders" },
    build: { site: "seoul" },
    yaml: { system: "git", project: "SHOP", slug: "orders-deploy" },
    targets: [{ name: "seoul", site: "seoul", cluster, overlay: "overlays/seoul" }],
  });
  const apply = async (cluster: string) => {
    await writeFile(file, stringify({ apps: [{ name: "orders", ...written(cluster) }] }));
    return command("app", "apply", "-f", file, "--dry-run");
  };
  assert.equal((await apply("seoul-pd")).code, 0, "nobody knows the clusters yet");
  await gantry("list");

  const refused = await apply("seoul-pd");
  assert.equal(refused.code, 1, refused.out);
  assert.match(
    refused.out,
    /the Argo CD of seoul shows no cluster seoul-pd \(did you mean seoul-dp\?\); it shows seoul-dp/,
  );
  assert.match(
    (await apply("https://seoul-dp.example")).out,
    /is the address of the cluster seoul-dp: write that name/,
  );
  assert.equal((await apply("seoul-dp")).code, 0);

  const adopt = (cluster: string) =>
    client.adoptApp("orders", { principal: "kim", app: written(cluster) as never, dryRun: false });
  await assert.rejects(adopt("seoul-pd"), (error: GantryError) => {
    assert.deepEqual([error.code, error.problems[0]?.pointer], ["bad-request", "/app/targets/0/cluster"]);
    return true;
  });
  await adopt("seoul-dp");
  const patch = { targets: written("seoul-pd").targets } as never;
  await assert.rejects(client.changeApp("orders", { principal: "kim", patch, dryRun: true }), { code: "bad-request" });

  const create = { name: "bills", title: "Bills", targets: ["seoul/seoul-pd"], buildSite: "seoul", project: "SHOP" };
  const started = client.startTask({
    ...{ pipeline: "create-app", principal: "kim", idempotencyKey: "k" },
    params: { ...create, template: "web-service", jiraKey: "BIL" },
  });
  await assert.rejects(started, (error: GantryError) => {
    assert.deepEqual([error.code, error.problems[0]?.pointer], ["bad-params", "/targets/0"], JSON.stringify(error));
    return true;
  });
});

test("who creates an app is told that the installation has no Jira, by the API and by the command", async (t) => {
  const { client, command } = await open(t, true);
  const flags = ["--title", "Bills", "--jira-key", "BIL", "--template", "web-service", "--target", "seoul/seoul-dp"];
  const { out } = await command(
    "app",
    "create",
    "bills",
    ...flags,
    "--param",
    "buildSite=seoul",
    "--param",
    "project=SHOP",
  );
  const warning = /No runner of the site platform has a system of the kind jira, which the step “.+” needs/;
  assert.match(out, new RegExp(`Warning: ${warning.source}`));
  const params = { ...{ name: "mills", title: "Mills", jiraKey: "MIL", template: "web-service" } };
  const task = await client.startTask({
    ...{ pipeline: "create-app", principal: "kim", idempotencyKey: "k" },
    params: { ...params, targets: ["seoul/seoul-dp"], buildSite: "seoul", project: "SHOP" },
  });
  assert.match(String(task.warnings), warning);
});

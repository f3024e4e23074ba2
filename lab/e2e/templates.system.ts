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
import { startPortal } from "@gantry/portal-api/main.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { startTaskAgent } from "@gantry/task-agent/main.ts";
import { startRunner } from "@gantry/task-runner/main.ts";
import { makeAgentClient } from "@gantry/wire/agent/agent-client.ts";
import { writeLabDefinitions } from "../definitions.ts";
import { startArgoCd } from "../fakes/argo-cd/argo-cd.ts";

const token = "platform-token-of-this-test";
const runnerTokens = { "runner-token-of-platform": "platform", "runner-token-of-seoul": "seoul" };
const logger = makeLogger("test", "silent");

async function open(t: TestContext, hasPreset: boolean) {
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
    { data: join(folder, "agent"), portalUrl: "http://portal", token, runnerTokens, pipelines },
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
    client: makeAgentClient({ url: agent.url, token }),
    command: (...argv: string[]) => runCommand(argv, { env }),
    gantry: (...argv: string[]) => runCommand(["templates", ...argv], { env }),
  };
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

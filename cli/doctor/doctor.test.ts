// `gantry doctor` against a real portal, task-agent and runner, which has systems with and without a mistake.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { startArgoCd } from "@gantry/lab/fakes/argo-cd/argo-cd.ts";
import { startNexus } from "@gantry/lab/fakes/nexus/nexus.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { startRunner } from "@gantry/task-runner/main.ts";
import { openPortal } from "../portal.fixture.ts";
import { questionsFor } from "./questions.ts";
import { silentSites } from "./report.ts";

const TOKEN = "runner-token-of-this-test";
const logger = makeLogger("test", "silent");
const dir = await mkdtemp(join(tmpdir(), "gantry-doctor-"));
// Own definitions: the pipeline that tests systems is part of Gantry.
const DEFINITIONS = { "own.yaml": "name: own\napp: none\njobs:\n  work: { site: seoul, steps: [{ run: x }] }\n" };
const portal = await openPortal({ agent: logger, portal: logger }, { [TOKEN]: "seoul" }, undefined, DEFINITIONS);
const nexus = await startNexus({ name: "nexus", dir, username: "gantry", password: "nexus-pass-1" });
const argocd = await startArgoCd({
  name: "argocd",
  dir,
  token: "argocd-token-1",
  clusters: [{ name: "seoul-dp", server: "https://seoul-dp.example" }],
});
await writeFile(join(dir, "nexus.txt"), "nexus-pass-1\n");
await writeFile(join(dir, "argocd.txt"), "argocd-token-of-yesterday\n");
const run = (...argv: string[]) => portal.run("doctor", ...argv);

after(async () => {
  await portal.close();
  await nexus.close();
  await argocd.close();
  await rm(dir, { recursive: true });
});

function runner(name: string, systems: object) {
  return startRunner(
    {
      name,
      site: "seoul",
      agent: portal.agentUrl,
      token: TOKEN,
      data: join(dir, name),
      isolation: "none",
      secrets: { NEXUS: { file: join(dir, "nexus.txt") }, ARGOCD: { file: join(dir, "argocd.txt") } },
      systems: systems as never,
    },
    { logger },
  );
}

const NEXUS = {
  kind: "nexus",
  url: nexus.url,
  username: "gantry",
  password: "NEXUS",
  repositories: { npm: "npm-group" },
};
const ARGOCD = { kind: "argocd", url: argocd.url, token: "ARGOCD" };

test("without a system doctor says what to add", async () => {
  const { code, out } = await run();
  assert.equal(code, 1);
  assert.match(out, /There is no system to test\. Add systems to the configuration of a runner/);
});

test("doctor asks each runner about its own systems, and exits with 1 while something is missing", async (t) => {
  const build = await runner("seoul-build", { nexus: NEXUS });
  t.after(() => build.close({ drainMs: 0 }));
  await build.registered;
  const good = await run();
  assert.equal(good.code, 0, good.out);
  assert.match(good.out, /^seoul, tested from its runner seoul-build\n {2}nexus \(nexus\) /);
  assert.match(good.out, /✓ may read the repositories that builds download from +npm-group/);

  const deploy = await runner("seoul-deploy", { argocd: ARGOCD });
  t.after(() => deploy.close({ drainMs: 0 }));
  await deploy.registered;
  const bad = await run("--site", "seoul");
  assert.equal(bad.code, 1, bad.out);
  assert.match(bad.out, /tested from its runner seoul-build\n {2}nexus/);
  assert.match(bad.out, /tested from its runner seoul-deploy\n {2}argocd/);
  assert.match(bad.out, /✗ signs in +.*\n +→ Put a valid token or password into the secret/);
  assert.match(bad.out, /\n1 thing is missing \(✗\)\.\n$/);
  assert.doesNotMatch(bad.out, /argocd-token-of-yesterday/);

  // Secrets are read for every step: no restart is needed.
  await writeFile(join(dir, "argocd.txt"), "argocd-token-1\n");
  const mended = await run("--system", "argocd", "--json");
  assert.equal(mended.code, 0, mended.out);
  const { reports } = JSON.parse(mended.out) as { reports: { runner: string; systems: unknown[] }[] };
  assert.deepEqual(
    reports.map((one) => [one.runner, one.systems.length]),
    [
      ["seoul-build", 0],
      ["seoul-deploy", 1],
    ],
  );
});

test("a site without a runner online cannot be tested, which counts as missing", async () => {
  const gone = { name: "tokyo-1", state: "offline" } as const;
  assert.deepEqual(silentSites([{ name: "tokyo", runners: [gone as never] }]), [
    "tokyo: no runner is online, so its systems were not tested. docs/runner.md tells how to start one.",
  ]);
  await assert.rejects(run("--site", "soeul"), { code: "not-found" });
  assert.equal((await run("--sight")).code, 2);
});

test("doctor asks about what apps name", () => {
  const site = {
    name: "seoul",
    runners: [{ name: "seoul-1", state: "online" }],
    systems: [{ name: "argocd", kind: "argocd" }],
  };
  const record = {
    source: { system: "bitbucket", project: "APPS", slug: "orders" },
    yaml: { project: "APPS", slug: "orders-deploy" },
    image: { repository: "apps/orders" },
    jira: { key: "ORD" },
    targets: [{ site: "seoul", cluster: "seoul-dp" }],
  };
  const app = { name: "orders", state: "ready", record } as const;
  const broken = { name: "odd", state: "ready", record: { targets: "none", yaml: 5 } } as const;
  assert.deepEqual(questionsFor([site as never], [app, broken], { site: undefined, system: undefined }), {
    runners: ["seoul/seoul-1"],
    systems: ["argocd/argocd"],
    clusters: ["seoul/seoul-dp"],
    repositories: [":APPS/orders-deploy", "bitbucket:APPS/orders"],
    pushed: [":APPS/orders-deploy"],
    deployed: ["seoul=:APPS/orders-deploy"],
    images: ["apps/orders"],
    argocdProjects: ["odd", "orders"],
    jiraProjects: ["ORD"],
  });
});

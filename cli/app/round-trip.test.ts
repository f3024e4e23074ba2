// What `gantry app export` writes is what `gantry app apply` reads: for apps of every shape, also after a rename and after
// they were forgotten.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { AppInput } from "@gantry/core/app/app-shape.ts";
import { repository, SHAPES } from "@gantry/lab/e2e/adopted-shapes.fixture.ts";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { stringify } from "yaml";
import { openPortal } from "../portal.fixture.ts";

const logger = makeLogger("test", "silent");
const portal = await openPortal(
  { agent: logger, portal: logger },
  { "runner-token-of-seoul-0": "seoul", "runner-token-of-tokyo-0": "tokyo" },
);
const folder = await mkdtemp(join(tmpdir(), "gantry-round-trip-"));
after(async () => {
  await portal.close();
  await rm(folder, { recursive: true });
});
const run = (...argv: string[]) => portal.runAsPerson("app", ...argv);

/** Protected branches, and everything that an app may say. */
const vault: AppInput = {
  title: "Vault: all that an app may say",
  team: "payments",
  labels: { tier: "1", "cost/center": "42" },
  source: { ...repository("vault"), branch: "release/1.x", folder: "service", url: "https://git.example/vault" },
  build: { site: "seoul", labels: ["linux"] },
  images: [
    { name: "web", install: [], test: ["make test"], kind: "go" },
    { name: "job", repository: "apps/vault-job", context: "job", dockerfile: "docker/Dockerfile" },
  ],
  yaml: { ...repository("vault-yaml"), form: "plain", push: "pull-request", merge: "gantry" },
  targets: [
    { name: "seoul.test", environment: "test", site: "seoul", cluster: "seoul-dp", files: ["test/vault.yaml"] },
    {
      ...{ name: "tokyo", site: "tokyo", cluster: "tokyo-dp", files: ["vault.yaml", "job.yaml"], branch: "prod" },
      ...{ at: "spec.template", path: ".", namespace: "vault-live", application: "vault.live" },
    },
  ],
  pipelines: { ci: "vault.build" },
  namespace: "vault",
  jira: { key: "VLT" },
  harbor: { project: "apps" },
  argocd: { project: "shop" },
  sonarqube: { project: "shop-vault" },
};
const apps = new Map<string, AppInput>([...SHAPES.map(({ name, app }) => [name, app] as const), ["vault", vault]]);

async function fileOf(name: string, text: string): Promise<string> {
  const path = join(folder, `${name}.yaml`);
  await writeFile(path, text);
  return path;
}

const asFile = (name: string, app: AppInput) => fileOf(name, stringify({ apps: [{ name, ...app }] }));

async function applied(path: string): Promise<string> {
  const { code, out } = await run("apply", "-f", path);
  assert.equal(code, 0, out);
  return /^\d+ created, .*$/m.exec(out)?.[0] ?? "";
}

for (const [name, app] of apps) {
  test(`${name}: exported and applied, nothing changes; renamed or forgotten and applied, it is as it was`, async () => {
    assert.match(await applied(await asFile(name, app)), /^1 created/);
    const first = (await run("export", name)).out;
    assert.match(await applied(await fileOf(name, first)), /^0 created, 0 changed, 1 unchanged/);
    assert.match(await applied(await asFile(name, app)), /^0 created, 0 changed, 1 unchanged/);

    // A patch of nothing is no change either.
    const view = (await run("view", name, "--json")).out;
    await run("forget", name);
    assert.match(await applied(await fileOf(name, first)), /^1 created/);
    assert.equal((await run("export", name)).out, first);
    assert.equal(recordIn((await run("view", name, "--json")).out), recordIn(view));

    await run("rename", name, `${name}-2`);
    const renamed = (await run("export", `${name}-2`)).out;
    assert.match(await applied(await fileOf(`${name}-2`, renamed)), /^0 created, 0 changed, 1 unchanged/);
    const old = await run("apply", "-f", await fileOf(name, first));
    assert.equal(old.code, 1, "the old file does not bring back the app beside the renamed one");
    assert.match(old.out, new RegExp(`belongs to ${name}-2`));
  });
}

function recordIn(view: string): string {
  return JSON.stringify((JSON.parse(view) as { readonly record: object }).record);
}

test("apps hand on a place in a chain, in one go and in any order", async () => {
  const at = (name: string, overlay: string): object => ({
    ...{ name, title: name, source: repository(name), build: { site: "seoul" }, yaml: repository("chain-yaml") },
    targets: [{ name: "seoul", site: "seoul", cluster: "seoul-dp", overlay, namespace: "chain" }],
  });
  const before = [at("chain-a", "a"), at("chain-b", "b"), at("chain-c", "c")];
  assert.match(await applied(await fileOf("chain", stringify({ apps: before }))), /^3 created/);
  const moved = [at("chain-a", "b"), at("chain-b", "c"), at("chain-c", "d")];
  const path = await fileOf("chain", stringify({ apps: moved }));
  const dry = await run("apply", "-f", path, "--dry-run");
  assert.equal(dry.code, 0, dry.out);
  assert.match(await applied(path), /^0 created, 3 changed/);
  assert.match(await applied(path), /^0 created, 0 changed, 3 unchanged/);
});

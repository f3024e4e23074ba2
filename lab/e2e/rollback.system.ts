// Back from a bad build: a CD that fails, the button on its page, and the old build that runs again at both sites, with auto-sync on.
// `GANTRY_PICTURES` names a folder for pictures of what people see.

import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { BuildView, TaskView } from "@gantry/wire/agent/views.ts";
import { chromium, type Page } from "playwright-core";
import { GantryProcess } from "../processes/gantry-process.ts";
import { CHROMIUM, hasBrowser } from "./browser.fixture.ts";
import { argoApp, Clone, latestFirst, tempFolder } from "./outside.fixture.ts";

const APP = "orders";
const SITES = ["seoul", "tokyo"];
const HOOK = `apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations: {argocd.argoproj.io/hook: PreSync, lab/hook: fail, lab/hook-ms: "50"}
spec: {template: {spec: {containers: [{name: migrate, image: busybox}]}}}
`;

test("a failed CD offers the way back, and the build before runs again", {
  skip: hasBrowser() ? false : "Chromium is not installed",
  timeout: 900_000,
}, async (t) => {
  const ends = latestFirst(t);
  const data = await tempFolder(ends, "rollback");
  const gantry = await GantryProcess.start(join(data, "gantry"), ["--no-demo"]);
  ends.after(() => gantry.stop());
  const run = async (path: string, body: object): Promise<TaskView> =>
    gantry.ended((await gantry.press(path, body)).id);
  const succeeded = async (path: string, body: object): Promise<TaskView> => {
    const task = await run(path, body);
    assert.equal(task.state, "succeeded", task.headline);
    return task;
  };
  await succeeded("/v1/apps", { params: { name: APP, title: "Orders", jiraKey: "ORD" } });
  const { record } = (await gantry.call("GET", `/v1/apps/${APP}`)).body as {
    record: { source: { cloneUrl: string }; yaml: { cloneUrl: string } };
  };
  await succeeded(`/v1/apps/${APP}/ci`, {});
  const first = await succeeded(`/v1/apps/${APP}/cd`, {});
  for (const site of SITES) await turnOnAutoSync(gantry, site);
  const source = await Clone.of(gantry, record.source.cloneUrl, join(data, "source"));
  const [readme = ""] = (await readdir(source.folder)).filter((name) => /readme/i.test(name));
  await source.push(readme, (text) => `${text}\nOrders are counted twice.\n`, "Count orders again");
  await succeeded(`/v1/apps/${APP}/ci`, {});
  const yaml = await Clone.of(gantry, record.yaml.cloneUrl, join(data, "yaml"));
  const overlays = SITES.map((site) => `overlays/${site}-dp/kustomization.yaml`);
  const before = await Promise.all(overlays.map((path) => yaml.read(path)));

  // A migration of the new build fails.
  const kustomization = "base/kustomization.yaml";
  await writeFile(join(yaml.folder, "base/migrate.yaml"), HOOK);
  await yaml.git("add", "--all");
  await yaml.git("commit", "--quiet", "--message", "Add a migration");
  await yaml.push(kustomization, (text) => text.replace(/resources:\n/, "resources:\n  - migrate.yaml\n"), "Migrate");
  const failed = await run(`/v1/apps/${APP}/cd`, {});
  assert.equal(failed.state, "failed", failed.headline);
  await yaml.push(kustomization, (text) => text.replace("  - migrate.yaml\n", ""), "Do not migrate");

  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
  ends.after(() => browser.close());
  const page = await (await browser.newContext({ viewport: { width: 1_440, height: 900 } })).newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(await gantry.signInLink());
  await page.getByRole("button", { name: "Sign in as admin" }).click();
  await page.getByRole("heading", { name: "Home" }).waitFor();
  await page.goto(`${gantry.url}/tasks/${failed.id}`);
  const button = page.getByRole("button", { name: "Roll back" });
  await button.waitFor();
  assert.match((await button.getAttribute("class")) ?? "", /primary/);
  await pictures(page, "failed-cd");
  await button.click();
  const dialog = page.getByRole("dialog", { name: `Roll ${APP} back` });
  for (const site of SITES) await dialog.getByText(site, { exact: true }).waitFor();
  await dialog.getByLabel("Reason").fill("Orders are counted twice");
  await pictures(page, "rollback-dialog");
  const began = performance.now();
  await dialog.getByRole("button", { name: "Roll back" }).click();
  await page.waitForURL((url) => url.pathname.startsWith("/tasks/") && !url.pathname.endsWith(failed.id));
  const id = new URL(page.url()).pathname.split("/").at(-1) ?? "";
  const [oldImage = ""] = String(first.outputs.image).split(", ");
  const digest = oldImage.split("@")[1] ?? "";
  const isBack = async (site: string): Promise<boolean> => {
    const { status } = await argoApp(gantry, site, `${APP}-${site}-dp`);
    return (
      status.health.status === "Healthy" &&
      status.sync.status === "Synced" &&
      status.summary.images.every((one) => one.endsWith(digest))
    );
  };
  while (!(await Promise.all(SITES.map(isBack))).every((one) => one)) {
    const { state, headline } = await gantry.task(id);
    assert.ok(!["failed", "errored"].includes(state), headline);
    await gantry.call("GET", "/v1/events?after=0&wait=50"); // a pause that the product itself gives
  }
  t.diagnostic(
    `from the click to Healthy on the old build at both sites: ${((performance.now() - began) / 1_000).toFixed(1)} s`,
  );
  const back = await gantry.ended(id);
  t.diagnostic(`the task took ${back.durationMs} ms`);
  assert.equal(back.state, "succeeded", back.headline);
  assert.equal(back.title, `Roll back: ${APP}`);
  await pictures(page, "rollback-task");

  await yaml.git("pull", "--quiet", "--rebase");
  assert.deepEqual(await Promise.all(overlays.map((path) => yaml.read(path))), before, "byte for byte");
  const message = await yaml.git("log", "-1", "--format=%B");
  assert.match(
    message,
    /^Roll orders back to #1 .* on tokyo, seoul\n\nTakes back #2\.\nOrders are counted twice\nThis reverts commit [0-9a-f]{40}\./,
  );
  const changed = (await yaml.git("show", "--name-only", "--format=", "HEAD")).split("\n").toSorted();
  assert.deepEqual(changed, overlays, "nothing else was changed");

  const builds = ((await gantry.call("GET", `/v1/apps/${APP}/builds`)).body as { items: BuildView[] }).items;
  assert.deepEqual(
    builds.map(({ number, held, runsIn }) => [number, held?.reason, runsIn]),
    [
      [2, "Orders are counted twice", []],
      [1, undefined, SITES],
    ],
  );
  await page.goto(`${gantry.url}/apps/${APP}`);
  await page.getByText("Held by admin: Orders are counted twice").waitFor();
  await pictures(page, "app");
  await page.goto(`${gantry.url}/tasks`);
  await page.getByText("Count orders again").first().waitFor();
  await pictures(page, "tasks");
  await page.goto(`${gantry.url}/apps/${APP}`);
  await page.getByRole("link", { name: "Run CD", exact: true }).click();
  await page.getByRole("region", { name: "What will happen" }).getByText("#1").first().waitFor();
  await pictures(page, "run-cd");
  await page.getByRole("dialog").getByLabel("Build").selectOption("2");
  await page.getByRole("region", { name: "What will happen" }).getByText("Held by admin").waitFor();
  await pictures(page, "run-cd-held");
});

/** As an administrator of Argo CD would. */
async function turnOnAutoSync(gantry: GantryProcess, site: string): Promise<void> {
  const { url, secret } = gantry.lab(`${site}-argocd`);
  const headers = { authorization: `Bearer ${secret}`, "content-type": "application/json" };
  const at = `${url}/api/v1/applications`;
  const found = await fetch(`${at}/${APP}-${site}-dp?project=${APP}`, { headers });
  const { metadata, spec } = (await found.json()) as { metadata: object; spec: object };
  const body = JSON.stringify({ metadata, spec: { ...spec, syncPolicy: { automated: { prune: true } } } });
  const answer = await fetch(`${at}?upsert=true&validate=false`, { method: "POST", headers, body });
  assert.equal(answer.status, 200, await answer.text());
}

async function pictures(page: Page, name: string): Promise<void> {
  const folder = process.env.GANTRY_PICTURES;
  if (folder === undefined) return;
  for (const colorScheme of ["light", "dark"] as const)
    for (const width of [1_440, 360]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({ path: join(folder, `${name}-${colorScheme}-${width}.png`) });
    }
  await page.setViewportSize({ width: 1_440, height: 900 });
}

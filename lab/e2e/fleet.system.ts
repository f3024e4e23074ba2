// The fleet page in a browser while somebody changes a cluster by hand and pushes to a yaml repository: what Argo CD knows, the page
// shows within two seconds, and nothing that is not well stays green.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { chromium, type Page } from "playwright-core";
import { GantryProcess } from "../processes/gantry-process.ts";
import { CHROMIUM, hasBrowser } from "./browser.fixture.ts";
import { pressByApi } from "./main-job.fixture.ts";
import { argoApp, Clone, latestFirst, tempFolder } from "./outside.fixture.ts";

const WAIT_MS = 60_000;
const SHOWN_WITHIN_MS = 2_000;
/** Set it to save screenshots. */
const pictures = process.env.GANTRY_PICTURES;

/** Deletes an object of a cluster without Argo CD. */
async function deleteByHand(gantry: GantryProcess, site: string, kind: string, name: string): Promise<void> {
  const { url } = gantry.lab(`${site}-argocd`);
  const body = JSON.stringify({ kind, name });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${url}/_lab/clusters/${site}-dp/delete`, { method: "POST", body, headers });
  assert.equal(answer.status, 204);
}

/** Argo CD no longer syncs by itself, so that what differs stays. */
async function stopAutoSync(gantry: GantryProcess, site: string): Promise<void> {
  const { url, secret } = gantry.lab(`${site}-argocd`);
  const answer = await fetch(`${url}/api/v1/applications/orders-${site}-dp`, {
    method: "PATCH",
    headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
    body: JSON.stringify({ patch: JSON.stringify({ spec: { syncPolicy: null } }), patchType: "merge" }),
  });
  assert.equal(answer.status, 200, await answer.text());
}

async function refresh(gantry: GantryProcess, site: string): Promise<void> {
  const { url, secret } = gantry.lab(`${site}-argocd`);
  const headers = { authorization: `Bearer ${secret}` };
  await fetch(`${url}/api/v1/applications/orders-${site}-dp?project=orders&refresh=normal`, { headers });
}

/** Resolves when Argo CD itself says so. */
async function argoKnows(gantry: GantryProcess, site: string, isSo: (sync: string, health: string) => boolean) {
  for (;;) {
    const { status } = await argoApp(gantry, site, `orders-${site}-dp`);
    if (isSo(status.sync.status, status.health.status)) return;
  }
}

/** Waits for a state in the cell of a cluster. Returns how long that took, ms. */
async function shows(page: Page, cluster: string, words: RegExp): Promise<number> {
  const began = performance.now();
  await page
    .locator(`.cell[data-column="${cluster}"]`)
    .filter({ hasText: words })
    .first()
    .waitFor({ timeout: WAIT_MS });
  return performance.now() - began;
}

async function picture(page: Page, name: string): Promise<void> {
  if (!pictures) return;
  await mkdir(pictures, { recursive: true });
  for (const width of [1_440, 360])
    for (const colorScheme of ["light", "dark"] as const) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(pictures, `${name}-${width}-${colorScheme}.png`), fullPage: true });
    }
  await page.setViewportSize({ width: 1_440, height: 900 });
}

async function openFleet(t: TestContext, gantry: GantryProcess): Promise<Page> {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
  latestFirst(t).after(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1_440, height: 900 }, reducedMotion: "reduce" });
  page.setDefaultTimeout(WAIT_MS);
  await page.goto(await gantry.signInLink());
  await page.getByRole("button", { name: "Sign in as admin" }).click();
  await page.getByRole("link", { name: "Fleet" }).first().click();
  await page.getByRole("heading", { name: "Fleet" }).waitFor();
  return page;
}

test("what happens in a cluster and in git is on the fleet page within two seconds of Argo CD knowing", {
  skip: hasBrowser() ? false : `no Chromium at ${CHROMIUM}`,
  timeout: 600_000,
}, async (t) => {
  const ends = latestFirst(t);
  const data = await tempFolder(ends, "fleet");
  const gantry = await GantryProcess.start(join(data, "gantry"));
  ends.after(() => gantry.stop());
  await pressByApi(gantry);
  const page = await openFleet(t, gantry);
  await t.test("after the first deployment both clusters are healthy with build #1", async () => {
    await shows(page, "seoul-dp", /#1 [0-9a-f]{8}\s*healthy/);
    await shows(page, "tokyo-dp", /#1 [0-9a-f]{8}\s*healthy/);
    await picture(page, "fleet-healthy");
  });
  for (const site of ["seoul", "tokyo"]) await stopAutoSync(gantry, site);

  await t.test("a Deployment that somebody deletes is out of sync; when all is deleted it is missing", async () => {
    await deleteByHand(gantry, "seoul", "Deployment", "orders");
    await argoKnows(gantry, "seoul", (sync) => sync === "OutOfSync");
    const first = await shows(page, "seoul-dp", /out of sync.*Deployment orders differs from git/);
    t.diagnostic(`out of sync: shown ${Math.round(first)} ms after Argo CD knew`);
    assert.ok(first < SHOWN_WITHIN_MS, `${first} ms`);
    const { status } = await argoApp(gantry, "seoul", "orders-seoul-dp");
    for (const { kind, name } of status.resources) await deleteByHand(gantry, "seoul", kind, name);
    await argoKnows(gantry, "seoul", (_, health) => health === "Missing");
    const second = await shows(page, "seoul-dp", /missing/);
    t.diagnostic(`missing: shown ${Math.round(second)} ms after Argo CD knew`);
    assert.ok(second < SHOWN_WITHIN_MS, `${second} ms`);
    await picture(page, "fleet-missing");
  });

  await t.test("a foreign push is out of sync", async () => {
    const app = (await gantry.call("GET", "/v1/apps/orders")).body as { record: { yaml: { cloneUrl: string } } };
    const yaml = await Clone.of(gantry, app.record.yaml.cloneUrl, join(data, "yaml"));
    await yaml.push("overlays/tokyo-dp/kustomization.yaml", (text) => `${text}\nnamePrefix: foreign-\n`, "By hand");
    await refresh(gantry, "tokyo");
    await argoKnows(gantry, "tokyo", (sync) => sync === "OutOfSync");
    const took = await shows(page, "tokyo-dp", /out of sync/);
    t.diagnostic(`foreign push: shown ${Math.round(took)} ms after Argo CD knew`);
    assert.ok(took < SHOWN_WITHIN_MS, `${took} ms`);
  });

  await t.test("the app is not green, and its page says why", async () => {
    const app = (await gantry.call("GET", "/v1/apps/orders")).body as { live: unknown };
    assert.deepEqual(app.live, { state: "missing", counts: { missing: 1, "out-of-sync": 1 } });
    await page.goto(`${gantry.url}/apps/orders`);
    await page.getByText("missing: 1 of 2 targets").waitFor();
    await page
      .getByText(/differ from git/)
      .first()
      .waitFor();
    await picture(page, "app-missing");
  });
});

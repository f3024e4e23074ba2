// A release manager looks before deploying: at the command line and on the page of Run CD. What the plan says is what the run does, and a
// run that was started from a plan does nothing else. `GANTRY_PICTURES` names a folder for pictures of what people see.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type CdPlan, cdPlan } from "@gantry/wire/agent/deployments.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { chromium, type Locator, type Page } from "playwright-core";
import { GantryProcess } from "../processes/gantry-process.ts";
import { CHROMIUM, hasBrowser } from "./browser.fixture.ts";
import { argoApp, Clone, deleteManifest, latestFirst, tempFolder } from "./outside.fixture.ts";

const APP = "orders";
const SITES = ["seoul", "tokyo"];
const COMMAND = fileURLToPath(new URL("../../cli/gantry", import.meta.url));
const FREEZE =
  'environments: { production: { freezes: [{ from: "2020-01-01T00:00:00Z", to: "2999-01-01T00:00:00Z", reason: Holidays, owner: kim }] } }\n';

test("the plan of a deployment is told before it, and the deployment does just that", {
  skip: hasBrowser() ? false : "Chromium is not installed",
  timeout: 900_000,
}, async (t) => {
  const ends = latestFirst(t);
  const data = await tempFolder(ends, "cd-plan");
  const gantry = await GantryProcess.start(join(data, "gantry"), ["--no-demo"]);
  ends.after(() => gantry.stop());
  const succeeded = async (path: string, body: object): Promise<TaskView> => {
    const task = await gantry.ended((await gantry.press(path, body)).id);
    assert.equal(task.state, "succeeded", task.headline);
    return task;
  };
  await succeeded("/v1/apps", { params: { name: APP, title: "Orders", jiraKey: "ORD" } });
  const { record } = (await gantry.call("GET", `/v1/apps/${APP}`)).body as { record: Rec };
  await succeeded(`/v1/apps/${APP}/ci`, {});

  await t.test("before the first deployment, it is said that nobody can know", async () => {
    const { code, out } = await gantryCommand(gantry, ["cd", "plan", APP]);
    assert.equal(code, 1);
    assert.match(out, /^seoul: not known\. The application orders-seoul-dp does not exist yet, .*: everything in /m);
  });

  await succeeded(`/v1/apps/${APP}/cd`, {});
  await t.test("the same build again changes nothing", async () => {
    const { code, out } = await gantryCommand(gantry, ["cd", "plan", APP]);
    assert.equal(code, 0, out);
    assert.match(out, /^seoul: nothing changes$/m);
    assert.match(out, /^tokyo: nothing changes$/m);
  });

  const source = await Clone.of(gantry, record.source.cloneUrl, join(data, "source"));
  const [readme = ""] = (await readdir(source.folder)).filter((name) => /readme/i.test(name));
  await source.push(readme, (text) => `${text}\nCounts orders.\n`, "Count orders");
  const second = await succeeded(`/v1/apps/${APP}/ci`, {});
  const yaml = await Clone.of(gantry, record.yaml.cloneUrl, join(data, "yaml"));
  const replicas = (count: number): Promise<string> =>
    yaml.push("overlays/seoul-dp/kustomization.yaml", (text) => text.replace(/count: \d+/, `count: ${count}`), "Scale");
  await replicas(5);

  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
  ends.after(() => browser.close());
  const page = await (await browser.newContext({ viewport: { width: 1_440, height: 900 } })).newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(await gantry.signInLink());
  await page.getByRole("button", { name: "Sign in as admin" }).click();
  await page.getByRole("heading", { name: "Home" }).waitFor();

  let old: CdPlan | undefined;
  await t.test("a new image and a pushed replica count are told in words and as a diff", async () => {
    const { code, out } = await gantryCommand(gantry, ["cd", "plan", APP, "--diff"]);
    assert.equal(code, 0, out);
    assert.match(out, /^seoul: 1 changed$/m);
    assert.match(out, /^ {2}Deployment orders: replicas \d+ → 5$/m);
    assert.match(out, /^ {2}Deployment orders: image .*@sha256:[0-9a-f]{12}… → .*@sha256:[0-9a-f]{12}…$/m);
    assert.match(out, /^ {2}\+ {2}replicas: 5$/m);
    const json = await gantryCommand(gantry, ["cd", "plan", APP, "--json"]);
    old = cdPlan.parse(JSON.parse(json.out));
  });

  await t.test("a run that was started from an older plan ends before it changes anything", async () => {
    await replicas(6);
    const before = await yaml.commits();
    const hashes = (old?.targets ?? []).map(({ hash }) => hash);
    assert.equal(hashes.length, 2);
    const run = await gantry.ended((await gantry.press(`/v1/apps/${APP}/cd`, { params: { plan: hashes } })).id);
    assert.equal(run.state, "failed", run.headline);
    const failed = run.jobs.find(({ key }) => key === "check[seoul]")?.failure;
    assert.equal(failed?.code, "plan-changed", JSON.stringify(run.jobs.map(({ key, failure }) => [key, failure])));
    assert.equal(await yaml.commits(), before);
    await page.goto(`${gantry.url}/tasks/${run.id}`);
    await page.getByText("What would change at seoul is not what the plan showed.").first().waitFor();
  });

  await t.test("Run CD shows the plan, and the button runs it and nothing else", async () => {
    await page.goto(`${gantry.url}/apps/${APP}`);
    await page
      .getByRole("link", { name: "Run CD" })
      .or(page.getByRole("button", { name: "Run CD" }))
      .first()
      .click();
    await page.getByRole("button", { name: "Show the plan" }).click();
    const plan = page.getByRole("article", { name: "Plan for seoul" });
    await plan.getByText("Deployment orders: replicas", { exact: false }).waitFor();
    await page.getByText("Planned by").waitFor();
    await plan.getByText("Manifests").click();
    await pictures(page, "run-cd-plan", plan);
    await page.locator("form").getByRole("button", { name: "Run CD" }).click();
    await page.waitForURL((url) => url.pathname.startsWith("/tasks/"));
    const id = new URL(page.url()).pathname.split("/").at(-1) ?? "";
    const run = await gantry.ended(id);
    assert.equal(run.state, "succeeded", run.headline);
    assert.equal((run.params.plan as string[]).length, 2, "it was bound to what the page showed");
    for (const site of SITES) {
      const { status } = await argoApp(gantry, site, `${APP}-${site}-dp`);
      assert.deepEqual([status.sync.status, status.health.status], ["Synced", "Healthy"]);
    }
    await pictures(page, "cd-task-plan", page.getByRole("region", { name: "Plan" }));
    const { code, out } = await gantryCommand(gantry, ["cd", "plan", APP]);
    assert.equal(code, 0, out);
  });

  await t.test("a closed window, a selector that cannot change and an unknown kind are told", async () => {
    const targets = record.targets.map((one) => (one.site === "tokyo" ? { ...one, environment: "production" } : one));
    const changed = await gantry.call("PATCH", `/v1/apps/${APP}`, { targets }, { "if-match": "*" });
    assert.equal(changed.status, 200, JSON.stringify(changed.body));
    const file = join(gantry.data, "definitions", "environments.yaml");
    await writeFile(`${file}.new`, FREEZE);
    await rename(`${file}.new`, file);
    await yaml.push("base/deployment.yaml", (text) => text.replaceAll(/app: orders$/gm, "app: shop"), "Select others");
    await writeFile(
      join(yaml.folder, "base/monitor.yaml"),
      "apiVersion: monitoring.example/v1\nkind: ServiceMonitor\nmetadata: {name: orders}\nspec: {path: /metrics}\n",
    );
    await yaml.git("add", "--all");
    await yaml.git("commit", "--quiet", "--message", "Add a monitor");
    await yaml.push(
      "base/kustomization.yaml",
      (text) => text.replace(/resources:\n/, "resources:\n  - monitor.yaml\n"),
      "Monitor",
    );
    const { code, out } = await gantryCommand(gantry, ["cd", "plan", APP]);
    t.diagnostic(out);
    assert.equal(code, 1);
    assert.match(out, /✗ Will fail: Deployment orders: Kubernetes does not let anybody change spec\.selector/);
    assert.match(out, /✗ Will fail: ServiceMonitor orders: the cluster has no CustomResourceDefinition for /);
    assert.match(out, /… Waits: .*Holidays/);
    await page.goto(`${gantry.url}/apps/${APP}`);
    await page
      .getByRole("link", { name: "Run CD" })
      .or(page.getByRole("button", { name: "Run CD" }))
      .first()
      .click();
    await page.getByRole("button", { name: "Show the plan" }).click();
    await page.getByText("Planned by").waitFor();
    await pictures(page, "run-cd-warnings", page.getByRole("article", { name: "Plan for tokyo" }));
  });

  await t.test("an image that is not in the registry any more ends Run CD, and the plan says so", async () => {
    const digest = String(second.outputs.image).split("@")[1] ?? "";
    for (const site of SITES) await deleteManifest(gantry, site, "apps/orders", digest);
    const { code, out } = await gantryCommand(gantry, ["cd", "plan", APP]);
    assert.equal(code, 1);
    assert.match(out, /^✗ An image of the build is not in its registry, so Run CD ends before it changes anything\.$/m);
  });
});

type Rec = {
  readonly source: { readonly cloneUrl: string };
  readonly yaml: { readonly cloneUrl: string };
  readonly targets: readonly { readonly name: string; readonly site: string }[];
};

function gantryCommand(gantry: GantryProcess, args: readonly string[]): Promise<{ code: number; out: string }> {
  const env = {
    ...process.env,
    PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ""}`,
    GANTRY_PORTAL: gantry.url,
    GANTRY_TOKEN: gantry.token,
  };
  return new Promise((resolve) => {
    execFile(COMMAND, [...args], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error ? -1 : 0, out: `${stdout}${stderr}` });
    });
  });
}

async function pictures(page: Page, name: string, of: Locator): Promise<void> {
  const folder = process.env.GANTRY_PICTURES;
  if (folder === undefined) return;
  for (const colorScheme of ["light", "dark"] as const)
    for (const width of [1_440, 360]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 900 });
      await of.evaluate((element) => element.scrollIntoView());
      await page.screenshot({ path: join(folder, `${name}-${colorScheme}-${width}.png`) });
    }
  await page.setViewportSize({ width: 1_440, height: 900 });
}

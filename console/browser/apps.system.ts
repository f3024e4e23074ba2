// Apps and builds in a browser: forms, lists, and what a person may not do.

import assert from "node:assert/strict";
import { test } from "node:test";
import { BUILDS } from "../data.fixture.ts";
import { TASKS } from "../tasks.fixture.ts";
import { page, portal, skip, useBrowser, visit } from "./browser.fixture.ts";

useBrowser();

test("adopt an app: Gantry looks, a person decides what is unclear, and the app is adopted as the form says", {
  skip,
}, async () => {
  await visit("/adopt");
  await page.getByLabel("Source: project").fill("SHOP");
  await page.getByLabel("Source: repository").fill("tills");
  await page.getByLabel("Yaml: repository").fill("deployments");
  const before = portal.requests.length;
  await page.getByRole("button", { name: "Look", exact: true }).click();
  await page.getByText("Nothing says where tills.yaml runs.").waitFor();
  await page.getByText("Found: default branch of SHOP/tills.").waitFor();
  await page.getByText("Dockerfile.dev is left out").waitFor();
  await page.getByRole("button", { name: "tokyo / tokyo-dp" }).click();
  await page.getByLabel("Title", { exact: true }).fill("Our tills");
  await page.getByRole("button", { name: "Check" }).click();
  await page.getByText("The app fits. Nothing is written yet.").waitFor();
  const [look, check] = portal.requests.slice(before);
  assert.equal(look?.what, "POST /v1/app-proposals");
  const source = { project: "SHOP", slug: "tills" };
  assert.partialDeepStrictEqual(look?.body, { source, yaml: { project: "SHOP", slug: "deployments" } });
  assert.partialDeepStrictEqual(check?.body, {
    ...{ adopt: true, dryRun: true, name: "tills" },
    app: { title: "Our tills", targets: [{ site: "tokyo", cluster: "tokyo-dp" }], argocd: { project: "shop" } },
  });
});

test("create app: the form asks for what the chosen template asks for, and tells how old the list is", {
  skip,
}, async () => {
  await visit("/apps?run=create-app");
  const sheet = page.getByRole("dialog");
  await sheet.getByText("A small HTTP service with tests.").waitFor();
  await sheet
    .getByText(/^Read /)
    .first()
    .waitFor();
  await sheet.getByLabel("Java version").selectOption("21");
  await sheet.getByLabel("Name", { exact: true }).fill("orders2");
  await sheet.getByLabel("Title", { exact: true }).fill("Orders");
  const before = portal.requests.length;
  await sheet.getByRole("button", { name: "Read now" }).click();
  await sheet.getByRole("button", { name: "Create app" }).click();
  await page.waitForURL(/\/tasks\//);
  const [read, create] = portal.requests.slice(before);
  assert.equal(read?.what, "POST /v1/templates/read");
  assert.match(JSON.stringify(create?.body), /"templateParams":\["javaVersion=21"\]/);
});

test("an app whose creation failed shows what it made, and is undone after a second click", { skip }, async () => {
  await visit("/apps/search");
  const made = page.getByRole("list", { name: "What the creation made" });
  assert.equal(await page.getByRole("link", { name: "Run CI" }).count(), 0, "there is nothing to build");
  assert.deepEqual(await made.getByRole("listitem").allTextContents(), [
    "create the Jira project SEA",
    "create repository APPS/search",
  ]);
  const before = portal.requests.length;
  await page.getByRole("button", { name: "Undo search" }).click();
  assert.equal(portal.requests.length, before, "it asks first");
  await page.getByRole("button", { name: "Undo search" }).click();
  await page.waitForURL(/\/tasks\//);
  assert.deepEqual(
    portal.requests.slice(before).map(({ what }) => what),
    ["DELETE /v1/apps/search"],
  );
});

test("a pipeline that is for neither CI nor CD has a button of its own at the app", { skip }, async () => {
  await visit("/apps/orders");
  const button = page.locator("main").getByRole("link", { name: "Make the report" });
  assert.equal(await button.getAttribute("href"), "/apps/orders?run=report&for=orders");
});

test("the page Builds lists builds of all apps, and runs CD with the chosen one", { skip }, async () => {
  await visit("/builds");
  const row = page.getByRole("row", { name: /^orders main #11/ });
  assert.equal(await page.getByRole("link", { name: "payments", exact: true }).getAttribute("href"), "/apps/payments");
  await row.getByRole("link", { name: "Run CD" }).click();
  const sheet = page.getByRole("dialog");
  assert.equal(await sheet.getByLabel("Build").inputValue(), "11");
  assert.equal(await sheet.locator(".command").textContent(), "gantry cd orders --build 11 --follow");
  await sheet.getByRole("button", { name: "Close" }).click();
  await page.waitForURL(/\/builds$/);
  await page.getByLabel("Branch").fill("feature/round");
  await page.getByLabel("Branch").press("Enter");
  await page.waitForURL(/\/builds\?branch=feature%2Fround$/);
});

test("a filtered list whose newest pages have nothing that matches still offers the older ones", { skip }, async () => {
  for (const [path, kind, item] of [
    ["/tasks?pipeline=cd", "tasks", TASKS[0]],
    ["/builds?branch=main", "builds", BUILDS[0]],
  ] as const) {
    await page.route(/\/v1\/(tasks\?pipeline|builds\?branch)=/, (route) => {
      const cursor = new URL(route.request().url()).searchParams.get("cursor");
      const pages: Record<string, object> = {
        first: { items: [], nextCursor: "a+b/" },
        "a+b/": { items: [], nextCursor: "c" },
      };
      return route.fulfill({ json: pages[cursor ?? "first"] ?? { items: [item] } });
    });
    await visit(path);
    await page.getByText(`None of the newest ${kind} matches these filters`).waitFor();
    const more = page.getByRole("button", { name: `Show older ${kind}` });
    await more.click();
    await more.click();
    await more.waitFor({ state: "detached" });
    assert.equal(await page.locator("main :is(.task-row, tbody tr)").count(), 1, path);
    await page.unrouteAll({ behavior: "wait" });
  }
});

test("what a person may not do is disabled and says who could", { skip }, async () => {
  const needs = "Needs the role developer on this app: ask corp:team-payments.";
  const mayNot = Object.fromEntries(
    ["run-ci", "run-cd", "cancel", "rerun", "resolve", "mark-done"].map((one) => [one, needs]),
  );
  for (const path of ["apps/orders", "tasks/t0cd-held", "tasks/t0cd-running", "tasks/t0ci-failed"])
    await page.route(`**/v1/${path}`, async (route) => {
      const view = (await (await route.fetch()).json()) as object;
      await route.fulfill({ json: { ...view, may: ["view", "view-logs"], mayNot } });
    });
  const refused = page.locator(`main .button[title="${needs}"]`);
  for (const [path, words] of [
    ["/apps/orders", ["Roll back", "Run CI", "Run CD"]],
    ["/tasks/t0cd-running", ["Cancel task"]],
    ["/tasks/t0cd-held", ["Cancel task", "Run job again", "Mark job done", "Fail job"]],
  ] as const) {
    await visit(path);
    await refused.first().waitFor();
    const shown = await refused.allTextContents();
    assert.deepEqual([...new Set(shown)].sort(), [...words].sort(), path);
    for (const button of await refused.all()) assert.equal(await button.getAttribute("href"), null);
  }
  await visit("/tasks/t0ci-failed");
  for (const button of await refused.all()) assert.ok(await button.isDisabled());
  assert.ok((await refused.count()) > 0);
});

test("an error of a form is in view, on a small screen as well", { skip }, async () => {
  await page.setViewportSize({ width: 360, height: 560 });
  await visit("/?run=create-app");
  portal.refuseNext([]);
  await page.getByRole("dialog").getByRole("button", { name: "Create app" }).click();
  const alert = page.getByRole("dialog").getByRole("alert");
  await alert.waitFor();
  const box = await alert.boundingBox();
  assert.ok(box && box.y >= 0 && box.y + box.height <= 560, JSON.stringify(box));
});

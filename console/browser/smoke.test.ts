// What a person does first, in a browser: reads why a task failed, runs CD, and finds the way with the keyboard. The other
// files of this folder are part of `npm run test:system`.

import assert from "node:assert/strict";
import { test } from "node:test";
import { COMMIT } from "../tasks.fixture.ts";
import { complaints, page, portal, skip, useBrowser, visit } from "./browser.fixture.ts";

useBrowser();

test("a failed task opens at its failed step, at the first failing line; a log is only shown as text", {
  skip,
}, async () => {
  await visit("/tasks/t0ci-failed");
  const line = page.locator(".line.is-shown");
  await line.waitFor();
  assert.match((await line.textContent()) ?? "", /not ok 17 - rounds half up/);
  assert.ok(await line.isVisible());
  assert.match((await page.locator(".panel h2").textContent()) ?? "", /failed.*Run the tests/);
  assert.match((await page.locator(".log").textContent()) ?? "", /<img src=x onerror="alert\(1\)"><script>/);
  assert.equal(await page.locator(".log img, .log script").count(), 0);

  await page.getByLabel("Search in this log").fill("case 8");
  await page.getByLabel("Search in this log").press("Enter");
  assert.equal(await page.locator(".log mark").count(), 11);
  await page.locator('.line[data-n="40"] .n').click();
  assert.match(page.url(), /#L40$/);
  assert.deepEqual(complaints, []);
});

test("run CD: the form, errors at their fields, a new key for every request, then the task", {
  skip,
}, async () => {
  await visit("/apps/orders");
  await page
    .getByRole("row", { name: /^tokyo/ })
    .getByText("1 build behind")
    .waitFor();
  assert.equal(
    await page
      .getByRole("row", { name: /^seoul/ })
      .getByText("behind")
      .count(),
    0,
  );
  await page.getByRole("link", { name: "Run CD", exact: true }).click();
  const sheet = page.getByRole("dialog");
  assert.equal(
    await sheet.getByLabel("Build").locator("option").first().textContent(),
    `newest of the release branch: #12 main ${COMMIT.slice(0, 8)} Round half a cent to even (not for tokyo)`,
  );
  await sheet.getByText("prod takes no critical ones").waitFor();
  await sheet.getByLabel("Build").selectOption("11");
  await sheet.getByLabel("tokyo").check();
  assert.match(
    (await sheet.locator(".command").textContent()) ?? "",
    /^gantry cd orders --build 11 --target tokyo --follow$/,
  );
  const before = portal.requests.length;
  portal.refuseNext([{ pointer: "/params/build", detail: "there is no build #11 of orders" }]);
  await sheet.getByRole("button", { name: "Run CD" }).click();
  await sheet.locator(".field.is-wrong", { hasText: "there is no build #11" }).waitFor();
  await sheet.getByLabel("Build").selectOption("");
  portal.refuseNext([], "policy-unmet");
  await sheet.getByRole("button", { name: "Run CD" }).click();
  await sheet.getByLabel("Deploy it anyway, because").fill("The shop is down.");
  await sheet.getByRole("button", { name: "Run CD" }).click();
  await page.waitForURL(/\/tasks\/t0ci-waiting$/);
  const requests = portal.requests.slice(before);
  assert.deepEqual(
    requests.map(({ what, body }) => [what, body]),
    [
      ["POST /v1/apps/orders/cd", { params: { build: "11", targets: ["tokyo"] } }],
      ["POST /v1/apps/orders/cd", { params: { targets: ["tokyo"] } }],
      ["POST /v1/apps/orders/cd", { params: { targets: ["tokyo"] }, override: { reason: "The shop is down." } }],
    ],
  );
  assert.equal(new Set(requests.map(({ key }) => key)).size, 3);
  assert.match(requests[0]?.key ?? "", /^[0-9a-f-]{36}$/);
});

test("everything can be reached with the keyboard; back returns to the previous view", { skip }, async () => {
  await visit("/");
  await page.keyboard.press("g");
  await page.keyboard.press("t");
  await page.waitForURL(/\/tasks$/);
  await page.getByLabel("Pipeline").selectOption("cd");
  await page.waitForURL(/pipeline=cd/);
  await page.locator(".task-row", { hasText: "orders" }).click();
  await page.waitForURL(/t0cd-held/);
  await page.locator(".panel").waitFor();
  await page.keyboard.press("k");
  await page.waitForURL(/step=sync/);
  await page.keyboard.press("2");
  await page.locator(".step-list").waitFor();
  await page.goBack();
  await page.waitForURL(/\/tasks\?pipeline=cd$/);
  await page.keyboard.press("/");
  await page.getByRole("combobox", { name: /Search/ }).fill("search");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/apps\/search$/);
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.deepEqual(complaints, []);
});

// What administrators, and people for themselves, do in a browser: settings, accounts, tokens, runners, audit, pipelines.

import assert from "node:assert/strict";
import { test } from "node:test";
import { page, portal, skip, useBrowser, visit } from "./browser.fixture.ts";

useBrowser();

test("an administrator changes a live setting, for the version that was read", { skip }, async () => {
  const before = portal.requests.length;
  await visit("/settings");
  await page.getByText("not set: none").waitFor();
  await page.getByText("log.portalApi from not set to debug").waitFor();
  await page.getByRole("button", { name: "Change dispatch.pausedSites" }).click();
  await page.getByLabel("a list of names of sites").fill("seoul, tokyo");
  await page.getByRole("button", { name: "Set dispatch.pausedSites" }).click();
  await page.getByRole("button", { name: "Change dispatch.pausedSites" }).waitFor();
  const [change] = portal.requests.slice(before);
  assert.deepEqual(change?.body, { version: 3, changes: { "dispatch.pausedSites": ["seoul", "tokyo"] } });
});

test("a channel whose certificate is not checked is shown in red", { skip }, async () => {
  await visit("/settings");
  const row = (name: string) => page.getByRole("row").filter({ hasText: name });
  assert.match(await row("mails").locator(".tag.danger").innerText(), /certificate not checked/);
  assert.equal(await row("ops").locator(".tag.danger").count(), 0);
});

test("an administrator sees who has which role from where, and helps with accounts", { skip }, async () => {
  const before = portal.requests.length;
  await visit("/settings");
  await page.getByRole("link", { name: "Who has which role, and accounts" }).click();
  await page.getByText("developer on apps team:web from the policy, by web").waitFor();
  await page.getByText("admin everywhere from the account").waitFor();
  await page.getByText("locked for 4 s").waitFor();
  await page.getByRole("row", { name: "seoul:web seoul:ann" }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Reset password seoul:ann" }).count(), 0);
  for (const button of ["Reset password dana", "End sessions seoul:ann", "Disable dana"]) {
    await page.getByRole("button", { name: button }).click();
    await page.getByRole("button", { name: button }).click();
    await page.getByRole("button", { name: button }).waitFor();
  }
  assert.deepEqual(
    portal.requests.slice(before).map(({ what }) => what),
    ["POST /v1/people/dana/reset", "DELETE /v1/people/seoul%3Aann/sessions", "POST /v1/people/dana/disable"],
  );
});

test("a person ends another session, makes a token that is shown once, and changes the password", {
  skip,
}, async () => {
  const before = portal.requests.length;
  await visit("/profile");
  await page.getByText("payments").waitFor();
  await page.getByRole("button", { name: "End session bbbbbbbb" }).click();
  await page.getByRole("button", { name: "End session bbbbbbbb" }).click();
  await page.getByLabel("Name", { exact: true }).fill("tablet");
  await page.getByLabel("Only these verbs").fill("view, view-logs");
  await page.getByLabel("Only on these apps").fill("orders");
  await page.getByRole("button", { name: "Create personal token" }).click();
  await page.getByRole("button", { name: "Revoke laptop" }).click();
  await page.getByRole("button", { name: "Revoke laptop" }).click();
  await page.getByLabel("Present password").fill("the old password");
  await page.getByLabel("New password").fill("a much better password");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.waitForURL(/\/sign-in\?next=%2Fprofile$/);
  assert.deepEqual(
    portal.requests.slice(before).map(({ what, body }) => [what, body]),
    [
      [`DELETE /v1/me/sessions/${"b".repeat(64)}`, undefined],
      ["POST /v1/me/tokens", { name: "tablet", days: 90, scope: { verbs: ["view", "view-logs"], apps: ["orders"] } }],
      ["DELETE /v1/me/tokens/laptop", undefined],
      ["POST /v1/me/password", { old: "the old password", new: "a much better password" }],
    ],
  );
});

test("an administrator enrols a runner by one command, and renews the key of another", { skip }, async () => {
  const before = portal.requests.length;
  await visit("/sites");
  await page.getByRole("button", { name: "Enrol a runner at tokyo" }).click();
  await page.getByLabel("Name of the runner").fill("tokyo-9");
  await page.getByRole("button", { name: "Create the command" }).click();
  const command = page.getByText("GANTRY_TASK_RUNNER_ENROL=one-time-token node task-runner/main.ts --name tokyo-9");
  await command.waitFor();
  await page.getByRole("button", { name: "Copy command" }).waitFor();
  await page.reload();
  await page.getByRole("button", { name: "Renew key tokyo-1" }).click();
  assert.equal(await command.count(), 0, "it was shown once");
  await page.getByRole("button", { name: "Renew key tokyo-1" }).click();
  await command.waitFor();
  assert.deepEqual(
    portal.requests.slice(before).map(({ what, body }) => [what, body]),
    [
      ["POST /v1/enrolments", { site: "tokyo", runner: "tokyo-9" }],
      ["POST /v1/runners/tokyo-1/renew-key", {}],
    ],
  );
});

test("an operator drains, undrains and stops runners, for a reason, and reads the log of one", { skip }, async () => {
  const before = portal.requests.length;
  await visit("/sites");
  await page.getByText("drained since").waitFor();
  await page.getByRole("button", { name: "Drain tokyo-1", exact: true }).click();
  const drain = page.getByRole("dialog", { name: "Drain tokyo-1" });
  const submit = drain.getByRole("button", { name: "Drain tokyo-1" });
  assert.ok(await submit.isDisabled(), "a reason is needed");
  await drain.getByLabel("Reason").fill("new disk");
  await submit.click();
  await drain.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Undrain tokyo-2" }).click();
  await page.getByRole("button", { name: "Stop tokyo-1", exact: true }).click();
  const stop = page.getByRole("dialog", { name: "Stop tokyo-1" });
  await stop.getByText("It now runs 1 job.").waitFor();
  await stop.getByLabel("Reason").fill("it hangs");
  await stop.getByRole("button", { name: "Interrupt its jobs and stop tokyo-1" }).click();
  await stop.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Log tokyo-1" }).click();
  await page.getByText('"msg":"an operator reads this log"').waitFor();
  await page.getByText("2 of 40 lines that it keeps").waitFor();
  assert.deepEqual(
    portal.requests.slice(before).map(({ what, body }) => [what, body]),
    [
      ["POST /v1/runners/tokyo-1/drain", { reason: "new disk" }],
      ["POST /v1/runners/tokyo-2/undrain", {}],
      ["POST /v1/runners/tokyo-1/stop", { reason: "it hangs", now: true }],
    ],
  );
});

test("with the keyboard, the focus goes to what replaces a button", { skip }, async () => {
  const focused = (name: string) =>
    page.waitForFunction(
      (text) => (document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent) === text,
      name,
    );
  const before = portal.requests.length;
  await visit("/sites");
  await page.getByRole("button", { name: "Pause tokyo" }).press("Enter");
  await page.waitForFunction(() => document.activeElement instanceof HTMLInputElement);
  await page.getByRole("button", { name: "Close" }).press("Enter");
  await focused("Pause tokyo");
  await page.keyboard.press("Enter");
  await page.keyboard.type("new switches");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Enrol a runner at tokyo" }).press("Enter");
  await page.waitForFunction(() => document.activeElement instanceof HTMLInputElement);
  await page.getByRole("button", { name: "Renew key tokyo-1" }).press("Enter");
  await focused("Keep");
  await page.keyboard.press("Enter");
  await focused("Renew key tokyo-1");
  assert.deepEqual(
    portal.requests.slice(before).map(({ what, body }) => [what, body]),
    [["POST /v1/sites/tokyo/pause", { reason: "new switches" }]],
  );
});

test("an administrator filters the audit log; the filters are in the address, and an empty result says so", {
  skip,
}, async () => {
  await page.route(/\/v1\/audit\?/, (route) => route.fulfill({ json: { items: [] } }));
  await visit("/settings");
  await page.getByRole("link", { name: "Who changed what" }).click();
  await page.getByRole("cell", { name: "create tokens × 12" }).waitFor();
  assert.equal(await page.getByRole("link", { name: "orders" }).getAttribute("href"), "/apps/orders");
  await page.getByLabel("Who").fill("eve");
  await page.getByLabel("Who").press("Enter");
  await page.getByText("No entry matches these filters").waitFor();
  assert.equal(new URL(page.url()).search, "?who=eve");
  await page.getByRole("search").getByRole("link", { name: "Clear filters" }).click();
  await page.getByRole("cell", { name: "create tokens × 12" }).waitFor();
});

test("the page Pipelines shows which set is in force, and every mistake of a newer one in its place", {
  skip,
}, async () => {
  await visit("/pipelines");
  const section = page.locator("section", { hasText: "Definitions in force" });
  await section.getByText("PLATFORM/definitions").waitFor();
  const text = await section.innerText();
  for (const part of ["Deploy two sites at once", "because of 2 mistakes", "pipelines/cd.yaml:12", "site is missing"])
    assert.ok(text.includes(part), part);
  await section.getByRole("button", { name: "Read now" }).click();
  await page.waitForFunction(() => !document.querySelector("section button:disabled"));
  assert.ok(portal.requests.some(({ what }) => what === "POST /v1/definitions/sync"));
});

test("the page Steps says what each step takes, which of it is required, and what it gives", { skip }, async () => {
  await visit("/pipelines");
  await page.getByRole("link", { name: "Steps that pipelines can use" }).click();
  const row = page.getByRole("row", { name: /^argocd\/sync/ });
  await row.waitFor();
  const cells = await row.getByRole("cell").allInnerTexts();
  const lines = cells.map((text) => text.split(/\s*\n\s*/));
  assert.deepEqual(lines, [
    ["argocd/sync"],
    ["Sync an application of Argo CD"],
    ["apprequired", "revisionrequired", "prune"],
    ["revision"],
    ["argocd"],
  ]);
});

// What scripts say, on the page of a task: groups of a log, annotations, summaries.

import assert from "node:assert/strict";
import { test } from "node:test";
import { COMMIT } from "../tasks.fixture.ts";
import { complaints, page, portal, skip, useBrowser, visit } from "./browser.fixture.ts";

useBrowser();

const LOG = [
  "start",
  "::group::Download libraries",
  "got a",
  "got b",
  "::endgroup::",
  "::group::Build",
  "::error file=main.c,line=2,title=syntax::expected ;",
  "::endgroup::",
  "::stop-commands::t1",
  "::error::text",
  "::t1::",
  "end",
].join("\n");

const shownLines = (): Promise<string[]> => page.locator(".line .said").allTextContents();

test("the groups of the log of a step that succeeded are folded, and open with the keyboard", { skip }, async () => {
  portal.setLog("install", `${LOG}\n`, true);
  await visit("/tasks/t0ci-failed?job=build&step=install");
  const group = page.getByRole("button", { name: "Download libraries 2 lines" });
  await group.waitFor();
  assert.equal(await group.getAttribute("aria-expanded"), "false");
  assert.equal((await shownLines()).join("").includes("got a"), false);
  await group.focus();
  await page.keyboard.press("Enter");
  assert.equal(await group.getAttribute("aria-expanded"), "true");
  assert.deepEqual(
    await page.locator(".line.is-inside .n").allTextContents(),
    ["3", "4"],
    "the numbers of the whole log",
  );
  assert.ok((await shownLines()).includes("::error::text\n"), "commands were switched off there");
  await page.getByRole("button", { name: "Unfold groups" }).click();
  await page.getByText("error: main.c:2: syntax: expected ;").waitFor();
  await page.getByRole("button", { name: "Fold groups" }).click();
  assert.equal(await page.locator(".line.is-inside").count(), 0);
  await page.getByLabel("Search in this log").fill("got b");
  await page.getByLabel("Search in this log").press("Enter");
  await page.locator('.line.is-shown[data-n="4"]').waitFor();
  assert.deepEqual(complaints, []);
});

test("a link to a line opens the group that it is in", { skip }, async () => {
  portal.setLog("install", `${LOG}\n`, true);
  await visit("/tasks/t0ci-failed?job=build&step=install#L4");
  await page.locator('.line.is-marked[data-n="4"]').waitFor();
  assert.equal(await page.getByRole("button", { name: "Build 1 line" }).getAttribute("aria-expanded"), "false");
});

test("the groups of a step that failed are open", { skip }, async () => {
  portal.setLog("test", `${LOG}\n`, true);
  await visit("/tasks/t0ci-failed");
  await page.getByText("got a").waitFor();
  assert.equal(await page.getByRole("button", { name: "Build 1 line" }).getAttribute("aria-expanded"), "true");
});

test("annotations are listed by file, with links to the lines at the git host", { skip }, async () => {
  await visit("/tasks/t0ci-failed");
  const section = page.getByRole("region", { name: "Annotations" });
  await section.waitFor();
  assert.deepEqual(await section.getByRole("heading", { level: 3 }).allTextContents(), [
    "test/rounding test.js",
    "../../etc/passwd",
    "src/money.js",
    "Without a file",
  ]);
  const links = await section.getByRole("link", { name: /^line/ }).all();
  assert.deepEqual(await Promise.all(links.map((link) => link.getAttribute("href"))), [
    `https://git.example/projects/APPS/repos/orders/browse/test/rounding%20test.js?at=${COMMIT}#31`,
    `https://git.example/projects/APPS/repos/orders/browse/src/money.js?at=${COMMIT}#8`,
  ]);
  await section.getByText("1,204 more annotations in the logs").waitFor();
  assert.equal(await section.locator("img").count(), 0);
  await section.getByRole("link", { name: "Run the tests" }).first().click();
  assert.match(page.url(), /job=build&step=test/);
});

test("a summary is shown as elements of a fixed set; nothing in it runs or loads", { skip }, async () => {
  const loaded: string[] = [];
  page.on("request", (request) => loaded.push(request.url()));
  await visit("/tasks/t0ci-failed");
  const section = page.getByRole("region", { name: "Summaries" });
  await section.getByRole("heading", { level: 4 }).waitFor();
  assert.equal(await section.getByRole("row").count(), 3);
  assert.equal(await section.getByRole("checkbox", { name: "done", exact: true }).isChecked(), true);
  assert.equal(await section.locator("img, script").count(), 0);
  const hrefs = await section
    .locator(".markdown a")
    .evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  assert.deepEqual(hrefs, ["https://ci.example/report", "https://evil.example/x.png", "https://evil.example/p.png"]);
  await section.getByText("<script>alert(1)</script>").waitFor();
  assert.deepEqual(
    loaded.filter((url) => !url.startsWith(portal.url) && url !== "about:blank"),
    [],
  );
  assert.deepEqual(complaints, []);
});

test("texts of others neither become elements nor turn around what stands beside them", { skip }, async () => {
  const hostile = "Mend \u202e<img src=x onerror=alert(1)>\u2066 &lt;b&gt; javascript:alert(1)";
  const shown = "Mend <img src=x onerror=alert(1)> &lt;b&gt; javascript:alert(1)";
  await page.route("**/v1/**", async (route) => {
    if (route.request().headers().accept === "text/event-stream") return route.continue();
    const answer = await route.fetch();
    if (!answer.headers()["content-type"]?.includes("json")) return route.fulfill({ response: answer });
    const subjects = /Round half a cent to even|Round half up|Mend the till/g;
    await route.fulfill({ response: answer, body: (await answer.text()).replaceAll(subjects, hostile) });
  });
  try {
    for (const path of ["/builds", "/fleet", "/tasks/t0cd-asks"]) {
      await visit(path);
      await page.getByText(shown).first().waitFor();
      const text = await page.locator("body").innerText();
      assert.doesNotMatch(text, /[\u202a-\u202e\u2066-\u2069]/, path);
      assert.equal(await page.locator("img[src=x]").count(), 0, path);
    }
  } finally {
    await page.unroute("**/v1/**");
  }
  assert.deepEqual(complaints, []);
});

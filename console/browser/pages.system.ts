// Every page in a browser: accessible, in both themes, on a desktop and on a phone.

import assert from "node:assert/strict";
import { test } from "node:test";
import axe, { type RunOptions } from "axe-core";
import {
  ADDRESSES,
  complaints,
  DESK,
  go,
  NOT_FOUND,
  PATHS,
  PHONE,
  page,
  skip,
  useBrowser,
  visit,
} from "./browser.fixture.ts";

useBrowser();

for (const [device, viewport] of [
  ["a phone", PHONE],
  ["a desktop", DESK],
] as const) {
  test(`every page is accessible in both themes on ${device}, and none is wider than the screen`, { skip }, () =>
    checkAllPages(viewport),
  );
}

async function checkAllPages(viewport: typeof PHONE): Promise<void> {
  await page.setViewportSize(viewport);
  await visit("/");
  await page.evaluate(axe.source);
  /** `rules`: default all. */
  const check = async (place: string, rules?: string[]): Promise<void> => {
    // Only violations: passed checks take long to report, and so do selectors. Preloading reads style sheets again for rules
    // that are off, and media. The console has no frames.
    const quick: RunOptions = { resultTypes: ["violations"], selectors: false, preload: false, iframes: false };
    const options: RunOptions = { ...quick, ...(rules && { runOnly: rules }) };
    const violations = await page.evaluate(async (given) => (await axe.run(given)).violations, options);
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join("\n")}`);
    assert.deepEqual(found, [], place);
  };
  assert.ok(PATHS.length >= 11, "the table of pages could not be read");
  const addresses = [...PATHS.flatMap((path) => ADDRESSES[path] ?? [path]), "/nowhere"];
  assert.deepEqual(
    addresses.filter((address) => address.includes(":")),
    [],
    "add addresses with a value for these paths to ADDRESSES in this file",
  );
  for (const address of addresses) {
    await page.emulateMedia({ colorScheme: "light" });
    await go(address);
    const place = `${address} at ${viewport.width} px`;
    if (!NOT_FOUND.test(address)) {
      const problems = await page.locator(".problem").allInnerTexts();
      assert.deepEqual(problems, [], `${place}: add what it loads to RESPONSES in console/portal.fixture.ts`);
    }
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${place} is ${overflow} px too wide`);
    await check(`${place}, light`);
    // The dark theme changes only colours: the style sheets have `light-dark()`, which takes nothing else, and no media query.
    await page.emulateMedia({ colorScheme: "dark" });
    await check(`${place}, dark`, ["color-contrast", "link-in-text-block"]);
  }
  assert.deepEqual(
    complaints.filter((text) => !text.includes("404 (Not Found)")),
    [],
  );
}

test("on a phone the search button has a name", { skip }, async () => {
  await page.setViewportSize(PHONE);
  await visit("/");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await page.getByRole("dialog", { name: "Search" }).waitFor();
});

test("on a phone the bar at the bottom leads to the pages", { skip }, async () => {
  await page.setViewportSize(PHONE);
  await visit("/");
  const bar = page.getByRole("navigation", { name: "Main" });
  assert.equal(await bar.getByRole("button", { name: "Collapse" }).isVisible(), false);
  for (const name of ["Home", "Tasks", "Inbox", "Settings"]) {
    const box = await bar.getByRole("link", { name }).boundingBox();
    assert.ok(box && box.x >= 0 && box.x + box.width <= PHONE.width && box.y >= 700, `${name} is not in the bar`);
  }
});

test("long names and texts do not make a page wider than a phone", { skip }, async () => {
  await page.setViewportSize(PHONE);
  const long = "registry.example/orders/a-very-long-name-without-a-space-that-goes-on-and-on-and-on-and-on";
  await page.route(/\/v1\/(tasks|settings|apps|sites|inbox)/, async (route) => {
    if (/\/(?:log|summary)\b/.test(route.request().url())) return route.continue();
    const answer = await route.fetch();
    const texts = ["title", "headline", "text", "unset", "reason", "requestedBy", "createdBy"];
    const lengthen = (key: string, value: unknown): unknown =>
      texts.includes(key) && typeof value === "string" ? `${value} ${long}` : value;
    await route.fulfill({ response: answer, json: JSON.parse(await answer.text(), lengthen) });
  });
  await visit("/");
  for (const path of ["/tasks", "/tasks/t0ci-queued", "/tasks/t0ci-failed", "/settings", "/apps", "/sites", "/inbox"]) {
    await go(path);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${path} is ${overflow} px too wide`);
  }
});

test("a page that becomes as narrow as a phone is not wider than it", { skip }, async () => {
  await visit("/");
  for (const view of ["graph", "list", "timeline"]) {
    await page.setViewportSize(DESK);
    await go(`/tasks/t0cd-held?view=${view}`);
    await page.setViewportSize(PHONE);
    await page.locator(".view-list").waitFor();
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `the ${view} is ${overflow} px too wide`);
  }
});

test("on a phone the buttons and results of every table are on the screen", { skip }, async () => {
  await page.setViewportSize(PHONE);
  await visit("/");
  const paths = [...PATHS.filter((path) => !path.includes(":")), "/apps/orders", "/pipelines/cd"];
  let tables = 0;
  for (const path of paths) {
    await go(path);
    tables += await page.locator("main table").count();
    const hidden = await page.evaluate(
      () =>
        [...document.querySelectorAll("main td")].filter((cell) => cell.getBoundingClientRect().right > innerWidth)
          .length,
    );
    assert.equal(hidden, 0, path);
    // A row of the fleet has all targets of an app, below each other.
    const heights = await page.evaluate(() =>
      [...document.querySelectorAll("main table:not(.fleet) tr, main .fleet .cell")].map(
        (row) => row.getBoundingClientRect().height,
      ),
    );
    assert.ok(Math.max(0, ...heights) < 200, `${path} has a row of ${Math.max(...heights)} px`);
  }
  assert.ok(tables >= 8, `the pages had only ${tables} tables`);
});

test("no page shows the backticks of a text", { skip }, async () => {
  const keys = [
    "title",
    "button",
    "headline",
    "text",
    "unset",
    "allowed",
    "summary",
    "description",
    "reason",
    "detail",
    "why",
    "todo",
  ];
  await page.route(/\/v1\/(tasks|settings|apps|sites|inbox|pipelines|audit|me)/, async (route) => {
    if (/\/(?:log|summary)\b/.test(route.request().url())) return route.continue();
    const answer = await route.fetch();
    const mark = (key: string, value: unknown): unknown =>
      keys.includes(key) && typeof value === "string" ? `${value} \`code\`` : value;
    await route.fulfill({ response: answer, json: JSON.parse(await answer.text(), mark) });
  });
  const addresses = PATHS.flatMap((path) => ADDRESSES[path] ?? [path]);
  await visit("/");
  const shown: string[] = [];
  for (const address of addresses) {
    await go(address);
    const text = await page.locator("body").innerText();
    shown.push(
      ...text
        .split("\n")
        .filter((line) => line.includes("`"))
        .map((line) => `${address}: ${line}`),
    );
  }
  assert.deepEqual(shown, []);
});

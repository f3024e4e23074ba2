// The console in a browser, against a fake portal with the real content security policy.

import { existsSync, readFileSync } from "node:fs";
import { after, before, beforeEach } from "node:test";
import { type Browser, chromium, type Page } from "playwright-core";
import { type FakePortal, startFakePortal } from "../portal.fixture.ts";

const CHROMIUM = "/usr/bin/chromium";
export const skip = existsSync(CHROMIUM) ? false : `no Chromium at ${CHROMIUM}`;
/** The paths of the table of pages. It cannot be imported, because Node does not run TSX. */
export const PATHS = [
  ...readFileSync(new URL("../src/frame/pages.tsx", import.meta.url), "utf8").matchAll(/\bpath: "(?<path>[^"]+)"/g),
].map(({ groups }) => groups?.path ?? "");
/** Addresses of the paths that contain values, and further addresses at which a page looks different. */
export const ADDRESSES: { readonly [path: string]: readonly string[] } = {
  "/": ["/", "/?run=create-app"],
  "/apps/:name": ["/apps/orders", "/apps/orders?run=cd&for=orders", "/apps/search", "/apps/unknown"],
  "/apps/:name/change": ["/apps/orders/change"],
  "/tasks/:id/answer": [
    "/tasks/t0cd-asks/answer?job=deploy%5Bseoul%5D&plan=sha256%3A0&answer=reject",
    "/tasks/t0cd-asks/answer?job=nothing",
  ],
  "/tasks/:id": [
    "/tasks/t0ci-failed",
    "/tasks/t0ci-queued",
    "/tasks/t0cd-held?view=graph",
    "/tasks/t0cd-held?view=list",
    "/tasks/t0cd-running?view=timeline",
    "/tasks/t0cd-held?job=deploy%5Bseoul%5D&step=sync&tab=effects",
    "/tasks/t0cd-asks",
    "/tasks/unknown",
  ],
  "/pipelines/:name": ["/pipelines/cd", "/pipelines/unknown"],
};

/** Addresses of things that do not exist. */
export const NOT_FOUND = /unknown$|nowhere$/;

export const DESK = { width: 1_440, height: 900 };
export const PHONE = { width: 360, height: 800 };

export let portal: FakePortal;
let browser: Browser;
/** All tests share it: a new page needs a new process of the browser, which takes twice as long as to load a document. */
export let page: Page;
/** Every error and warning that the browser has logged in this test: script errors, and what the policy blocked. */
export const complaints: string[] = [];

/** To be called once by a file of tests: opens the browser before them and closes it after them. */
export function useBrowser(): void {
  before(async () => {
    if (skip) return;
    portal = await startFakePortal();
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    });
    const context = await browser.newContext({ viewport: DESK, reducedMotion: "reduce" });
    context.setDefaultTimeout(60_000);
    page = await context.newPage();
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
  });
  beforeEach(async () => {
    if (skip) return;
    await page.goto("about:blank");
    await page.unrouteAll({ behavior: "wait" });
    await page.setViewportSize(DESK);
    await page.emulateMedia({ colorScheme: "light" });
    complaints.length = 0;
  });
  after(async () => {
    if (skip) return;
    await browser.close();
    await portal.close();
  });
}

/** Loads the console at this address. */
export async function visit(path: string): Promise<void> {
  await page.goto(portal.url + path);
  await isShown();
}

/** Goes to this address within the loaded console, as the back button does, which takes a quarter of the time of `visit`. */
export async function go(path: string): Promise<void> {
  await page.evaluate((to) => {
    history.pushState(null, "", to);
    dispatchEvent(new PopStateEvent("popstate"));
    // The page is drawn before the second frame.
    return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  }, path);
  await isShown();
}

async function isShown(): Promise<void> {
  await page.locator("main h1, main .empty").first().waitFor();
  await page.waitForFunction(() => !document.querySelector(".loading"));
}

// A user in the browser: signs in, presses the three buttons, sees the steps turn green without reloading, reads a log and
// finds the notification. In both themes, without errors in the browser's console.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import type { GantryProcess } from "../processes/gantry-process.ts";
import { latestFirst } from "./outside.fixture.ts";

export const CHROMIUM = "/usr/bin/chromium";
const WAIT_MS = 60_000;
/** Set it to save screenshots. */
const pictures = process.env.GANTRY_PICTURES;

export function hasBrowser(): boolean {
  return existsSync(CHROMIUM);
}

/** Creates, builds and deploys the app `orders` by the three buttons. */
export async function pressInBrowser(t: TestContext, gantry: GantryProcess): Promise<void> {
  const ends = latestFirst(t);
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
  ends.after(() => browser.close());
  // Without a graphics card, the browser would draw the marks of running steps 60 times a second, beside the builds.
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
  const page = await context.newPage();
  const wrong = watch(page);

  await t.test("signs in by the link", async () => {
    await page.goto(await gantry.signInLink());
    await page.getByRole("button", { name: "Sign in as admin" }).click();
    await page.getByRole("heading", { name: "Home" }).waitFor();
    await picture(context, page, "home-empty");
  });

  await t.test("creates an app, and sees every step turn green without reloading", async () => {
    await page.getByRole("link", { name: "Create app" }).first().click();
    const sheet = page.getByRole("dialog", { name: "Create app" });
    await sheet.getByLabel("Name", { exact: true }).fill("orders");
    await sheet.getByLabel("Title", { exact: true }).fill("Orders");
    await sheet.getByLabel("Jira key").fill("ORD");
    await picture(context, page, "create-app");
    await sheet.getByRole("button", { name: "Create app" }).click();
    await greenInPlace(page, "Create app: orders succeeded");
    await picture(context, page, "created");
  });

  await t.test("runs CI and CD", async () => {
    for (const [button, headline] of [
      ["Run CI", "Run CI: orders succeeded"],
      ["Run CD", "Run CD: orders succeeded"],
    ] as const) {
      await page.getByRole("link", { name: "orders" }).first().click();
      await page.getByRole("link", { name: button }).first().click();
      await page.getByRole("dialog", { name: button }).getByRole("button", { name: button }).click();
      await greenInPlace(page, headline);
      await picture(context, page, button.toLowerCase().replace(" ", "-"));
    }
  });

  await t.test("reads a log", async () => {
    await page.getByText("Commit and push").first().click();
    await page
      .getByText(/pushed [0-9a-f]{12} to main/)
      .first()
      .waitFor({ timeout: WAIT_MS });
    await picture(context, page, "log");
  });

  await t.test("finds the notification", async () => {
    await page.getByRole("link", { name: "Inbox" }).first().click();
    await page
      .getByText(/Run CD.*orders/)
      .first()
      .waitFor({ timeout: WAIT_MS });
    await picture(context, page, "inbox");
  });

  assert.deepEqual(wrong, [], "the browser found nothing wrong");
}

/** Errors of the page and refused resources. */
function watch(page: Page): string[] {
  const wrong: string[] = [];
  page.on("pageerror", (error) => wrong.push(error.message));
  page.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
  return wrong;
}

/** Waits for the headline; the page must not have been reloaded. */
async function greenInPlace(page: Page, headline: string): Promise<void> {
  await page.evaluate(() => Object.assign(globalThis, { sameDocument: true }));
  await page.getByText(headline).first().waitFor({ timeout: WAIT_MS });
  assert.equal(await page.evaluate(() => "sameDocument" in globalThis), true, "nobody reloaded the page");
}

async function picture(context: BrowserContext, page: Page, name: string): Promise<void> {
  if (!pictures) return;
  await mkdir(pictures, { recursive: true });
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(pictures, `${name}-${colorScheme}.png`) });
  }
  await page.emulateMedia({ colorScheme: "light" });
  assert.equal(context.pages().length, 1);
}

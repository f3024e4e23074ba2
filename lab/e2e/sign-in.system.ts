// Sign-in in a real browser, with two issuers at two addresses of one portal.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { buildConsole } from "@gantry/console/build.ts";
import { type Sites, startSites } from "@gantry/portal-api/oidc/sso.fixture.ts";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { CHROMIUM, hasBrowser } from "./browser.fixture.ts";

const skip = hasBrowser() ? false : `no Chromium at ${CHROMIUM}`;
const WAIT_MS = 30_000;

let dist: string;
let sites: Sites;
let browser: Browser;
before(async () => {
  if (skip) return;
  dist = await mkdtemp(join(tmpdir(), "gantry-console-"));
  await buildConsole(dist);
  sites = await startSites({}, { console: dist });
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
});
after(async () => {
  if (skip) return;
  await browser.close();
  await sites.close();
  await rm(dist, { recursive: true, force: true });
});

/** A new browser without cookies, at this address of the portal: the console leads to the sign-in page. */
async function visitor(url: string): Promise<{ context: BrowserContext; page: Page; complaints: string[] }> {
  const context = await browser.newContext();
  context.setDefaultTimeout(WAIT_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes("401")) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(`${url}/apps`);
  await page.waitForURL(`${url}/sign-in?next=%2Fapps`);
  return { context, page, complaints };
}

async function signInAs(page: Page, name: string): Promise<void> {
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Sign in" }).click();
}

test("case 1: a user of Seoul, at Seoul's address, by Seoul's issuer", { skip }, async () => {
  const { context, page, complaints } = await visitor(sites.seoulUrl);
  assert.equal(await page.getByRole("link", { name: "Sign in with Tokyo" }).count(), 0);
  await page.getByRole("link", { name: "Sign in with Seoul" }).click();
  assert.equal(new URL(page.url()).origin, sites.seoul.url);
  await signInAs(page, "ann");
  await page.waitForURL(`${sites.seoulUrl}/apps`);
  await page.getByLabel("Signed in as seoul:ann").waitFor();
  assert.deepEqual(complaints, []);
  const cookies = await context.cookies(sites.seoulUrl);
  const session = cookies.find(({ name }) => name === "gantry_session");
  assert.deepEqual([session?.httpOnly, session?.sameSite], [true, "Lax"]);
  await context.close();
});

test("case 2: a user of Seoul, at Tokyo's address, by Tokyo's issuer, which asks Seoul's", { skip }, async () => {
  const { context, page, complaints } = await visitor(sites.tokyoUrl);
  await page.getByRole("link", { name: "Sign in with Tokyo" }).click();
  assert.equal(new URL(page.url()).origin, sites.tokyo.url);
  await page.getByRole("link", { name: "Sign in with another issuer" }).click();
  assert.equal(new URL(page.url()).origin, sites.seoul.url);
  await signInAs(page, "ann");
  await page.waitForURL(`${sites.tokyoUrl}/apps`);
  await page.getByLabel("Signed in as tokyo:ann@seoul").waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
});

test("case 3: a user of Tokyo, at Tokyo's address, by Tokyo's issuer; signs out at both", { skip }, async () => {
  const { context, page, complaints } = await visitor(sites.tokyoUrl);
  await page.getByRole("link", { name: "Sign in with Tokyo" }).click();
  await signInAs(page, "ben");
  await page.waitForURL(`${sites.tokyoUrl}/apps`);
  await page.getByLabel("Signed in as tokyo:ben").click();
  await page.getByRole("link", { name: "Profile" }).click();
  await page.getByText("this browser").waitFor();
  await page.getByLabel("Name", { exact: true }).fill("laptop");
  await page.getByRole("button", { name: "Create personal token" }).click();
  const token = await page.locator(".fresh code").innerText();
  const asToken = await sites.portal.ask("/v1/me", { token });
  assert.equal(((await asToken.json()) as { name: string }).name, "tokyo:ben");
  assert.equal(sites.tokyo.sessionsOf("ben"), 1);
  if (!(await page.getByRole("button", { name: "Sign out" }).isVisible()))
    await page.getByLabel("Signed in as tokyo:ben").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(`${sites.tokyoUrl}/sign-in`);
  assert.equal(sites.tokyo.sessionsOf("ben"), 0);
  assert.deepEqual(complaints, []);
  await page.goto(`${sites.tokyoUrl}/apps`);
  await page.waitForURL(`${sites.tokyoUrl}/sign-in?next=%2Fapps`);
  await context.close();
});

test("a user whom the issuer signs out is led to the sign-in page", { skip }, async () => {
  const { context, page } = await visitor(sites.seoulUrl);
  await page.getByRole("link", { name: "Sign in with Seoul" }).click();
  await signInAs(page, "sam");
  await page.getByLabel("Signed in as seoul:sam").waitFor();
  await sites.seoul.logOut("sam");
  await page.waitForURL(/\/sign-in\?next=/);
  await context.close();
});

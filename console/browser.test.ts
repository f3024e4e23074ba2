// The console in a browser, against a portal with the real content security policy: every page, in both themes.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, before, beforeEach, test } from "node:test";
import type { JobView, TaskView } from "@gantry/wire/agent/views.ts";
import axe, { type RunOptions } from "axe-core";
import { type Browser, chromium, type Page } from "playwright-core";
import { BUILDS } from "./data.fixture.ts";
import { type FakePortal, startFakePortal } from "./portal.fixture.ts";
import { COMMIT, TASKS } from "./tasks.fixture.ts";

const CHROMIUM = "/usr/bin/chromium";
const skip = existsSync(CHROMIUM) ? false : `no Chromium at ${CHROMIUM}`;
/** The paths of the table of pages. It cannot be imported, because Node does not run TSX. */
const PATHS = [
  ...readFileSync(new URL("./src/frame/pages.tsx", import.meta.url), "utf8").matchAll(/\bpath: "(?<path>[^"]+)"/g),
].map(({ groups }) => groups?.path ?? "");
/** Addresses of the paths that contain values, and further addresses at which a page looks different. */
const ADDRESSES: { readonly [path: string]: readonly string[] } = {
  "/": ["/", "/?run=create-app"],
  "/apps/:name": ["/apps/orders", "/apps/orders?run=cd&for=orders", "/apps/unknown"],
  "/apps/:name/change": ["/apps/orders/change"],
  "/tasks/:id": [
    "/tasks/t0ci-failed",
    "/tasks/t0ci-queued",
    "/tasks/t0cd-held?view=graph",
    "/tasks/t0cd-held?view=list",
    "/tasks/t0cd-running?view=timeline",
    "/tasks/t0cd-held?job=deploy%5Bseoul%5D&step=sync&tab=effects",
    "/tasks/unknown",
  ],
  "/pipelines/:name": ["/pipelines/cd", "/pipelines/unknown"],
};

/** Addresses of things that do not exist. */
const NOT_FOUND = /unknown$|nowhere$/;

const DESK = { width: 1_440, height: 900 };
const PHONE = { width: 360, height: 800 };

let portal: FakePortal;
let browser: Browser;
/** All tests share it: a new page needs a new process of the browser, which takes twice as long as to load a document. */
let page: Page;
/** Every error and warning that the browser has logged in this test: script errors, and what the policy blocked. */
const complaints: string[] = [];
before(async () => {
  if (skip) return;
  portal = await startFakePortal();
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
  const context = await browser.newContext({ viewport: DESK, reducedMotion: "reduce" });
  context.setDefaultTimeout(20_000);
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

/** Loads the console at this address. */
async function visit(path: string): Promise<void> {
  await page.goto(portal.url + path);
  await isShown();
}

/** Goes to this address within the loaded console, as the back button does, which takes a quarter of the time of `visit`. */
async function go(path: string): Promise<void> {
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

test("the timeline of a matrix shows the failed job and collapses the others", { skip }, async () => {
  const targets = Array.from({ length: 48 }, (_, at) => {
    return { key: `deploy[c${at}]`, state: at === 40 ? ("failed" as const) : ("succeeded" as const) };
  });
  await page.route(/\/v1\/tasks\/t0cd-held$/, async (route) => {
    const answer = await route.fetch();
    const task = (await answer.json()) as TaskView;
    const [commit, deploy] = task.jobs;
    assert.ok(commit && deploy);
    const jobs = targets.map(({ key, state }): JobView => {
      return { ...deploy, key, state, steps: deploy.steps.map((step) => ({ ...step, state })) };
    });
    await route.fulfill({ response: answer, json: { ...task, state: "failed", jobs: [commit, ...jobs] } });
  });
  await visit("/tasks/t0cd-held?view=timeline");
  const timeline = page.locator(".timeline");
  await timeline.getByRole("region", { name: "Deploy deploy[c40]" }).waitFor();
  assert.equal(await timeline.locator(".is-job").count(), 3);
  assert.ok(((await timeline.boundingBox())?.height ?? Infinity) < 500);
  await timeline.getByRole("button", { name: "Show 47 more jobs" }).click();
  await timeline.getByRole("region", { name: "Deploy deploy[c47]" }).waitFor();
  assert.equal(await timeline.locator(".is-job").count(), 50);
});

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
    `newest of the release branch: #12 main ${COMMIT.slice(0, 8)} Round half a cent to even`,
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
  await page.getByText("Everything fits. Nothing is written yet.").waitFor();
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

test("a held job is answered, and a task is canceled", { skip }, async () => {
  await visit("/tasks/t0cd-held");
  const before = portal.requests.length;
  await page.locator(".held input").fill("the pods run");
  await page.getByRole("button", { name: "Mark job done" }).click();
  await visit("/tasks/t0cd-running");
  await page.getByRole("button", { name: "Cancel task" }).click();
  await page.getByRole("button", { name: "Cancel Run CD: payments" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.deepEqual(
    portal.requests.slice(before).map(({ what, body }) => [what, body]),
    [
      ["POST /v1/tasks/t0cd-held/resolve", { job: "deploy[tokyo]", answer: "mark-done", reason: "the pods run" }],
      ["POST /v1/tasks/t0cd-running/cancel", {}],
    ],
  );
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
    ["/apps/orders", ["Run CI", "Run CD"]],
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

test("a task runs again with the file that it ran with, or with the newest one", { skip }, async () => {
  const before = portal.requests.length;
  for (const isNewest of [false, true]) {
    await visit("/tasks/t0ci-failed");
    if (isNewest) await page.getByLabel("With the newest pipeline file").check();
    await page.getByRole("button", { name: "Rerun failed jobs" }).click();
    await page.waitForURL(/\/tasks\/t0ci-waiting$/);
  }
  assert.deepEqual(
    portal.requests.slice(before).map(({ body }) => body),
    [
      { from: "failed", definition: "pinned" },
      { from: "failed", definition: "newest" },
    ],
  );
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

test("an event of the feed changes the page and is announced to screen readers", { skip }, async () => {
  await visit("/tasks");
  await page.locator(".live.is-live").waitFor();
  const headline = "Run CD: payments succeeded after 2 m.";
  portal.emit({
    specversion: "1.0",
    id: "t0cd-running/90",
    source: "/gantry/task-agent",
    type: "dev.gantry.task.ended.v1",
    subject: "t0cd-running",
    time: new Date().toISOString(),
    datacontenttype: "application/json",
    seq: 90,
    taskseq: 90,
    data: {
      task: "t0cd-running",
      pipeline: "cd",
      title: "Run CD: payments",
      requestedBy: "lee",
      url: "",
      event: { kind: "TaskEnded", outcome: "succeeded", durationMs: 120_000, headline },
    },
  });
  await page.locator("[aria-live=polite]", { hasText: headline }).waitFor({ state: "attached" });
});

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

test("nested outputs are readable on a phone", { skip }, async () => {
  const nested = {
    app: { source: { git: { repository: { url: "https://git.example/projects/APPS/repos/orders" } } } },
  };
  await page.route(/\/v1\/tasks\/t0ci-failed$/, async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...((await answer.json()) as object), outputs: nested } });
  });
  await page.setViewportSize(PHONE);
  await visit("/tasks/t0ci-failed");
  const link = page.locator(".pairs a.out").filter({ hasText: "git.example" }).first();
  const { width = 0 } = (await link.boundingBox()) ?? {};
  assert.ok(width > 150, `${width} px`);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.equal(over, 0);
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

test("a growing log is followed to its last line", { skip }, async () => {
  const lines = (count: number): string => Array.from({ length: count }, (_, at) => `line ${at + 1}\n`).join("");
  portal.setLog("wait", lines(100), false);
  await visit("/tasks/t0cd-running?view=list");
  await page.locator('.line[data-n="100"]').waitFor({ state: "attached" });
  portal.setLog("wait", lines(300), true);
  await page.locator('.line[data-n="300"]').waitFor({ state: "attached" });
  await page.waitForFunction(() => {
    const box = document.getElementById("log");
    return box !== null && box.scrollHeight - box.scrollTop - box.clientHeight < 24;
  });
});

test("the lines of a log of more than 8 MB have the numbers of the whole log", { skip }, async () => {
  const text = `${"x".repeat(88)}\n`.repeat(100_000);
  portal.setLog("checkout", `${text}the last line\n`, true);
  await visit("/tasks/t0ci-failed?job=build&step=checkout#L100001");
  const last = page.locator('.line[data-n="100001"]');
  await last.waitFor();
  assert.match((await last.textContent()) ?? "", /the last line/);
  assert.match((await page.locator(".log-note").textContent()) ?? "", /begins here at line 10,?\d{3}\./);
  portal.setLog("checkout", "short\n", true);
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

test("on a phone the search button has a name", { skip }, async () => {
  await page.setViewportSize(PHONE);
  await visit("/");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await page.getByRole("dialog", { name: "Search" }).waitFor();
});

test("long names and texts do not make a page wider than a phone", { skip }, async () => {
  await page.setViewportSize(PHONE);
  const long = "registry.example/orders/a-very-long-name-without-a-space-that-goes-on-and-on-and-on-and-on";
  await page.route(/\/v1\/(tasks|settings|apps|sites|inbox)/, async (route) => {
    if (route.request().url().includes("/log")) return route.continue();
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
  const paths = PATHS.filter((path) => !path.includes(":"));
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
    const heights = await page.evaluate(() =>
      [...document.querySelectorAll("main tr")].map((row) => row.getBoundingClientRect().height),
    );
    assert.ok(Math.max(0, ...heights) < 200, `${path} has a row of ${Math.max(...heights)} px`);
  }
  assert.ok(tables >= 8, `the pages had only ${tables} tables`);
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
    if (route.request().url().includes("/log")) return route.continue();
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

test("a step that is selected with j is announced to screen readers", { skip }, async () => {
  await visit("/tasks/t0ci-failed?job=build&step=checkout");
  await page.keyboard.press("j");
  const announced = page.locator("[aria-live=polite]", {
    hasText: "Step 2 of 6, succeeded: Download libraries, in build",
  });
  await announced.waitFor({ state: "attached" });
});

test("a queued task names the task that it waits for by its title", { skip }, async () => {
  await visit("/tasks/t0ci-queued");
  const link = page.locator(".waits").getByRole("link", { name: "Run CI: payments" });
  assert.equal(await link.getAttribute("href"), "/tasks/t0ci-waiting");
  const text = await page.locator("main").innerText();
  assert.match(text, /is queued\. Waiting for task Run CI: payments, which was requested before\./);
  assert.doesNotMatch(text, /t0ci-waiting/);
  assert.doesNotMatch(text, /took/, "a task that has not started took no time");
});

test("text between backticks is shown as code", { skip }, async () => {
  await visit("/tasks/t0cd-running");
  await page.getByRole("button", { name: "Cancel task" }).click();
  const text = await page.getByRole("dialog").innerText();
  assert.match(text, /finally jobs still run/);
  assert.doesNotMatch(text, /`/);
});

// Last: no stream can be opened after it.
test("a lost connection is shown and restored: first with a new stream, then by polling", { skip }, async () => {
  let reads = 0;
  page.on("request", (request) => {
    if (new URL(request.url()).pathname === "/v1/tasks") reads += 1;
  });
  await visit("/tasks");
  await page.locator(".live.is-live").waitFor();
  const before = reads;
  portal.cut();
  await page.locator(".live:not(.is-live)").waitFor();
  await page.locator(".live.is-live").waitFor();
  while (reads === before) await page.waitForEvent("request"); // What was missed is read again.
  portal.cut({ forGood: true });
  await page.locator(".live.is-polling").waitFor();
  await page.waitForRequest(
    (request) => /\/v1\/events(\?|$)/.test(request.url()) && request.headers().accept === "application/json",
  );
});

// A task in a browser: its steps, its log, what a person can do with it, and what changes while it is looked at.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { CdPlan } from "@gantry/wire/agent/deployments.ts";
import type { JobView, TaskView } from "@gantry/wire/agent/views.ts";
import { complaints, PHONE, page, portal, skip, useBrowser, visit } from "./browser.fixture.ts";

useBrowser();

const PLAN: CdPlan = {
  task: "t0cd-asks",
  state: "ready",
  problem: "",
  targets: [
    {
      ...{
        target: "tokyo",
        application: "orders-tokyo",
        commit: "c0ffee",
        site: "tokyo",
        known: true,
        problem: "",
        hash: `sha256:${"a".repeat(64)}`,
        warnings: [],
        diff: "",
      },
      resources: [{ action: "change", kind: "Deployment", name: "orders", namespace: "orders" }],
      changes: ["Deployment orders: replicas 2 → 5"],
    },
  ],
};

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

test("I7: what waits is answered on the page of its task; who may not answer reads why", { skip }, async () => {
  await visit("/inbox");
  await page.getByRole("link", { name: "Look and answer" }).first().click();
  await page.waitForURL(/t0cd-asks/);
  const card = (job: string) => page.getByRole("region", { name: `${job} waits for an approval` });
  await card("deploy[seoul]").getByText("#11 → #12").waitFor();
  const kobe = card("deploy[kobe]");
  await kobe.getByText("It asks group:payments-ops, and dana is none of them.").waitFor();
  assert.ok(await kobe.getByRole("button", { name: "Approve" }).isDisabled());

  const tokyo = card("deploy[tokyo]");
  assert.ok(await tokyo.getByRole("button", { name: "Reject" }).isDisabled(), "without a reason");
  await tokyo.getByLabel("Percent").fill("25");
  const sent = page.waitForResponse((response) => response.url().endsWith("/approval"));
  await tokyo.getByRole("button", { name: "Approve" }).click();
  await sent;
  const { what, body } = portal.requests.at(-1) ?? {};
  assert.match(what ?? "", /^POST \/v1\/tasks\/t0cd-asks\/jobs\/deploy%5Btokyo%5D\/approval$/);
  const { plan, ...said } = body as { plan: string };
  assert.deepEqual(said, { answer: "approve", inputs: { percent: 25 } });
  assert.match(plan, /^sha256:/);
});

test("who answers by the link of a message sees the plan, and reads that the answer was taken", { skip }, async () => {
  await page.route(/\/v1\/tasks\/t0cd-asks$/, async (route) => {
    const answer = await route.fetch();
    const task = (await answer.json()) as TaskView;
    const jobs = task.jobs.map((job, at): JobView => (at === 0 ? { ...job, outputs: { plan: {} } } : job));
    await route.fulfill({ response: answer, json: { ...task, jobs } });
  });
  await page.route(/\/v1\/tasks\/t0cd-asks\/cd-plan$/, (route) => route.fulfill({ json: PLAN }));
  await visit("/tasks/t0cd-asks/answer?job=deploy%5Btokyo%5D&answer=approve");
  const plan = page.getByRole("region", { name: "deploy[tokyo] waits for an approval" }).getByRole("article");
  await plan.getByText("Deployment orders: replicas 2 → 5").waitFor();
  await page.getByLabel("Percent").fill("25");
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByText("You have approved it.").waitFor();
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

test("a task runs again with the file that it ran with, or with the newest one", { skip }, async () => {
  const before = portal.requests.length;
  for (const isNewest of [false, true]) {
    await visit("/tasks/t0ci-failed");
    await page.getByRole("button", { name: "Rerun failed jobs" }).click();
    if (isNewest) await page.getByLabel("With the newest pipeline file").check();
    await page.getByRole("list", { name: "The plan" }).waitFor();
    await page.getByRole("button", { name: "Rerun", exact: true }).click();
    await page.waitForURL(/\/tasks\/t0ci-waiting$/);
  }
  assert.deepEqual(
    portal.requests.slice(before).flatMap(({ what, body }) => (what.endsWith("/rerun") ? [body] : [])),
    [
      { from: "failed", definition: "pinned" },
      { from: "failed", definition: "newest" },
    ],
  );
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

test("the artifacts of a task are listed with their files, to download or to show as text", { skip }, async () => {
  await visit("/tasks/t0ci-failed");
  const section = page.locator("section", { has: page.getByRole("heading", { name: "Artifacts" }) });
  await section.getByText("of test: 2 files, 3.2 MiB, kept until").click();
  const file = section.getByRole("link", { name: "reports/unit & more.xml" });
  await file.waitFor();
  const path = "/v1/tasks/t0ci-failed/jobs/test/artifacts/reports/content?path=reports%2Funit+%26+more.xml";
  assert.equal(await file.getAttribute("href"), path);
  assert.equal(await file.getAttribute("download"), "");
  const shown = section.getByRole("link", { name: "Show as text" }).first();
  assert.equal(await shown.getAttribute("href"), `${path}&preview=true`);
  assert.equal(await section.locator("b").count(), 0);
  await section.getByText("of test: 1 file, 5 bytes, expired").click();
  await section.getByText("Its files are removed.").waitFor();
  assert.deepEqual(complaints, []);
});

test("C2: the pipeline of a task is a link only where it has a page, which that of a fan-out has not", {
  skip,
}, async () => {
  await visit("/tasks/t0cd-running");
  await page.locator("main").getByRole("link", { name: "cd", exact: true }).waitFor();
  await page.route(/\/v1\/tasks\/t0cd-running$/, async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...((await answer.json()) as TaskView), pipeline: "fan-out" } });
  });
  await visit("/tasks/t0cd-running");
  await page.locator(".facts-line").getByText("fan-out").waitFor();
  assert.equal(await page.getByRole("link", { name: "fan-out" }).count(), 0);
  await page.unroute(/\/v1\/tasks\/t0cd-running$/);
  assert.deepEqual(complaints, []);
});

test("A20: the addresses that are told of the end of a task are listed with what became of them", {
  skip,
}, async () => {
  await visit("/tasks/t0ci-failed");
  const section = page.locator("section", { has: page.getByRole("heading", { name: "Callbacks" }) });
  const [told, refused] = [section.getByRole("listitem").nth(0), section.getByRole("listitem").nth(1)];
  await told.waitFor();
  assert.match(await told.innerText(), /^https:\/\/ci\.example\.com\/ended told .+, 1 try$/);
  assert.match(await refused.innerText(), /refused: old\.example\.com is not among the hosts of callbacks$/);
  await visit("/tasks/t0cd-running");
  assert.equal(await page.getByRole("heading", { name: "Callbacks" }).count(), 0);
  assert.deepEqual(complaints, []);
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

// A push to a real repository starts CI, its end starts CD to staging, the end of that asks for production, a person approves from the
// mail, and both sites have it. One page shows the whole way. Once by a webhook, once by polling.

import assert from "node:assert/strict";
import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { chromium } from "playwright-core";
import { GantryProcess } from "../processes/gantry-process.ts";
import { CHROMIUM, hasBrowser } from "./browser.fixture.ts";
import { argoApp, Clone, latestFirst, mails, tempFolder } from "./outside.fixture.ts";

const ENVIRONMENTS = "environments: { production: { approval: { notOwn: true } } }\n";
const APP = "orders";

/** The shipped pipelines, with what starts them; production is a CD of its own after that of staging. */
async function writeDefinitions(data: string): Promise<void> {
  const folder = join(data, "definitions");
  const put = async (name: string, text: string): Promise<void> => {
    await writeFile(join(folder, `${name}.new`), text);
    await rename(join(folder, `${name}.new`), join(folder, name));
  };
  const read = (name: string): Promise<string> => readFile(join(folder, "pipelines", name), "utf8");
  const started = (text: string, trigger: string): string =>
    text.replace("\nparams:\n", `\ntriggers:\n  - ${trigger}\nparams:\n`);
  const cd = await read("cd.yaml");
  const after = (pipeline: string, target: string): string =>
    `upstream: { pipeline: ${pipeline} }\n    params: { build: "\${{ string(trigger.build.number) }}", targets: ["${target}"] }`;
  await put("environments.yaml", ENVIRONMENTS);
  await put(
    "pipelines/ci.yaml",
    started(await read("ci.yaml"), 'push: {}\n    params: { ref: "${{ trigger.commit }}" }'),
  );
  const production = cd.replace(
    "name: cd\ntitle: CD\n",
    "name: cd-production\ntitle: CD to production\napps: [orders]\n",
  );
  await put(
    "pipelines/cd-production.yaml",
    started(production.replace("button: Run CD\n", "button: Run CD to production\n"), after("cd", "tokyo")),
  );
  await put("pipelines/cd.yaml", started(cd, after("ci", "seoul")));
}

async function pushToProduction(t: TestContext, args: readonly string[]): Promise<void> {
  const ends = latestFirst(t);
  const data = await tempFolder(ends, "push-to-production");
  const gantry = await GantryProcess.start(join(data, "gantry"), ["--no-demo", ...args]);
  ends.after(() => gantry.stop());
  const created = await gantry.ended(
    (await gantry.press("/v1/apps", { params: { name: APP, title: "Orders", jiraKey: "ORD" } })).id,
  );
  assert.equal(created.state, "succeeded", created.headline);
  const { record } = (await gantry.call("GET", `/v1/apps/${APP}`)).body as { record: Rec };
  const environments: Record<string, string> = { seoul: "staging", tokyo: "production" };
  const targets = record.targets.map((one) => ({ ...one, environment: environments[one.site] }));
  const changed = await gantry.call("PATCH", `/v1/apps/${APP}`, { targets }, { "if-match": "*" });
  assert.equal(changed.status, 200, JSON.stringify(changed.body));
  await writeDefinitions(join(gantry.data));
  await until(gantry, async () =>
    JSON.stringify((await gantry.call("GET", "/v1/triggers")).body).includes(`${APP}:cd-production:upstream-1`),
  );
  if (args.includes("--poll"))
    // What is there at first starts nothing.
    await until(gantry, async () => {
      const { items } = (await gantry.call("GET", "/v1/tasks?pipeline=poll-git")).body as { items: TaskView[] };
      const tasks = await Promise.all(items.map(({ id }) => gantry.task(id)));
      return tasks.some(({ params, state }) => params.read === true && state === "succeeded");
    });

  const source = await Clone.of(gantry, record.source.cloneUrl, join(data, "source"));
  const [file = ""] = (await readdir(source.folder)).filter((name) => /readme/i.test(name));
  const commit = await source.push(file, (text) => `${text}\nOne more line.\n`, "Say more");

  const production = await until(gantry, async () => {
    const { items } = (await gantry.call("GET", "/v1/tasks?limit=100")).body as { items: TaskView[] };
    const failed = items.find(({ state, app }) => app === APP && /failed|errored|timed/.test(state));
    assert.equal(failed, undefined, failed?.headline);
    const { items: asked } = (await gantry.call("GET", "/v1/approvals")).body as { items: { task: string }[] };
    return asked[0]?.task;
  });
  const mail = await until(gantry, async () => (await mails(gantry)).find(({ text }) => text.includes("Approve: ")));
  const link = /^Approve: (\S+)$/m.exec(mail.text)?.[1] ?? "";
  assert.ok(link.startsWith(`${gantry.url}/tasks/${production}/answer?job=`), link);
  assert.equal((await fetch(link, { headers: { accept: "text/html" } })).status, 200);
  const { items: waiting } = (await gantry.call("GET", "/v1/approvals")).body as { items: { answers: unknown[] }[] };
  assert.deepEqual(
    waiting.map(({ answers }) => answers),
    [[]],
    "a program that opens the link answers nothing",
  );

  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
  ends.after(() => browser.close());
  const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
  await page.goto(await gantry.signInLink());
  await page.getByRole("button", { name: "Sign in as admin" }).click();
  await page.getByRole("heading", { name: "Home" }).waitFor();
  await page
    .getByRole("link", { name: /^Inbox/ })
    .getByText("1", { exact: true })
    .waitFor();
  await page.goto(link);
  await page.getByRole("button", { name: "Approve" }).click();
  const ended = await gantry.ended(production);
  assert.equal(ended.state, "succeeded", ended.headline);

  for (const site of ["seoul", "tokyo"]) {
    const { status } = await argoApp(gantry, site, `${APP}-${site}-dp`);
    assert.deepEqual([status.sync.status, status.health.status], ["Synced", "Healthy"], site);
  }
  await page.goto(`${gantry.url}/tasks/${production}`);
  const way = page.getByRole("region", { name: "What led here" });
  await way.getByText("Approved by admin").waitFor();
  for (const part of [commit.slice(0, 7), "Say more", "A developer", "Run CI: orders", "Run CD: orders", "tokyo"])
    await way.getByText(part).first().waitFor();
  const pictures = process.env.GANTRY_PICTURES;
  if (pictures !== undefined)
    for (const colorScheme of ["light", "dark"] as const)
      for (const width of [1_440, 360]) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 900 });
        await page.screenshot({ path: join(pictures, `way-${colorScheme}-${width}.png`), fullPage: true });
      }
}

type Rec = {
  readonly source: { readonly cloneUrl: string };
  readonly targets: readonly { readonly name: string; readonly site: string }[];
};

async function until<T>(gantry: GantryProcess, look: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await gantry.call("GET", "/v1/events?after=0&wait=100"); // a pause that the product itself gives
  }
}

const skip = hasBrowser() ? false : "Chromium is not installed";

for (const [how, args] of [
  ["a webhook", []],
  ["polling, without a webhook", ["--poll"]],
] as const)
  test(
    `a push reaches production by ${how}, after a person has approved it from the mail`,
    { skip, timeout: 900_000 },
    (t) => pushToProduction(t, args),
  );

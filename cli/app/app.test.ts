// `gantry app` against a real portal and a real task-agent.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { openPortal } from "../portal.fixture.ts";
import { entry } from "./apps-file.fixture.ts";

const logger = makeLogger("test", "silent");
const portal = await openPortal(
  { agent: logger, portal: logger },
  { "runner-token-of-seoul-0": "seoul", "runner-token-of-tokyo-0": "tokyo" },
);
const folder = await mkdtemp(join(tmpdir(), "gantry-apps-"));
after(async () => {
  await portal.close();
  await rm(folder, { recursive: true });
});
const run = (...argv: string[]) => portal.runAsPerson("app", ...argv);

async function file(entries: readonly string[], name = "apps.yaml"): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `apps:\n${entries.join("\n")}\n`);
  return path;
}

test("a change of one field changes that app only, and says which field", async () => {
  await run("apply", "-f", await file([entry("orders"), entry("shop")]));
  const path = await file([entry("orders", { branch: "release" }), entry("shop")]);
  const dry = JSON.parse((await run("apply", "-f", path, "--dry-run", "--json")).out) as { apps: object[] };
  assert.deepEqual(dry.apps, [
    { name: "orders", action: "change", changes: ["source.branch"], undeclared: ["prod"] },
    { name: "shop", action: "unchanged" },
  ]);
  assert.match((await run("apply", "-f", path)).out, /0 created, 1 changed, 1 unchanged/);
  assert.match((await run("view", "orders")).out, /branch: release/);
});

test("a mistake in the file is named with file, line and field, and nothing is done", async () => {
  const path = await file([entry("fine"), entry("wrong").replace("title:", "titel:"), entry("fine")]);
  const { code, out } = await run("apply", "-f", path);
  assert.equal(code, 2);
  assert.match(out, /apps\.yaml:12:5 apps\.1: unknown key titel \(did you mean title\?\)/);
  assert.match(out, /apps\.yaml:20:11 apps\.2: the name fine is given to an earlier app/);
  assert.equal((await run("view", "fine")).code, 5);
});

test("an app that the portal refuses is reported at its place; the other apps are adopted", async () => {
  const path = await file([entry("good"), entry("lost", { site: "seul" })]);
  const { code, out } = await run("apply", "-f", path);
  assert.equal(code, 1);
  assert.match(out, /apps\.yaml:18:\d+ apps\.1\.targets\.0: there is no site seul \(did you mean seoul\?\)/);
  assert.match(out, /1 created, 0 changed, 0 unchanged\. 1 refused\./);
});

test("an app cannot take the target of another one, unless that one gives it up in the same file", async () => {
  await run("apply", "-f", await file([entry("one")]));
  const taking = entry("two").replace("two/seoul }", "one/seoul, namespace: one, application: new }");
  const refused = await run("apply", "-f", await file([taking]));
  assert.equal(refused.code, 1);
  assert.match(refused.out, /The target seoul of two belongs to one\./);
  const moved = entry("one").replace("one/seoul", "one/moved");
  const path = await file([taking, moved]);
  assert.equal((await run("apply", "-f", path, "--dry-run")).code, 0);
  assert.equal((await run("apply", "-f", path)).code, 0);
});

test("a plan names the targets that a change adds and removes, and the fields that it changes", async () => {
  const before = entry("planned");
  assert.equal((await run("apply", "-f", await file([before]))).code, 0);
  const after = before
    .replace("overlay: planned/seoul", "overlay: planned/moved")
    .replace("name: tokyo, site: tokyo", "name: other, site: tokyo");
  const { code, out } = await run("apply", "-f", await file([after]), "--dry-run");
  assert.equal(code, 0, out);
  assert.match(
    out,
    /^~ planned +change +targets\[seoul\]\.overlay, targets\[tokyo\] removed, targets\[other\] added$/m,
  );
});

test("two apps do not deploy one overlay, unless one says that this is meant", async () => {
  const overlay = (name: string, more = ""): string =>
    [
      ...[`  - name: ${name}`, `    title: ${name}`, `    namespace: ${name}`],
      `    source: { system: bitbucket, project: SHOP, slug: ${name} }`,
      ...[
        "    build: { site: seoul }",
        "    yaml: { system: bitbucket, project: SHOP, slug: one-yaml }",
        "    targets:",
      ],
      `      - { name: seoul, site: seoul, cluster: seoul-dp, overlay: shared/seoul/${more} }`,
    ].join("\n");
  const refused = (app: string): RegExp =>
    new RegExp(
      `apps\\.yaml:\\d+:\\d+ \\S+ the target seoul deploys shared/seoul of bitbucket/SHOP/one-yaml, and so does the app ${app}:`,
    );
  const both = await file([overlay("left"), overlay("right")]);
  for (const more of [["--dry-run"], []]) {
    const { code, out } = await run("apply", "-f", both, ...more);
    assert.equal(code, 2, out);
    assert.match(out, refused("right"));
    assert.match(out, refused("left"));
  }
  assert.match((await run("apply", "-f", await file([overlay("left")]))).out, /1 created/);
  for (const more of [["--dry-run"], []]) {
    const { code, out } = await run("apply", "-f", await file([overlay("right")]), ...more);
    assert.equal(code, 1, out);
    assert.match(out, /The target seoul of right deploys shared\/seoul of .*, and so does left\. .*`shared: true`/);
  }
  const meant = await run("apply", "-f", await file([overlay("left"), overlay("right", ", shared: true")]));
  assert.match(meant.out, /1 created, 0 changed, 1 unchanged/);
  assert.doesNotMatch(meant.out, /warning/);
});

test("adopt takes new apps only", async () => {
  const path = await file([entry("fresh")]);
  assert.equal((await run("adopt", "-f", path)).code, 0);
  assert.equal((await run("adopt", "-f", path)).code, 0);
  const { code, out } = await run("adopt", "-f", await file([entry("fresh", { title: "Other" })]));
  assert.equal(code, 1);
  assert.match(out, /The app fresh already exists/);
});

test("rename and forget", async () => {
  await run("adopt", "-f", await file([entry("before")]));
  assert.match((await run("rename", "before", "after")).out, /The app before is now after/);
  const view = (await run("view", "after")).out;
  assert.match(view, /^after: ready, adopted by admin/);
  assert.match(view, /application: before-seoul-dp/);
  assert.equal((await run("forget", "after")).code, 0);
  assert.equal((await run("forget", "after")).code, 5);
});

test("wrong commands are usage errors with a suggestion", async () => {
  assert.match((await run("aply")).out, /Unknown command: gantry app aply \(did you mean apply\?\)/);
  for (const argv of [["apply"], ["view"], ["rename", "x"], ["list", "--dry-run"], ["apply", "-f", "/nowhere.yaml"]])
    assert.equal((await run(...argv)).code, 2, argv.join(" "));
});

test("the example of the documentation is applied as it stands", async () => {
  const text = readFileSync(new URL("../../docs/apps.md", import.meta.url), "utf8");
  const [, example = ""] = /```yaml\n(# apps\.yaml\n[\s\S]*?)```/.exec(text) ?? [];
  const path = join(folder, "example.yaml");
  await writeFile(path, example);
  const { code, out } = await run("apply", "-f", path, "--dry-run");
  assert.equal(code, 0, out);
  assert.match(out, /^2 apps: /m);
});

test("an app whose creation did not succeed says so, and what its creation made can be deleted", async () => {
  const given = ["template=web-service", "buildSite=seoul", "project=APPS", "templates=TEMPLATES"];
  const params = given.flatMap((one) => ["--param", one]);
  const created = await run("create", "pay", "--jira-key", "PAY", "--target", "seoul/seoul-dp", ...params, "--json");
  assert.equal(created.code, 0, created.out);
  const { id } = JSON.parse(created.out) as { id: string };
  assert.match((await run("forget", "pay", "--undo")).out, /App pay is being created/);
  assert.equal((await portal.runAsPerson("task", "cancel", id)).code, 0);
  const followed = await portal.runAsPerson("task", "watch", id);
  assert.match(followed.out, /^Delete what it made: gantry app forget pay --undo$/m);
  assert.match(
    (await portal.runAsPerson("task", "show", id)).out,
    /^Delete what it made: gantry app forget pay --undo$/m,
  );

  const build = await portal.runAsPerson("ci", "pay");
  assert.equal(build.code, 1);
  assert.match(build.out, /^App pay was not created\. Task t\w+ failed\. Rerun that task, or undo the creation\.\n$/);

  const renamed = await run("rename", "pay", "pay-2");
  assert.deepEqual([renamed.code, renamed.out], [1, build.out], "whatever is asked of it");
  assert.equal((await run("forget", "pay", "--follow")).code, 2, "an app is forgotten at once");
  const undone = await run("forget", "pay", "--undo");
  assert.match(undone.out, /The creation of pay made nothing that can be taken back\. It can only be forgotten\./);
  assert.equal((await run("forget", "pay")).code, 0);
  assert.equal((await run("view", "pay")).code, 5);
});

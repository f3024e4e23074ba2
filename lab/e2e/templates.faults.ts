// The templates that ship, as people use them: an app from each, its CI and its CD. It takes minutes, so it is not part of
// `npm test`.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { runCommand } from "@gantry/cli/portal.fixture.ts";
import { freePorts } from "@gantry/runtime/free-ports.ts";
import type { BuildView, TaskView } from "@gantry/wire/agent/views.ts";
import { reachesMavenCentral } from "../fakes/nexus/maven-proxy.ts";
import { GantryProcess } from "../processes/gantry-process.ts";
import { argoApp, has, latestFirst, repositoryStatus, tempFolder } from "./outside.fixture.ts";

test("an app from each shipped template is created, built, tested and deployed", { timeout: 600_000 }, async (t) => {
  const ends = latestFirst(t);
  const data = await tempFolder(ends, "templates");
  const gantry = await GantryProcess.start(join(data, "gantry"));
  ends.after(() => gantry.stop());
  const run = async (path: string, body: object = {}): Promise<TaskView> => {
    const task = await gantry.ended((await gantry.press(path, body)).id);
    assert.equal(task.state, "succeeded", `${path}: ${task.headline} ${JSON.stringify(task.failure)}`);
    return task;
  };
  const makeApp = async (name: string, template: string, more: object = {}): Promise<BuildView> => {
    const jiraKey = name.slice(0, 4).toUpperCase();
    await run("/v1/apps", { params: { name, title: `The "${name}"`, jiraKey, template, ...more } });
    await run(`/v1/apps/${name}/ci`);
    await run(`/v1/apps/${name}/cd`);
    for (const site of ["seoul", "tokyo"]) {
      const { status } = await argoApp(gantry, site, `${name}-${site}-dp`, name);
      assert.deepEqual([status.sync.status, status.health.status], ["Synced", "Healthy"], site);
    }
    const { items } = (await gantry.call("GET", `/v1/apps/${name}/builds`)).body as { items: BuildView[] };
    assert.equal(items.length, 1);
    return items[0] as BuildView;
  };

  await t.test("mistakes of a template, and in what it asks for, are told before any repository is made", async () => {
    const create = (more: object) =>
      gantry.press("/v1/apps", { params: { name: "early", title: "Early", jiraKey: "EAR", ...more } });
    const wrong = { template: "web-service", templateParams: ["baseImage=two words", "prot=1"] };
    const refused = await gantry.ended((await create(wrong)).id);
    assert.equal(refused.state, "failed", refused.headline);
    assert.equal(refused.failure?.code, "bad-params");
    assert.match(refused.failure?.why ?? "", /the template web-service has no param prot; baseImage: it must /i);
    for (const slug of ["early", "early-deploy"])
      assert.equal(await repositoryStatus(gantry, `${gantry.lab("bitbucket").url}/projects/APPS/repos/${slug}`), 404);
  });

  await t.test("Node.js: its tests are counted", async () => {
    assert.deepEqual((await makeApp("orders", "web-service")).tests, { passed: 3, failed: 0, skipped: 0 });
  });

  await t.test("a static site: its tests are counted", async () => {
    assert.deepEqual((await makeApp("handbook", "static-site")).tests, { passed: 3, failed: 0, skipped: 0 });
  });

  await t.test("Java: Maven downloads from Nexus only, and its tests are counted", async (st) => {
    if (!(await has("mvn"))) return st.skip("Maven is not installed");
    if (!(await reachesMavenCentral())) return st.skip("Maven Central, which the fake Nexus proxies, is not reachable");
    const { tests } = await makeApp("ledger", "java-service", { templateParams: ["javaVersion=17"] });
    assert.deepEqual(tests, { passed: 3, failed: 0, skipped: 0 });
    const downloads = (await (await fetch(`${gantry.lab("seoul-nexus").url}/_lab/downloads`)).json()) as object;
    assert.ok(Object.keys(downloads).some((name) => name.startsWith("junit-jupiter-api-")));
  });
});

test("an installation that gantry init wrote creates an app from a template with its own sites and clusters", {
  timeout: 300_000,
}, async (t) => {
  const ends = latestFirst(t);
  const dir = join(await tempFolder(ends, "templates-init"), "gantry");
  const [portal, agent, notify] = await freePorts(3);
  const ports = [`--port=${portal}`, `--agent-port=${agent}`, `--notify-port=${notify}`];
  const init = await runCommand(["init", dir, "--site=busan", "--cluster=busan-dp", "--isolation=none", ...ports]);
  assert.equal(init.code, 0, init.out);
  const gantry = await GantryProcess.start(join(dir, "data/portal-api"), ["--config", dir]);
  ends.after(() => gantry.stop());
  for (const [path, body] of [
    ["/v1/apps", { params: { name: "till", title: "Till", jiraKey: "TIL", template: "static-site" } }],
    ["/v1/apps/till/ci", {}],
    ["/v1/apps/till/cd", {}],
  ] as const) {
    const task = await gantry.ended((await gantry.press(path, body)).id);
    assert.equal(task.state, "succeeded", `${path}: ${task.headline} ${JSON.stringify(task.failure)}`);
  }
  const { record } = (await gantry.call("GET", "/v1/apps/till")).body as { record: { targets: { cluster: string }[] } };
  assert.deepEqual(
    record.targets.map(({ cluster }) => cluster),
    ["busan-dp"],
  );
});

// git/push-template and git/list-templates against the git hosts of the lab.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import type { GitSystem } from "@gantry/core/site/systems.ts";
import { fastClock, openBench } from "../../step.fixture.ts";
import { tempDir } from "../../temp-dir.fixture.ts";
import { openHost } from "../hosts.ts";
import { startLabHost } from "../lab.fixture.ts";
import { gitEnvironmentOf, pushAsSomebody, seed } from "../lab-git.fixture.ts";
import { listTemplates } from "./list-templates.ts";
import { pushTemplate } from "./push-template.ts";

async function open(t: TestContext, provider: GitSystem["provider"]) {
  const lab = await startLabHost(provider, await tempDir(t));
  const bench = await openBench({
    systems: [{ ...lab.system, appsMay: ["APPS/*", "SHOP/*", "*/x"] }],
    task: { app: undefined },
    limits: { maxPauseMs: 5, limitMs: 60_000 },
    nowMs: fastClock(),
  });
  t.after(async () => {
    await bench.close();
    await lab.server.close();
  });
  const { project } = lab;
  return {
    lab,
    bench,
    host: openHost({ system: lab.system, fetch, signal: AbortSignal.timeout(60_000) }),
    push: async (template: string, force = false) => {
      bench.nextTask();
      const outcome = await bench.run(pushTemplate, { project, template, force });
      assert.equal(outcome.kind, "succeeded", JSON.stringify(outcome));
      return outcome.kind === "succeeded" ? outcome.output.change : "";
    },
    list: async () => {
      const outcome = await bench.run(listTemplates, { project });
      assert(outcome.kind === "succeeded", JSON.stringify(outcome));
      return outcome.output;
    },
  };
}

for (const provider of ["bitbucket-dc", "bitbucket-cloud", "github"] as const) {
  test(`${provider}: a template is pushed once, and what others changed is only replaced with force`, async (t) => {
    const { lab, host, push, list } = await open(t, provider);
    const states = async (): Promise<object> =>
      Object.fromEntries((await list()).templates.map(({ name, state }) => [name, state]));
    assert.equal(await push("static-site"), "new");
    assert.equal(await push("static-site"), "same");
    assert.match(
      (await host.getRepository(lab.project, "static-site"))?.description ?? "",
      /gantry:template=static-site/,
    );
    await pushAsSomebody(lab, "static-site", { "README.md": "ours\n", "more.txt": "ours\n" });
    assert.equal(await push("static-site"), "kept");
    assert.deepEqual(await states(), {
      "static-site": "changed",
      ...{ "java-service": "missing", "java-service-deploy": "missing" },
      ...{ "web-service": "missing", "web-service-deploy": "missing" },
    });
    assert.equal(await push("static-site", true), "changed");
    assert.equal(await push("static-site"), "same", "also what was added there is gone");
  });
}

test("an older version that Gantry has pushed is replaced; one that a person amended is not", async (t) => {
  const { lab, host, push } = await open(t, "bitbucket-dc");
  await seed(lab, "static-site", { "README.md": "old\n" });
  const home = await tempDir(t);
  const env = gitEnvironmentOf(host, home);
  const git = async (...args: string[]) =>
    (
      await promisify(execFile)("git", ["-c", "user.name=g", "-c", "user.email=g@g.test", ...args], { cwd: home, env })
    ).stdout.trim();
  await git("clone", "--quiet", host.cloneUrl(lab.project, "static-site"), ".");
  const commitWith = async (tree: string): Promise<void> => {
    const commit = await git(
      "commit-tree",
      tree,
      "-p",
      "HEAD",
      "-m",
      "Add",
      "-m",
      `Gantry-Template: ${await git("rev-parse", "HEAD^{tree}")}`,
    );
    await git("push", "--quiet", "--force", "origin", `${commit}:main`);
  };
  await writeFile(join(home, "README.md"), "amended\n");
  await git("add", "README.md");
  await commitWith(await git("write-tree"));
  assert.equal(await push("static-site"), "kept");
  await commitWith(await git("rev-parse", "HEAD^{tree}"));
  assert.equal(await push("static-site"), "changed");
});

test("other templates of the project are listed with what they ask for; repositories that are none are left out", async (t) => {
  const { lab, list } = await open(t, "bitbucket-dc");
  const manifest = (name: string, more = "") => `name: ${name}\ntitle: Own\nkind: source\n${more}`;
  await seed(lab, "own", {
    "gantry-template.yaml": manifest("own", "params: { port: { type: integer, default: 1 } }\n"),
  });
  await seed(lab, "broken", { "gantry-template.yaml": manifest("borken") });
  await seed(lab, "plain", { "README.md": "no template\n" });
  const { templates, projects } = await list();
  const [broken, own, ...shipped] = templates;
  assert.match(broken?.problem ?? "", /^gantry-template\.yaml:1: name must be broken/);
  assert.deepEqual(
    [own?.name, own?.state, own?.deploy, own?.params],
    [...["own", "own", "own-deploy"], { port: { type: "integer", default: 1 } }],
  );
  assert.ok(shipped.every(({ state }) => state === "missing"));
  assert.deepEqual(projects, ["APPS", "SHOP"]);
});

test("a crash between the repository and its content leaves nothing half done", async (t) => {
  const { lab, bench, host } = await open(t, "bitbucket-dc");
  const input = { project: lab.project, template: "static-site" };
  for (const effect of ["create-repository", "push"]) {
    await host.deleteRepository(lab.project, "static-site");
    bench.nextTask();
    bench.crashAt({ effect, when: "after-perform" });
    await assert.rejects(bench.run(pushTemplate, input));
    const outcome = await bench.run(pushTemplate, input);
    assert.equal(outcome.kind, "succeeded", JSON.stringify(outcome));
    bench.nextTask();
    const again = await bench.run(pushTemplate, input);
    assert.equal(again.kind === "succeeded" && again.output.change, "same");
  }
});

test("a template that does not ship is refused with the ones that do", async (t) => {
  const { lab, bench } = await open(t, "bitbucket-dc");
  const outcome = await bench.run(pushTemplate, { project: lab.project, template: "web-servise" });
  assert.match(JSON.stringify(outcome), /did you mean web-service\?/);
});

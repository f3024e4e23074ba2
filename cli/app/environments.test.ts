// The environments of targets, against a real portal and a real task-agent whose definitions declare some, or none.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { makeLogger } from "@gantry/runtime/process/logger.ts";
import { openPortal, type PortalOfTest } from "../portal.fixture.ts";

const logger = makeLogger("test", "silent");
const RUNNERS = { "runner-token-of-seoul-0": "seoul" };
const CD = `
name: cd
title: CD
app: existing
jobs:
  deploy: { site: seoul, steps: [{ run: "true" }] }
`;

const appIn = (environment: string): string => `apps:
  - name: orders
    title: Orders
    source: { system: bitbucket, project: SHOP, slug: orders }
    build: { site: seoul }
    yaml: { system: bitbucket, project: SHOP, slug: deployments }
    targets:
      - { name: seoul, site: seoul, cluster: seoul-dp, overlay: orders/seoul, environment: ${environment} }
`;

async function apply(portal: PortalOfTest, text: string, ...more: string[]) {
  const path = join(portal.folder, "apps.yaml");
  await writeFile(path, text);
  return portal.runAsPerson("app", "apply", "-f", path, ...more);
}

describe("definitions that declare environments", async () => {
  const environments = "environments:\n  production: { requires: { tests: true } }\n  test: {}\n";
  const definitions = { "cd.yaml": CD, "environments.yaml": environments };
  const portal = await openPortal({ agent: logger, portal: logger }, RUNNERS, undefined, definitions);
  after(() => portal.close());

  test("an environment that is none of them is refused, with the one that was meant", async () => {
    for (const more of [["--dry-run"], []]) {
      const { code, out } = await apply(portal, appIn("prodution"), ...more);
      assert.equal(code, 1, out);
      assert.match(
        out,
        /apps\.yaml:8:\d+ \S+ there is no environment prodution \(did you mean production\?\); environments\.yaml declares production, test/,
      );
    }
    assert.equal((await portal.runAsPerson("app", "view", "orders")).code, 5, "nothing is adopted");
  });

  test("one of them is accepted, and changed only to another one of them", async () => {
    assert.equal((await apply(portal, appIn("production"))).code, 0);
    const { code, out } = await apply(portal, appIn("tets"));
    assert.equal(code, 1);
    assert.match(out, /there is no environment tets \(did you mean test\?\)/);
    const view = (await portal.runAsPerson("app", "view", "orders")).out;
    assert.doesNotMatch(view, /declares no/);
  });

  test("an app that is in one that was removed since can be changed, and shows it", async () => {
    await writeFile(join(portal.folder, "pipelines", "environments.yaml"), "environments:\n  test: {}\n");
    // The folder is watched.
    while (!(await portal.runAsPerson("app", "view", "orders")).out.includes("declares no"));
    const { code, out } = await apply(portal, appIn("production").replace("title: Orders", "title: All orders"));
    assert.equal(code, 0, out);
    assert.match(out, /environments\.yaml declares no environment production/);
  });
});

describe("definitions that declare none", async () => {
  const portal = await openPortal({ agent: logger, portal: logger }, RUNNERS);
  after(() => portal.close());

  test("a plan, the end of apply and the app say that the environment demands nothing", async () => {
    const said =
      /environments\.yaml declares no environment prodution: its targets take every build of the release branch/;
    for (const more of [["--dry-run"], []]) {
      const { code, out } = await apply(portal, appIn("prodution"), ...more);
      assert.equal(code, 0, out);
      assert.match(out, said);
    }
    const view = await portal.runAsPerson("app", "view", "orders");
    assert.match(view.out, said);
    const { undeclared } = JSON.parse((await portal.runAsPerson("app", "view", "orders", "--json")).out) as {
      undeclared: unknown;
    };
    assert.deepEqual(undeclared, ["prodution"]);
  });
});

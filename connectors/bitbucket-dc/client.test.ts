import assert from "node:assert/strict";
import { test } from "node:test";
import { hostSuite } from "../git/host.suite.ts";
import { openHost } from "../git/hosts.ts";
import { startLabHost } from "../git/lab.fixture.ts";
import { createRepository } from "../git/steps.ts";
import { openBench } from "../step.fixture.ts";
import { tempDir } from "../temp-dir.fixture.ts";

hostSuite("bitbucket-dc");

test("bitbucket-dc: a repository whose description could not be set is taken up again, and only by its maker", async (t) => {
  const lab = await startLabHost("bitbucket-dc", await tempDir(t));
  t.after(() => lab.server.close());
  const bench = await openBench({ systems: [lab.system] });
  t.after(() => bench.close());
  const input = { repository: { project: "APPS", slug: "orders" } };
  lab.server.faults.add({ match: "^PUT ", kind: "status", status: 503, times: 1 });
  const broken = await bench.once(createRepository, input);
  assert.match(broken.kind === "waiting" ? broken.reason : JSON.stringify(broken), /did not answer as expected.*503/);

  const other = await openBench({ systems: [lab.system], task: { id: "other", app: "orders" } });
  t.after(() => other.close());
  const stranger = await other.run(createRepository, input);
  assert.equal(stranger.kind === "errored" && stranger.failure.code, "exists-foreign");

  const again = await bench.run(createRepository, input);
  assert.equal(again.kind === "succeeded" && again.output.created, true, JSON.stringify(again));
  const host = openHost({ system: lab.system, fetch, signal: AbortSignal.timeout(60_000) });
  assert.match((await host.getRepository("APPS", "orders"))?.description ?? "", /gantry:app=orders/);
});

test("bitbucket-dc: a missing project is reported as such, not as a missing repository", async (t) => {
  const lab = await startLabHost("bitbucket-dc", await tempDir(t));
  t.after(() => lab.server.close());
  const host = openHost({ system: lab.system, fetch, signal: AbortSignal.timeout(60_000) });
  await assert.rejects(host.getRepository("NOWHERE", "orders"), { code: "system-refused" });
});

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { hostSuite } from "../git/host.suite.ts";
import { openHost } from "../git/hosts.ts";
import { startLabHost } from "../git/lab.fixture.ts";
import { closePullRequests } from "../git/pull-request-steps.ts";
import { checkout } from "../git/steps.ts";
import { openBench } from "../step.fixture.ts";

hostSuite("bitbucket-cloud");

test("a repository of another project of the workspace is not reached by its name: addresses do not have the project", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "gantry-cloud-"));
  t.after(() => rm(dir, { recursive: true }));
  const lab = await startLabHost("bitbucket-cloud", dir);
  t.after(() => lab.server.close());
  const host = openHost({ system: lab.system, fetch, signal: AbortSignal.timeout(60_000) });
  const about = { slug: "orders", description: "", private: true, defaultBranch: "main" };
  await host.createRepository({ ...about, project: "acme/TEAMA" });
  const bench = await openBench({ systems: [lab.system] });
  t.after(() => bench.close());
  const steps = async (project: string): Promise<unknown[]> => {
    const repository = { project, slug: "orders" };
    bench.nextTask();
    const read = await bench.run(checkout, { repository, ref: "main", directory: "orders" });
    const close = await bench.run(closePullRequests, { repository, to: "main", from: "gantry/orders/" });
    return [read, close].map((one) => (one.kind === "failed" || one.kind === "errored" ? one.failure.code : one.kind));
  };
  assert.deepEqual(await steps("acme/TEAMB"), ["system-refused", "system-refused"]);
  const [, closed] = await steps("acme/TEAMA");
  assert.equal(closed, "succeeded");
  assert.equal(await host.getRepository("acme/TEAMB", "orders"), undefined);
  await assert.rejects(host.deleteRepository("acme/TEAMB", "orders"), { code: "system-refused" });
  await assert.rejects(host.isEmpty("acme/TEAMB", "orders"), { code: "system-refused" });
  const status = {
    state: "succeeded",
    name: "gantry/ci/orders",
    description: "CI",
    url: "https://gantry.example",
  } as const;
  await assert.rejects(host.setCommitStatus("acme/TEAMB", "orders", "a".repeat(40), status), {
    code: "system-refused",
  });
  assert.equal((await host.getRepository("acme/teama", "orders"))?.slug, "orders");
});

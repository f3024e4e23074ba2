// Every call that a client of a git host can make, against the host's fake, for the contract tests.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { GitHost } from "@gantry/connectors/git/host.ts";
import { openHost } from "@gantry/connectors/git/hosts.ts";
import { type LabHost, startLabHost } from "@gantry/connectors/git/lab.fixture.ts";
import { tempDir } from "@gantry/connectors/temp-dir.fixture.ts";
import type { GitProvider } from "@gantry/core/site/git-providers.ts";
import type { Exchange } from "../fakes/fake-server.ts";

const run = promisify(execFile);

/** One that is closed, and one that is merged. */
async function pullRequests(t: Parameters<typeof tempDir>[0], lab: LabHost, host: GitHost): Promise<void> {
  const dir = await tempDir(t);
  await writeFile(join(dir, "a"), "a\n");
  await lab.seed("deploy", dir);
  const repositories = join(lab.store.folderOf("1"), "..");
  for (const repository of await readdir(repositories)) {
    for (const branch of ["one", "two"])
      await run("git", ["branch", branch, "main"], {
        env: { ...process.env, GIT_DIR: join(repositories, repository) },
      });
  }
  const request = { to: "main", description: "The image", title: "Deploy" };
  const closed = await host.openPullRequest(lab.project, "deploy", { ...request, from: "one" });
  await assert.rejects(host.openPullRequest(lab.project, "deploy", { ...request, from: "one" }), {
    code: "system-refused",
  });
  await host.closePullRequest(lab.project, "deploy", closed.id);
  await host.closePullRequest(lab.project, "deploy", closed.id);
  const merged = await host.openPullRequest(lab.project, "deploy", { ...request, from: "two" });
  assert.deepEqual(await host.listPullRequests(lab.project, "deploy", "main"), [merged]);
  await lab.pullRequests.check(lab.owner, "deploy", merged.id, { name: "lint", state: "passed" });
  assert.deepEqual(
    (await host.listChecks(lab.project, "deploy", merged)).map(({ name, state }) => [name, state]),
    [["lint", "passed"]],
  );
  await lab.pullRequests.protect(lab.owner, "deploy", "main", 1);
  assert.equal((await host.mergePullRequest(lab.project, "deploy", merged)).kind, "blocked");
  lab.pullRequests.approve(lab.owner, "deploy", merged.id);
  assert.equal((await host.mergePullRequest(lab.project, "deploy", merged)).kind, "merged");
  assert.equal((await host.getPullRequest(lab.project, "deploy", merged.id)).state, "merged");
}

async function statuses(lab: LabHost, host: GitHost): Promise<void> {
  const repositories = await readdir(join(lab.store.folderOf("0"), ".."));
  const [tip] = await lab.store.commits((repositories.at(-1) ?? "").replace(/\.git$/, ""), "main", 1);
  assert.ok(tip);
  const status = { name: "gantry/ci/orders", description: "CI", url: "https://gantry.example/tasks/1" };
  for (const state of ["running", "succeeded", "failed", "canceled"] as const)
    await host.setCommitStatus(lab.project, "deploy", tip.id, { ...status, state });
  const unknown = host.setCommitStatus(lab.project, "deploy", "0".repeat(40), { ...status, state: "running" });
  await assert.rejects(unknown, { code: "system-refused" });
}

/** All calls that a client can make, and the answers to a caller without rights. */
export async function everyCall(t: Parameters<typeof tempDir>[0], provider: GitProvider): Promise<readonly Exchange[]> {
  const lab = await startLabHost(provider, await tempDir(t));
  t.after(() => lab.server.close());
  const signal = AbortSignal.timeout(60_000);
  const host = openHost({ system: lab.system, fetch, signal });
  const { project } = lab;
  const request = {
    project,
    slug: "orders",
    description: "Orders (gantry:app=orders)",
    private: true,
    defaultBranch: "main",
  };
  assert.equal(await host.getRepository(project, "orders"), undefined);
  await host.createRepository(request);
  assert.equal(await host.createRepository(request), undefined);
  await host.getRepository(project, "orders");
  assert.deepEqual(await host.listRepositories(project), ["orders"]);
  assert.equal(await host.isEmpty(project, "orders"), true);
  await host.describeRepository(project, "orders", "Orders, described again (gantry:app=orders)");
  await host.deleteRepository(project, "orders");
  await host.deleteRepository(project, "orders");
  await pullRequests(t, lab, host);
  await statuses(lab, host);
  const stranger = openHost({ system: { ...lab.system, token: "not-the-token" }, fetch, signal });
  await assert.rejects(stranger.getRepository(project, "orders"), { code: "credential-refused" });
  return lab.server.exchanges;
}

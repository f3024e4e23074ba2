// argocd/ensure-repository: Argo CD reads with an account of its own that may only read, and what is registered stays.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { suite, test } from "node:test";
import { promisify } from "node:util";
import { systemCheck } from "../system/steps.ts";
import { tempDir } from "../temp-dir.fixture.ts";
import { decideRepository } from "./decide-repository.ts";
import { argocdEnsureRepository } from "./repository-step.ts";
import { failureOf, openSiteBench, outputOf, READER, REPOSITORY, type SiteBench } from "./site.fixture.ts";

const run = promisify(execFile);
const OWN = { username: "gantry", password: "git-token-1" };

function ensure(site: SiteBench, more: object = {}) {
  return site.bench.run(argocdEnsureRepository, { repository: REPOSITORY, ...more });
}

/** Requests to Argo CD that are not GET. */
function writes({ argocd }: SiteBench): readonly string[] {
  return argocd.exchanges.filter(({ method }) => method !== "GET").map(({ method, path }) => `${method} ${path}`);
}

/** As an administrator of Argo CD would. */
async function byHand(site: SiteBench, path: string, body: object): Promise<void> {
  const headers = { authorization: `Bearer ${site.systems.argocd.token}`, "content-type": "application/json" };
  const answer = await fetch(`${site.argocd.url}/api/v1${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  assert.equal(answer.status, 200, await answer.text());
  site.argocd.exchanges.length = 0;
}

async function storedUser(site: SiteBench): Promise<unknown> {
  const { username, password } = (await site.stored()).repositories[site.cloneUrl] ?? {};
  return { username, password };
}

suite("Argo CD reads git", { concurrency: 4 }, () => {
  test("with the account that may only read: a push with what it stores is refused, a clone is not", async (t) => {
    const site = await openSiteBench(t);
    assert.deepEqual(outputOf(await ensure(site)), { url: site.cloneUrl, created: true });
    assert.deepEqual(await storedUser(site), READER);

    const { username = "", password = "" } = (await site.stored()).repositories[site.cloneUrl] ?? {};
    const address = new URL(site.cloneUrl);
    Object.assign(address, { username, password });
    const folder = join(await tempDir(t), "clone");
    const env = { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: "/dev/null", GIT_TERMINAL_PROMPT: "0" };
    await run("git", ["clone", "--quiet", address.href, folder], { env });
    const push = run("git", ["-C", folder, "push", "--quiet", "origin", "HEAD:refs/heads/taken"], { env });
    await assert.rejects(push, /403/);

    site.bench.nextTask();
    site.argocd.exchanges.length = 0;
    assert.deepEqual(outputOf(await ensure(site)), { url: site.cloneUrl, created: false });
    assert.deepEqual(writes(site), [], "nothing is registered again");
    assert.equal(site.bench.permits.size, 0);
  });

  test("without such an account, nothing is registered and the step says what to do", async (t) => {
    const site = await openSiteBench(t, {}, { git: undefined });
    const { code, message, why, todo } = failureOf(await ensure(site), "errored");
    assert.equal(code, "repository-unreadable");
    assert.match(message, /seoul-argocd has no account to read .*orders-deploy\.git/);
    assert.match(why ?? "", /does not get Gantry's own account, which may push/);
    assert.match(todo ?? "", /under `git: bitbucket:` into the system seoul-argocd .*Or register the repository/);
    assert.deepEqual(writes(site), []);
    assert.deepEqual((await site.stored()).repositories, {});
  });

  test("what people registered is used as it is, with and without an account for Argo CD", async (t) => {
    for (const git of [undefined, { bitbucket: READER }]) {
      const site = await openSiteBench(t, {}, { git });
      const theirs = { username: "argocd", password: READER.password, name: "of the team", enableLfs: true };
      await byHand(site, "/repositories", { repo: site.cloneUrl, type: "git", ...theirs });
      const before = await site.stored();
      assert.deepEqual(outputOf(await ensure(site)), { url: site.cloneUrl, created: false });
      assert.deepEqual(writes(site), []);
      assert.deepEqual(await site.stored(), before);
    }
  });

  test("a repository that is registered under another spelling keeps it, and is not registered twice", async (t) => {
    const site = await openSiteBench(t);
    const spelled = site.cloneUrl.replace(/\.git$/, "");
    await byHand(site, "/repositories", { repo: `${spelled}.git/`, type: "git", project: "shop", ...READER });
    assert.deepEqual(outputOf(await ensure(site, { project: "shop" })), { url: `${spelled}.git/`, created: false });
    assert.deepEqual(writes(site), []);
    site.bench.nextTask();
    const own = outputOf(await ensure(site, { project: "orders" }));
    assert.deepEqual(own, { url: site.cloneUrl, created: true }, "what another project may use does not count");
  });

  test("a credential template that fits is enough", async (t) => {
    const site = await openSiteBench(t, {}, { git: undefined });
    await byHand(site, "/repocreds", { url: `${site.bitbucket.url}/scm/apps/`, ...READER });
    assert.deepEqual(outputOf(await ensure(site)), { url: site.cloneUrl, created: false });
    assert.deepEqual(writes(site), []);
  });

  test("a host whose repositories everybody may read needs no account", async (t) => {
    const site = await openSiteBench(t, {}, { git: { bitbucket: "none" } });
    assert.deepEqual(outputOf(await ensure(site)), { url: site.cloneUrl, created: false });
    assert.deepEqual(writes(site), []);
  });

  test("what an older version registered with Gantry's own account is replaced; without another account it is told", async (t) => {
    const settings = { insecure: true, enableLfs: true, name: "orders", noProxy: "git.example", depth: 1 };
    const registered = { type: "git", ...OWN, ...settings };
    const site = await openSiteBench(t);
    await byHand(site, "/repositories", { repo: site.cloneUrl, ...registered });
    assert.deepEqual(outputOf(await ensure(site)), { url: site.cloneUrl, created: false });
    const { repositories } = await site.stored();
    assert.deepEqual(repositories[site.cloneUrl], { repo: site.cloneUrl, type: "git", ...READER, ...settings });

    const without = await openSiteBench(t, {}, { git: undefined });
    await byHand(without, "/repositories", { repo: without.cloneUrl, ...registered });
    assert.equal(outputOf(await ensure(without)).created, false);
    assert.match(
      without.bench.lines.join("\n"),
      /registered with gantry, the account with which Gantry pushes; give Argo CD an account that may only read/,
    );
    assert.deepEqual(writes(without), []);
  });

  test("a password that was changed is renewed once Argo CD cannot read any more", async (t) => {
    const site = await openSiteBench(t);
    await byHand(site, "/repositories", {
      repo: site.cloneUrl,
      type: "git",
      // Not tested when it is registered.
      project: "orders",
      username: READER.username,
      password: "of last year",
    });
    assert.equal(outputOf(await ensure(site)).created, false);
    assert.deepEqual(await storedUser(site), READER);
  });

  test("where its account may not see repositories, one that is there stays", async (t) => {
    const site = await openSiteBench(
      t,
      {},
      { argocd: { without: ["repositories, get"], accounts: [{ name: "admin", token: "admin-token" }] } },
    );
    const headers = { authorization: "Bearer admin-token", "content-type": "application/json" };
    const theirs = { repo: site.cloneUrl, type: "git", ...OWN };
    const body = JSON.stringify(theirs);
    await fetch(`${site.argocd.url}/api/v1/repositories`, { method: "POST", headers, body });
    assert.equal(outputOf(await ensure(site)).created, false);
    assert.deepEqual(await storedUser(site), OWN);
  });

  test("the account may not have the password with which Gantry pushes", async (t) => {
    const site = await openSiteBench(t, {}, { git: { bitbucket: { username: "reader", password: OWN.password } } });
    const failure = failureOf(await ensure(site), "errored");
    assert.equal(failure.code, "repository-unreadable");
    assert.match(failure.why ?? "", /has the password with which Gantry pushes/);
    assert.deepEqual(writes(site), []);
  });
});

suite("gantry doctor asks with what Argo CD reads git", { concurrency: 4 }, () => {
  const deployed = ["bitbucket:APPS/orders-deploy"];
  const examine = async (site: SiteBench, names: readonly string[] = deployed) => {
    const outcome = await site.bench.once(systemCheck, { systems: ["argocd/seoul-argocd"], deployed: names });
    const output = outcome.kind === "succeeded" || outcome.kind === "failed" ? outcome.output : undefined;
    const found = output?.systems?.[0]?.findings.find(({ right }) => right === "git");
    assert.deepEqual(writes(site), []);
    return `${found?.verdict}: ${found?.says}`;
  };

  test("an account that may only read is what it should be; one that may push is missing a limit", async (t) => {
    const site = await openSiteBench(t);
    assert.equal(await examine(site), "yes: APPS/orders-deploy as argocd");
    assert.match(await examine(site, []), /^unknown: no app is deployed .*names an account for bitbucket$/);
    const pushing = await openSiteBench(t, {}, { git: { bitbucket: OWN } });
    assert.equal(await examine(pushing), "no: gantry may also push to APPS/orders-deploy");
    const stranger = await openSiteBench(t, {}, { git: { bitbucket: { ...READER, password: "of last year" } } });
    assert.match(await examine(stranger), /^no: argocd: the host refuses APPS\/orders-deploy \(status 401\)$/);
  });

  test("without one, what Argo CD has counts, unless it is the account with which Gantry pushes", async (t) => {
    const site = await openSiteBench(t, {}, { git: undefined });
    assert.match(
      await examine(site),
      /^no: .*seoul-argocd does not know it, and `git:` names no account for bitbucket$/,
    );
    await byHand(site, "/repositories", { repo: site.cloneUrl, type: "git", ...OWN });
    assert.match(await examine(site), /^no: .*registered with gantry, the account with which Gantry pushes/);
    const other = await openSiteBench(t, {}, { git: undefined });
    await byHand(other, "/repocreds", { url: `${other.bitbucket.url}/scm/`, ...READER });
    assert.match(await examine(other), /^yes: .*Argo CD has credentials for /);
    const open = await openSiteBench(t, {}, { git: { bitbucket: "none" } });
    assert.match(await examine(open), /^no: the host refuses/, "this host does not let everybody read");
  });
});

test("an address of SSH is the same repository", () => {
  const url = "https://git.example/scm/apps/orders-deploy.git";
  const facts = { url, there: undefined, templates: [], project: "orders", reader: READER, own: "gantry" };
  for (const repo of ["ssh://git@git.example:7999/apps/orders-deploy.git", "git@git.example:apps/orders-deploy.git"]) {
    const decided = decideRepository({
      ...facts,
      others: [{ repo: "https://git.example/scm/apps/other.git" }, { repo }],
    });
    assert.deepEqual(decided, { kind: "keep", url: repo, says: `it is registered as ${repo}` });
  }
});

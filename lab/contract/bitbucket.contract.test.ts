// All requests and answers between Gantry and the fake about repositories, checked against Atlassian's documents.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import type { GitHost } from "@gantry/connectors/git/host.ts";
import { openHost } from "@gantry/connectors/git/hosts.ts";
import { type LabHost, startLabHost } from "@gantry/connectors/git/lab.fixture.ts";
import { tempDir } from "@gantry/connectors/temp-dir.fixture.ts";
import type { Exchange } from "../fakes/fake-server.ts";
import {
  checkExchanges,
  checkOperationsExist,
  type Exemption,
  loadSpec,
  neededOperations,
  readDocument,
  specOf,
  specsFolder,
} from "./spec.ts";

const run = promisify(execFile);
const skip = specsFolder() === undefined ? "no API documents (see GANTRY_SPECS)" : false;

const LINKS: readonly Exemption[] = [
  "POST /api/latest/projects/{projectKey}/repos",
  "GET /api/latest/projects/{projectKey}/repos/{repositorySlug}",
  "PUT /api/latest/projects/{projectKey}/repos/{repositorySlug}",
].map((operation) => ({
  operation,
  at: "response",
  about: "/links",
  reason: "the document says that links are an object and does not say of what",
}));

const PULL_REQUESTS = "/api/latest/projects/{projectKey}/repos/{repositorySlug}/pull-requests";
const PULL_REQUEST_FIELDS: readonly Exemption[] = [
  ...[
    `POST ${PULL_REQUESTS}`,
    `GET ${PULL_REQUESTS}/{pullRequestId}`,
    `POST ${PULL_REQUESTS}/{pullRequestId}/decline`,
    `POST ${PULL_REQUESTS}/{pullRequestId}/merge`,
  ].map(
    (operation): Exemption => ({
      operation,
      at: "response",
      about: "/links",
      reason: "the document says that links are an object and does not say of what",
    }),
  ),
  {
    operation: `GET ${PULL_REQUESTS}`,
    at: "response",
    about: "/values/0/links",
    reason: "the document says that links are an object and does not say of what",
  },
  {
    operation: `GET ${PULL_REQUESTS}/{pullRequestId}`,
    at: "response",
    about: "/: unknown field properties",
    reason: "the document leaves out the properties of pull requests, of which the merge commit is one",
  },
  {
    operation: `POST ${PULL_REQUESTS}/{pullRequestId}/merge`,
    at: "response",
    about: "/: unknown field properties",
    reason: "the document leaves out the properties of pull requests, of which the merge commit is one",
  },
  ...["conflicted", "vetoes"].map(
    (field): Exemption => ({
      operation: `POST ${PULL_REQUESTS}/{pullRequestId}/merge`,
      at: "response",
      about: `/errors/0: unknown field ${field}`,
      reason: "the document describes only the fields that all errors have",
    }),
  ),
];

test("Data Center: requests and answers follow the document", { skip }, async (t) => {
  const spec = loadSpec("bitbucket-dc/bitbucket-9.4-openapi.json");
  assert.deepEqual(checkOperationsExist(spec, neededOperations("bitbucket-dc")), []);
  const exchanges = await everything(t, "bitbucket-dc");
  assert.deepEqual(
    checkExchanges(spec, exchanges, { basePath: "/rest", exemptions: [...LINKS, ...PULL_REQUEST_FIELDS] }),
    [],
  );
  const said = new Set(exchanges.map(({ method, path, status }) => `${method} ${path.split("/").at(-1)} ${status}`));
  for (const one of [
    "POST repos 201",
    "POST repos 409",
    "PUT orders 201",
    "GET orders 200",
    "GET orders 404",
    "GET orders 401",
    "GET branches 200",
    "DELETE orders 202",
    "DELETE orders 204",
    "POST pull-requests 201",
    "POST pull-requests 409",
    "POST decline 200",
  ]) {
    assert.ok(said.has(one), `${one} was never said, only ${[...said].join(", ")}`);
  }
});

const SILENT: readonly Exemption[] = [
  {
    operation: "GET /repositories/{workspace}/{repo_slug}/refs/branches",
    at: "query",
    about: "pagelen",
    reason: "paging is described once for all lists, not in each of them",
  },
  ...["q", "sort", "pagelen"].map(
    (about): Exemption => ({
      operation: "GET /repositories/{workspace}/{repo_slug}/pullrequests",
      at: "query",
      about,
      reason: "paging, filtering and sorting are described once for all lists, not in each of them",
    }),
  ),
  {
    operation: "GET /repositories/{workspace}/{repo_slug}/pullrequests/{pull_request_id}/statuses",
    at: "query",
    about: "pagelen",
    reason: "paging is described once for all lists, not in each of them",
  },
  {
    operation: "POST /repositories/{workspace}/{repo_slug}/pullrequests/{pull_request_id}/merge",
    at: "status",
    reason: "merge checks that are not met are a 400; the document has only the conflict",
  },
  {
    operation: "GET /repositories/{workspace}/{repo_slug}",
    at: "status",
    reason: "a wrong token is 401 everywhere; the document lists it only in some places",
  },
];

test("Cloud: requests and answers follow the document", { skip }, async (t) => {
  const folder = "bitbucket-cloud/node-bitbucket-2.12.0";
  const spec = specOf(folder, {
    swagger: "2.0",
    paths: readDocument(`${folder}/paths.json`),
    definitions: readDocument(`${folder}/definitions.json`),
  });
  const exchanges = await everything(t, "bitbucket-cloud");
  assert.deepEqual(checkExchanges(spec, exchanges, { basePath: "/2.0", exemptions: SILENT }), []);
  const said = new Set(exchanges.map(({ method, path, status }) => `${method} ${path.split("/").at(-1)} ${status}`));
  for (const one of ["POST orders 200", "POST orders 400", "PUT orders 200", "GET orders 404", "DELETE orders 204"]) {
    assert.ok(said.has(one), `${one} was never said, only ${[...said].join(", ")}`);
  }
});

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

/** All calls that a client can make, and the answers to a caller without rights. */
async function everything(
  t: Parameters<typeof tempDir>[0],
  provider: "bitbucket-dc" | "bitbucket-cloud",
): Promise<readonly Exchange[]> {
  const lab = await startLabHost(provider, await tempDir(t));
  t.after(() => lab.server.close());
  const signal = AbortSignal.timeout(20_000);
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
  assert.equal(await host.isEmpty(project, "orders"), true);
  await host.describeRepository(project, "orders", "Orders, described again (gantry:app=orders)");
  await host.deleteRepository(project, "orders");
  await host.deleteRepository(project, "orders");
  await pullRequests(t, lab, host);
  const stranger = openHost({ system: { ...lab.system, token: "not-the-token" }, fetch, signal });
  await assert.rejects(stranger.getRepository(project, "orders"), { code: "credential-refused" });
  return lab.server.exchanges;
}

// All requests and answers between Gantry and the fake about repositories, checked against Atlassian's documents.

import assert from "node:assert/strict";
import { test } from "node:test";
import { everyCall } from "./git-host-calls.ts";
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
    operation: "GET /api/latest/projects/{projectKey}/repos",
    at: "response",
    about: "/values/0/links",
    reason: "the document says that links are an object and does not say of what",
  },
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
  const exchanges = await everyCall(t, "bitbucket-dc");
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
    operation: "GET /repositories/{workspace}",
    at: "query",
    about: "pagelen",
    reason: "paging is described once for all lists, not in each of them",
  },
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
  const exchanges = await everyCall(t, "bitbucket-cloud");
  assert.deepEqual(checkExchanges(spec, exchanges, { basePath: "/2.0", exemptions: SILENT }), []);
  const said = new Set(exchanges.map(({ method, path, status }) => `${method} ${path.split("/").at(-1)} ${status}`));
  for (const one of ["POST orders 200", "POST orders 400", "PUT orders 200", "GET orders 404", "DELETE orders 204"]) {
    assert.ok(said.has(one), `${one} was never said, only ${[...said].join(", ")}`);
  }
});

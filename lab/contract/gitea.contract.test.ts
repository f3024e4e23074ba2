// All requests and answers between Gantry and the fake Gitea, checked against the documents of the oldest and the newest
// version that Gantry knows.

import assert from "node:assert/strict";
import { test } from "node:test";
import { everyCall } from "./git-host-calls.ts";
import { checkExchanges, type Exemption, loadSpec, specsFolder } from "./spec.ts";

const skip = specsFolder() === undefined ? "no API documents (see GANTRY_SPECS)" : false;

const SILENT: readonly Exemption[] = [
  {
    operation: "POST /orgs/{org}/repos",
    at: "status",
    about: "409",
    reason: "a repository that exists is 409 here, too; the document lists it for the repositories of people only",
  },
  {
    operation: "GET /repos/{owner}/{repo}",
    at: "status",
    about: "401",
    reason: "a wrong token is 401 everywhere; the document does not list it",
  },
];
const BEFORE_1_24: readonly Exemption[] = [
  ...SILENT,
  {
    operation: "GET /repos/{owner}/{repo}/pulls",
    at: "query",
    about: "base_branch",
    reason: "older versions ignore it, and the client selects the branch itself",
  },
];

const SINCE_1_26: readonly Exemption[] = [
  ...SILENT,
  ...["/: must have required property 'do'", "/: unknown field Do"].map(
    (about): Exemption => ({
      operation: "POST /repos/{owner}/{repo}/pulls/{index}/merge",
      at: "request",
      about,
      reason: "the document has `do` since 1.26; these versions still read `Do`, and older ones know nothing else",
    }),
  ),
];

for (const { file, exemptions } of [
  { file: "gitea/v1_json-v1.23.6.stripped.json", exemptions: BEFORE_1_24 },
  { file: "gitea/swagger-1.27.json", exemptions: SINCE_1_26 },
]) {
  test(`requests and answers follow ${file}`, { skip }, async (t) => {
    const exchanges = await everyCall(t, "gitea");
    assert.deepEqual(checkExchanges(loadSpec(file), exchanges, { basePath: "/api/v1", exemptions }), []);
    const said = new Set(exchanges.map(({ method, path, status }) => `${method} ${path.split("/").at(-1)} ${status}`));
    for (const one of [
      "POST repos 201",
      "POST repos 409",
      "GET orders 404",
      "GET orders 401",
      "PATCH orders 200",
      "DELETE orders 204",
      "DELETE orders 404",
      "POST pulls 201",
      "POST pulls 409",
      "PATCH 1 201",
      "POST merge 200",
      "POST merge 405",
    ]) {
      assert.ok(said.has(one), `${one} was never said, only ${[...said].join(", ")}`);
    }
  });
}

// All requests and answers between Gantry and the fake Jira, checked against Atlassian's documents.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type JiraFlavour, openJira } from "@gantry/connectors/jira/jira.fixture.ts";
import { comment, createIssue, createProject, transitionIssue } from "@gantry/connectors/jira/steps.ts";
import type { Exchange } from "../fakes/fake-server.ts";
import {
  checkExchanges,
  checkOperationsExist,
  type Exemption,
  loadSpec,
  neededOperations,
  specsFolder,
} from "./spec.ts";

const skip = specsFolder() === undefined ? "no API documents (see GANTRY_SPECS)" : false;
const EXEMPTIONS: readonly Exemption[] = [
  {
    operation: "GET /api/2/issue/{issueIdOrKey}/transitions",
    at: "query",
    about: "expand",
    reason: "jira-client asks for transitions.fields; the server knows it, the document leaves it out",
  },
];

const FLAVOURS = [
  { flavour: "cloud", file: "jira/jira-cloud-swagger-v3-2025-12.json", needed: "jira-cloud", basePath: "" },
  { flavour: "data-center", file: "jira/jira_software_dc_10.0-swagger.v3.json", needed: "jira-dc", basePath: "/rest" },
] as const;

for (const { flavour, file, needed, basePath } of FLAVOURS) {
  test(`${flavour}: requests and answers follow the document`, { skip }, async (t) => {
    const spec = loadSpec(file);
    assert.deepEqual(checkOperationsExist(spec, neededOperations(needed)), []);
    const exchanges = await everything(t, flavour);
    assert.deepEqual(checkExchanges(spec, exchanges, { basePath, exemptions: EXEMPTIONS }), []);
    const said = new Set(exchanges.map(({ method, path, status }) => `${method} ${path.split("/").at(-1)} ${status}`));
    for (const one of [
      "POST project 201",
      "GET ORD 404",
      "POST issue 201",
      "POST transitions 204",
      "POST comment 201",
      "GET GON-1 404",
    ]) {
      assert.ok(said.has(one), `${one} was never said, only ${[...said].join(", ")}`);
    }
  });
}

/** All calls that the connector can make, with a crash that makes it search. */
async function everything(t: TestContext, flavour: JiraFlavour): Promise<readonly Exchange[]> {
  const { jira, bench } = await openJira(t, flavour);
  assert.equal(
    (await bench.run(createProject, { key: "ORD", name: "Orders", description: "Takes orders." })).kind,
    "succeeded",
  );
  const issue = { project: "ORD", summary: "Deploy orders", description: "One\ntwo\n\nthree", labels: ["orders"] };
  bench.crashAt({ effect: "issue", when: "after-perform" });
  await assert.rejects(bench.run(createIssue, issue));
  assert.equal((await bench.run(createIssue, issue, { maxPauseMs: 10 })).kind, "succeeded");
  assert.equal((await bench.run(transitionIssue, { issue: "ORD-1", to: "Done" })).kind, "succeeded");
  bench.crashAt({ effect: "comment", when: "after-perform" });
  await assert.rejects(bench.run(comment, { issue: "ORD-1", text: "Deployed." }));
  assert.equal((await bench.run(comment, { issue: "ORD-1", text: "Deployed." })).kind, "succeeded");
  bench.nextTask({ app: "other" });
  assert.equal((await bench.run(createProject, { key: "ORX", name: "Orders" })).kind, "errored");
  const gone = await bench.run(createProject, { key: "GON", name: "Gone" });
  assert.ok(gone.kind === "succeeded");
  await bench.undo(createProject, { key: "GON", name: "Gone" }, gone.output);
  return jira.exchanges;
}

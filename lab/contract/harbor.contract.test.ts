// The requests and answers between Gantry and the fake Harbor, checked against Harbor's documents.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { harborBench } from "@gantry/connectors/harbor/harbor.fixture.ts";
import { ensureProject, waitForScan } from "@gantry/connectors/harbor/steps.ts";
import { writeFiles } from "@gantry/connectors/image/image.fixture.ts";
import { buildPush } from "@gantry/connectors/image/steps.ts";
import { parse } from "yaml";
import {
  checkExchanges,
  checkOperationsExist,
  type Exemption,
  neededOperations,
  type Spec,
  specOf,
  specsFolder,
} from "./spec.ts";

const folder = specsFolder();
const skip = folder === undefined ? "no API documents (see GANTRY_SPECS)" : false;

const EXEMPTIONS: readonly Exemption[] = [
  {
    operation:
      "GET /projects/{project_name}/repositories/{repository_name}/artifacts/{reference}/additions/vulnerabilities",
    at: "response",
    about: "/: must be string",
    reason: "the document calls the report a string; Harbor sends the JSON itself, by the type of the report",
  },
];

function specOfHarbor(version: string): Spec {
  const file = `harbor/swagger-${version}.yaml`;
  // One quoted text of 2.10 goes on in a line that YAML takes for the next key.
  const text = readFileSync(join(folder ?? "", file), "utf8").replace(
    /"false"\.\n +If it is set/g,
    '"false". If it is set',
  );
  return specOf(file, parse(text));
}

for (const version of ["v2.10.3", "v2.15.2"]) {
  test(`requests and answers follow the document of Harbor ${version}`, { skip }, async (t) => {
    const spec = specOfHarbor(version);
    assert.deepEqual(checkOperationsExist(spec, neededOperations("harbor")), []);
    const { bench, harbor, api } = await harborBench(t, { projects: {} });
    await bench.run(ensureProject, { project: "orders", autoScan: false });
    await writeFiles(bench.workspace, { Dockerfile: "FROM scratch\nCOPY a /\n", a: "a" });
    const input = { repository: "orders/web", tags: ["1"], labels: { "lab.vulnerability": "critical" } };
    const pushed = await bench.run(buildPush, input);
    const digest = pushed.kind === "succeeded" ? pushed.output.digest : "";
    const outcome = await bench.run(waitForScan, { repository: "orders/web", digest }, { maxPauseMs: 10 });
    assert.equal(outcome.kind, "failed", JSON.stringify(outcome));
    await bench.undo(ensureProject, { project: "orders" }, { project: "orders", created: true });
    for (const path of ["/projects", "/projects/orders/repositories", "/health", "/systeminfo"]) await api("GET", path);
    await api("POST", "/projects", { project_name: "orders" });
    await api("POST", "/robots", {
      name: "ci",
      level: "project",
      duration: -1,
      permissions: [{ kind: "project", namespace: "orders", access: [{ resource: "repository", action: "pull" }] }],
    });
    const ignore = [/ \/v2\//, / \/service\//];
    assert.deepEqual(
      checkExchanges(spec, harbor.exchanges, { basePath: "/api/v2.0", ignore, exemptions: EXEMPTIONS }),
      [],
    );
  });
}

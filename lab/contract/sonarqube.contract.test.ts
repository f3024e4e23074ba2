// The requests and answers between Gantry and the fake SonarQube, checked against the server's own list of services.

import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { analyze, qualityGate } from "@gantry/connectors/sonarqube/steps.ts";
import { openBench } from "@gantry/connectors/step.fixture.ts";
import { tempDir } from "@gantry/connectors/temp-dir.fixture.ts";
import type { Exchange } from "../fakes/fake-server.ts";
import { startSonarqube } from "../fakes/sonarqube.ts";
import { checkSonarExchanges, checkSonarServicesExist, loadSonarServices } from "./sonar-services.ts";
import { neededOperations, specsFolder } from "./spec.ts";

const skip = specsFolder() === undefined ? "no API documents (see GANTRY_SPECS)" : false;

test("requests use only what SonarQube documents", { skip }, async (t) => {
  const services = loadSonarServices();
  assert.deepEqual(checkSonarServicesExist(services, neededOperations("sonarqube")), []);
  const sonarqube = await startSonarqube({ name: "s", dir: await tempDir(t), token: "token-1", queueMs: 5, runMs: 5 });
  t.after(() => sonarqube.close());
  const system = { kind: "sonarqube", name: "s", url: sonarqube.url, standIn: true, token: "token-1" } as const;
  const path = [fileURLToPath(new URL("../fakes/bin", import.meta.url))];
  const bench = await openBench({ systems: [system], path });
  t.after(() => bench.close());
  await mkdir(join(bench.workspace, "src"));
  await writeFile(join(bench.workspace, "src/a.js"), "let a;\n");
  const outcome = await bench.run(analyze, { projectKey: "orders", projectName: "Orders" });
  assert.ok(outcome.kind === "succeeded", JSON.stringify(outcome));
  const { ceTask, projectKey } = outcome.output;
  assert.equal((await bench.run(qualityGate, { ceTask, projectKey }, { maxPauseMs: 10 })).kind, "succeeded");
  await fetch(`${sonarqube.url}/api/system/status`);
  assert.deepEqual(checkSonarExchanges(services, sonarqube.exchanges), []);
  const asked = new Set(sonarqube.exchanges.map((one) => one.path));
  assert.equal(asked.size, 6, [...asked].join(", "));
});

test("the check finds wrong paths, methods, names and JSON bodies", { skip }, () => {
  const said = (method: string, path: string, more: Partial<Exchange> = {}): Exchange => {
    const nothing = { query: {}, requestType: "", requestBody: undefined, responseType: "", responseBody: undefined };
    return { method, path, status: 200, ...nothing, ...more };
  };
  const wrong = [
    said("GET", "/api/nothing/here"),
    said("GET", "/api/projects/create"),
    said("GET", "/api/ce/task", { query: { task: "1" } }),
    said("POST", "/api/projects/create", { requestType: "application/json", requestBody: { project: "a", name: "A" } }),
  ];
  assert.deepEqual(checkSonarExchanges(loadSonarServices(), wrong), [
    "GET /api/nothing/here: there is no such service",
    "GET /api/projects/create: there is no such service",
    "GET /api/ce/task → 200: unknown parameter task",
    "GET /api/ce/task → 200: id is missing",
    "POST /api/projects/create → 200: parameters must come as a form, not as application/json",
  ]);
});

// The requests and answers between Gantry and the fake Nexus, checked against Sonatype's document.

import assert from "node:assert/strict";
import { test } from "node:test";
import { settings } from "@gantry/connectors/nexus/steps.ts";
import { openBench } from "@gantry/connectors/step.fixture.ts";
import { tempDir } from "@gantry/connectors/temp-dir.fixture.ts";
import { startNexus } from "../fakes/nexus/nexus.ts";
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
    operation: "GET /v1/repositories/{repositoryName}",
    at: "status",
    about: "200",
    reason: "the document lists only the errors; the good answer is one entry of GET /v1/repositories",
  },
];

test("requests and answers follow the document", { skip }, async (t) => {
  const spec = loadSpec("nexus/openapi-v3.94.0.yaml");
  assert.deepEqual(checkOperationsExist(spec, neededOperations("nexus")), []);
  const nexus = await startNexus({ name: "nexus", dir: await tempDir(t) });
  t.after(() => nexus.close());
  for (const npm of ["npm-group", "absent"]) {
    const system = { kind: "nexus", name: "nexus", url: nexus.url, standIn: true, repositories: { npm } } as const;
    const bench = await openBench({ systems: [system] });
    t.after(() => bench.close());
    await bench.run(settings, { formats: ["npm"] });
  }
  for (const path of ["status", "status/writable", "repositories"]) await fetch(`${nexus.url}/service/rest/v1/${path}`);
  const ignore = [/ \/repository\//];
  const problems = checkExchanges(spec, nexus.exchanges, { basePath: "/service/rest", ignore, exemptions: EXEMPTIONS });
  assert.deepEqual(problems, []);
  assert.deepEqual(
    nexus.exchanges.map(({ status }) => status),
    [200, 404, 200, 200, 200],
  );
});

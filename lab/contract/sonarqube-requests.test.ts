// The fake SonarQube answers as a real one did (Community 25.12, recorded by `npm run test:soak -- sonarqube`).

import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { analyze, qualityGate } from "@gantry/connectors/sonarqube/steps.ts";
import { openBench } from "@gantry/connectors/step.fixture.ts";
import { tempDir } from "@gantry/connectors/temp-dir.fixture.ts";
import { startSonarqube } from "../fakes/sonarqube.ts";
import recorded from "./sonarqube-answers.json" with { type: "json" };
import { askSonarqube, differences, type SonarAnswers } from "./sonarqube-requests.ts";

test("the fake SonarQube answers the whole list of requests as the real one", async (t) => {
  const tokens = { everything: "token-all", scan: "token-scan", browse: "token-browse" };
  const sonarqube = await startSonarqube({
    name: "s",
    dir: await tempDir(t),
    token: tokens.everything,
    tokens: [
      { token: tokens.scan, rights: ["scan", "create"] },
      { token: tokens.browse, rights: ["browse"] },
    ],
    gate: "new-code",
    queueMs: 5,
    runMs: 5,
  });
  t.after(() => sonarqube.close());
  const system = { kind: "sonarqube", name: "s", url: sonarqube.url, standIn: true, token: tokens.everything } as const;
  const bench = await openBench({
    systems: [system],
    path: [fileURLToPath(new URL("../fakes/bin", import.meta.url))],
    limits: { maxPauseMs: 10 },
  });
  t.after(() => bench.close());
  await mkdir(join(bench.workspace, "src"));
  const fake = await askSonarqube(sonarqube.url, tokens, async (withIssue) => {
    bench.nextTask();
    await writeFile(join(bench.workspace, "src/a.py"), withIssue ? `# ${["FIX", "ME"].join("")}: later\n` : "a = 1\n");
    const scan = await bench.run(analyze, { projectKey: "orders" });
    assert.ok(scan.kind === "succeeded", JSON.stringify(scan));
    const { ceTask, projectKey } = scan.output;
    const gate = await bench.run(qualityGate, { ceTask, projectKey });
    assert.equal(gate.kind, withIssue ? "failed" : "succeeded");
    return {
      ceTask,
      analysis: gate.kind === "succeeded" || gate.kind === "failed" ? (gate.output?.analysis ?? "") : "",
    };
  });
  const found = differences(fake, recorded as SonarAnswers);
  assert.equal(found.length, 0, found.join("\n"));
});

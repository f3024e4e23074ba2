import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorCode, explain } from "@gantry/core/errors.ts";
import { decideScanFailure } from "./decide-scan-failure.ts";

const NOISE = ["ERROR: Error during SonarScanner CLI execution", "ERROR: "];
const AFTER = "ERROR: Re-run SonarScanner CLI using the -X switch to enable full debug logging.";

/** What sonar-scanner writes, and who has to act. Its exit code is 3 every time. */
const ROWS: readonly (readonly [string, string, ErrorCode])[] = [
  [
    "no right",
    "You're not authorized to analyze this project or the project doesn't exist on SonarQube: Insufficient privileges",
    "system-forbidden",
  ],
  ["403", "Error 403 on https://sonar.example/api/ce/submit: HTTP code 403", "system-forbidden"],
  [
    "a wrong token",
    "Not authorized. Please check the user token in the property 'sonar.token' (deprecated: 'sonar.login')",
    "credential-refused",
  ],
  [
    "401",
    "Failed to query server version: GET https://sonar.example/api/server/version failed with HTTP 401 Unauthorized",
    "credential-refused",
  ],
  ["gone", "SonarQube server [https://sonar.example] can not be reached", "system-unavailable"],
  [
    "refused",
    "Failed to query server version: Call to URL [https://sonar.example/api/v2/analysis/version] failed: Connection refused",
    "system-unavailable",
  ],
  [
    "starting",
    "Failed to query server version: GET https://sonar.example/api/server/version failed with HTTP 404",
    "system-unavailable",
  ],
  [
    "503",
    "GET https://sonar.example/api/v2/analysis/version failed with HTTP 503 Service Unavailable",
    "system-unavailable",
  ],
  ["no name", "java.net.UnknownHostException: sonar.example", "system-unavailable"],
  ["slow", "Failed to upload report: timeout", "system-unavailable"],
  [
    "a branch at Community",
    'To use the property "sonar.branch.name" and analyze branches, Developer Edition or above is required.',
    "system-refused",
  ],
  [
    "an unknown authority",
    "PKIX path building failed: unable to find valid certification path to requested target",
    "certificate-untrusted",
  ],
  ["no memory", "Java heap space: java.lang.OutOfMemoryError", "system-refused"],
  [
    "a folder that is not there",
    "The folder 'src' does not exist for 'orders' (base directory = /work)",
    "script-failed",
  ],
  ["bad sources", "Unable to parse source file : src/a.java", "script-failed"],
  [
    "a bad property",
    "Please provide compiled classes of your project with sonar.java.binaries property",
    "script-failed",
  ],
  [
    "a file indexed twice",
    "File src/a.js can't be indexed twice. Please check that inclusion/exclusion patterns",
    "script-failed",
  ],
];

for (const [name, line, code] of ROWS) {
  test(`the scanner ends with ${name}: ${code}, with its own words`, () => {
    const errors = [...NOISE, `12:30:45.123 ERROR ${line}`, AFTER];
    const error = decideScanFailure({ system: "sonar", projectKey: "orders", exitCode: 3, errors });
    assert.equal(error.code, code);
    assert.ok(explain(error).why.includes(line), explain(error).why);
    assert.doesNotMatch(explain(error).why, /Re-run|Error during/);
  });
}

test("a scanner that says nothing fails with its exit code", () => {
  const error = decideScanFailure({ system: "sonar", projectKey: "orders", exitCode: 137, errors: NOISE });
  assert.equal(error.code, "script-failed");
  assert.match(explain(error).why, /exit code 137/);
});

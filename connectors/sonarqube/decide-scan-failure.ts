// Decides who caused an error of sonar-scanner. Its exit code is 3 whatever happened; only the text of its
// ERROR lines distinguishes a refused token or an absent server from sources that it cannot analyse. Pure.

import { GantryError } from "@gantry/core/errors.ts";
import { scriptFailed } from "@gantry/core/step/script-end.ts";
import { truncate } from "@gantry/core/truncate.ts";

export type ScanEnd = {
  readonly system: string;
  readonly projectKey: string;
  readonly exitCode: number;
  /** Lines of the scanner that begin with ERROR, in order, as far as they were kept. */
  readonly errors: readonly string[];
};

type Cause =
  | "credential-refused"
  | "system-forbidden"
  | "system-unavailable"
  | "system-refused"
  | "certificate-untrusted";

/** In order: the first that fits. The texts are those of sonar-scanner 4.8 to 8.1 and of the server. */
const CAUSES: readonly (readonly [RegExp, Cause])[] = [
  [/PKIX path|unable to find valid certification path|SSLHandshake|certificate_unknown/i, "certificate-untrusted"],
  [/branch\.name|Developer Edition/i, "system-refused"],
  [
    /Insufficient privileges|HTTP (code )?403|status( code)? 403|not authorized to (analy|run)|Forbidden/i,
    "system-forbidden",
  ],
  [/Not authorized|HTTP (code )?401|status( code)? 401|Unauthorized|sonar\.(login|token)/i, "credential-refused"],
  [
    /can ?not be reached|Connection refused|Failed to connect|UnknownHost|timed? ?out|HTTP (code )?(404|429|5\d\d)|status( code)? (404|429|5\d\d)|(GET|POST|Call to URL) \S+ failed|Fail(ed)? to (query|get|request|download|bootstrap)|Unexpected end of stream|Broken pipe|server version/i,
    "system-unavailable",
  ],
  [
    /OutOfMemory|No space left|UnsupportedClassVersion|Java (1[0-6]|[89])\b.*(not supported|required)/i,
    "system-refused",
  ],
];

/** `script-failed` is the user's failure; every other code is ours or the system's. */
export function decideScanFailure({ system, projectKey, exitCode, errors }: ScanEnd): GantryError {
  const lines = errors.map((line) => line.replace(/^.*?\bERROR:?\s*/, "").trim()).filter((line) => !isNoise(line));
  const problem = truncate([...new Set(lines)].join("; ") || `sonar-scanner ended with exit code ${exitCode}.`, 600);
  const what = `analyse ${projectKey}`;
  for (const [pattern, code] of CAUSES) {
    if (lines.some((line) => pattern.test(line))) {
      return new GantryError(code, {
        system,
        what,
        problem,
        ...(code === "credential-refused" ? { status: 401 } : {}),
      });
    }
  }
  return scriptFailed(exitCode, `sonar-scanner: ${problem}`);
}

/** Lines that the scanner adds to every failure. */
function isNoise(line: string): boolean {
  return /^$|^Error during SonarScanner (CLI |Engine )?execution$|^Re-run SonarScanner|^\s*at \S+\(/i.test(line);
}

// Which test files there are, in the order in which `npm test` starts them.

import { globSync } from "node:fs";
import { resolve } from "node:path";

/**
 * Tests that start no other process, change nothing global and leave nothing behind (lab/repo-checks/shared-process.test.ts).
 * They share one process, because starting one and loading the modules costs about 0.17 s of CPU time per file.
 */
const IN_ONE_PROCESS = [
  "core/**/*.test.ts",
  "**/decide-*.test.ts",
  "console/{app-fields,form,layout,log-lines,store,task-page}.test.ts",
  "connectors/{argo-cd/image-use,image/docker*,image/referenced-images,mail/render,messenger/limits}.test.ts",
  "connectors/{nexus/settings-files,oci/reference,sonarqube/report-task,yaml/set-*}.test.ts",
  "journal/{memory/memory,redis/own-ranges,typed-stream}.test.ts",
  "notify-agent/messages.test.ts",
  "portal-api/{access/sessions,live/batch-loader}.test.ts",
  "runtime/{backoff,http/outbound-guard,process/arguments,process/parse-flags}.test.ts",
  // These have an agent in memory, whose clock the tests set.
  "task-agent/{api/interrupted-steps,api/view,apps/*,events/*,leases/*,peers/peers}.test.ts",
  "task-agent/dispatch/{dispatch,head-start,sessions,waiting-for-runners}.test.ts",
  "task-agent/{runner-protocol/*,tasks/recovery,tasks/rerun}.test.ts",
  "task-runner/steps/{failing-line,script-outputs}.test.ts",
  "wire/{audit,bus,runner}/**/!(runner-client).test.ts",
];

/** The files that take longest, in wall time: one that starts late would run alone at the end. */
const LONGEST = [
  "lab/e2e/main-job.test.ts",
  "console/browser.test.ts",
  "task-runner/sandbox.test.ts",
  "connectors/git/{contents,commit}.test.ts",
  "task-runner/outside-app.test.ts",
  "connectors/{bitbucket-dc,sonarqube,argo-cd}/*.test.ts",
  "task-agent/peers/shared-journal.test.ts",
  "lab/e2e/*.test.ts",
];

/** `npm run check` runs the checks of the repository. */
const EXCLUDED = ["**/node_modules/**", ".data/**", "lab/repo-checks/**"];

/** The file that runs `testsInOneProcess`. */
const ONE_PROCESS = resolve("lab/tests-in-one-process.ts");

/** Absolute paths. `testsInOneProcess` are not in it, but the file that runs them. */
export function testFiles(): readonly string[] {
  const shared = new Set(testsInOneProcess());
  const files = [...LONGEST, "**/*.test.ts"].flatMap((pattern) => filesOf(pattern)).filter((file) => !shared.has(file));
  return [...new Set([ONE_PROCESS, ...files])];
}

/** Absolute paths. */
export function testsInOneProcess(): readonly string[] {
  return [...new Set(IN_ONE_PROCESS.flatMap((pattern) => filesOf(pattern)))];
}

function filesOf(pattern: string): readonly string[] {
  const files = globSync(pattern, { exclude: EXCLUDED });
  if (files.length === 0) throw new Error(`${pattern} of lab/test-files.ts matches no file`);
  return files.toSorted().map((file) => resolve(file));
}

// Which test files there are, in the order in which `npm test` starts them.

import { globSync } from "node:fs";
import { resolve } from "node:path";

/**
 * Files whose tests share one process per group, because starting one and loading the modules costs 0.2 to 0.5 s of CPU time
 * per file. They change nothing of the process (lab/repo-checks/shared-process.test.ts) and close what they open.
 * lab/test-groups has a file per group. The tests of a group run one after the other: split a group that takes longest.
 */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  /** They start no other process and use no clock but their own. */
  pure: [
    "core/**/*.test.ts",
    "**/decide-*.test.ts",
    "console/{app-fields,form,layout,log-lines,store,task-page}.test.ts",
    "connectors/{argo-cd/image-use,image/dockerfile/docker*,image/referenced-images,mail/render,messenger/limits}.test.ts",
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
  ],
  agent: ["task-agent/**/!(shared-journal).test.ts"],
  pipelines: ["cli/{complete,import,pipeline}/**/*.test.ts"],
  commands: ["cli/**/!(private-data).test.ts"],
  hosts: ["connectors/{bitbucket-cloud,gitea,gitee,github,gitlab}/*.test.ts", "connectors/git/!(git|commit).test.ts"],
  connectors: [
    "connectors/!(git|argo-cd|bitbucket-dc|sonarqube)/**/*.test.ts",
    "connectors/{argo-cd/permits,http,outlast,plain-file}.test.ts",
  ],
  e2e: ["lab/e2e/!(main-job).test.ts"],
  lab: ["lab/{contract,fakes,golden}/**/*.test.ts"],
  access: ["portal-api/{access,audit,oidc,people}/**/*.test.ts", "notify-agent/**/*.test.ts"],
  portal: ["portal-api/**/*.test.ts"],
  runner: ["task-runner/*.test.ts"],
  jobs: ["task-runner/*/**/*.test.ts"],
  shared: [
    "{deploy,journal,wire}/**/!(sqlite).test.ts",
    "console/missing-systems.test.ts",
    "runtime/**/!(clock|server).test.ts",
  ],
};

/** The files that take longest, in wall time: one that starts late would run alone at the end. They start before the groups. */
const LONGEST = ["lab/e2e/main-job.test.ts", "connectors/git/commit.test.ts"];

/** They start after the groups, and before all others. */
const LONG = [
  "connectors/{argo-cd,bitbucket-dc,sonarqube}/*.test.ts",
  "console/browser/smoke.test.ts",
  "task-agent/peers/shared-journal.test.ts",
];

/** `npm run check` runs the checks of the repository. */
const EXCLUDED = ["**/node_modules/**", ".data/**", "lab/repo-checks/**"];

/** Absolute paths. The files of a group are not in it, but the file that runs them. */
export function testFiles(): readonly string[] {
  const groups = groupsOfTests();
  const shared = new Set([...groups.values()].flat());
  const alone = (patterns: readonly string[]) => patterns.flatMap(filesOf).filter((file) => !shared.has(file));
  const ofGroups = [...groups.keys()].map((name) => resolve(`lab/test-groups/${name}.ts`));
  return [...new Set([...alone(LONGEST), ...ofGroups, ...alone([...LONG, "**/*.test.ts"])])];
}

/** Absolute paths by the name of the group. A file belongs to the first group that has a pattern for it. */
export function groupsOfTests(): ReadonlyMap<string, readonly string[]> {
  const taken = new Set<string>();
  return new Map(
    Object.entries(GROUPS).map(([name, patterns]) => {
      const files = [...new Set(patterns.flatMap(filesOf))].filter((file) => !taken.has(file));
      for (const file of files) taken.add(file);
      return [name, files];
    }),
  );
}

function filesOf(pattern: string): readonly string[] {
  const files = globSync(pattern, { exclude: EXCLUDED });
  if (files.length === 0) throw new Error(`${pattern} of lab/test-files.ts matches no file`);
  return files.toSorted().map((file) => resolve(file));
}

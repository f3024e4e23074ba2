// Runs sonar-scanner in the workspace and reads where its report went.

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import type { SonarqubeSystem } from "@gantry/core/site/systems.ts";
import type { StepContext } from "@gantry/core/step/step.ts";
import { readPlainFile } from "../plain-file.ts";
import { decideScanFailure } from "./decide-scan-failure.ts";
import { parseReportTask } from "./report-task.ts";

export type Scan = {
  readonly system: SonarqubeSystem;
  /** The folder of the sources, absolute. */
  readonly directory: string;
  readonly projectKey: string;
  readonly projectName?: string | undefined;
  readonly commit?: string | undefined;
  readonly version?: string | undefined;
  /** Undefined: the main branch. */
  readonly branch?: string | undefined;
};

const MAX_ERRORS = 50;
const MAX_REPORT = 64 * 1024;

/**
 * Answers the id of the background task. The token goes by environment, because arguments are visible to everybody on the
 * machine. The address goes by argument: a properties file among the sources must not send the token elsewhere. Throws what
 * `decideScanFailure` makes of a failure.
 */
export async function scan(
  context: Pick<StepContext<unknown>, "exec" | "home" | "task">,
  { system, directory, ...wanted }: Scan,
): Promise<{ readonly ceTask: string }> {
  const work = join(directory, ".scannerwork");
  await rm(work, { recursive: true, force: true });
  const errors: string[] = [];
  const { exitCode } = await context.exec(["sonar-scanner", ...argumentsOf(context.task.id, system.url, wanted)], {
    cwd: directory,
    // A properties file names programs to start (`sonar.nodejs.executable`) and folders to read (`sonar.projectBaseDir`), so
    // the scanner gets neither the runner's rights nor a shared folder for the programs that it downloads.
    confined: true,
    env: {
      SONAR_TOKEN: system.scannerToken ?? system.token,
      SONAR_HOST_URL: system.url,
      SONAR_USER_HOME: join(context.home, ".sonar"),
    },
    onLine: (line) => {
      if (errors.length < MAX_ERRORS && /\bERROR\b/.test(line.slice(0, 40))) errors.push(line);
    },
  });
  const title = system.title ?? system.name;
  if (exitCode !== 0) throw decideScanFailure({ system: title, projectKey: wanted.projectKey, exitCode, errors });
  const report = parseReportTask(await readReport(directory));
  // The scanner's files must not get into an image or a commit.
  await rm(work, { recursive: true, force: true });
  if (report.projectKey === wanted.projectKey) return { ceTask: report.ceTaskId };
  const problem = `it analysed the project ${report.projectKey}`;
  throw new GantryError("system-strange", { system: "sonar-scanner", what: `analyse ${wanted.projectKey}`, problem });
}

function argumentsOf(task: string, url: string, wanted: Omit<Scan, "system" | "directory">): readonly string[] {
  const settings: Record<string, string | undefined> = {
    "sonar.host.url": url,
    "sonar.working.directory": ".scannerwork",
    "sonar.projectKey": wanted.projectKey,
    "sonar.projectName": wanted.projectName,
    // Never the commit: by default, a new version starts a new-code period, in which the issues of the commit before are
    // no longer new, so that a red gate would turn green with the next commit.
    "sonar.projectVersion": wanted.version,
    "sonar.scm.revision": wanted.commit,
    "sonar.branch.name": wanted.branch,
    // Comes back in the webhook of SonarQube, so that its receiver finds this task without a lookup.
    "sonar.analysis.runId": task,
  };
  return Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : [`-D${name}=${value}`]));
}

/** The sources may contain anything at this path: a link, or a pipe without a writer. */
async function readReport(directory: string): Promise<string> {
  const name = ".scannerwork/report-task.txt";
  const limits = { name, maxBytes: MAX_REPORT };
  const text = await readPlainFile(directory, join(directory, name), limits).catch((error: unknown) => {
    if (error instanceof GantryError) return undefined;
    throw error;
  });
  if (text !== undefined) return text;
  const problem = `it ended well and left no ${name}`;
  throw new GantryError("system-strange", { system: "sonar-scanner", what: "analyse the sources", problem });
}

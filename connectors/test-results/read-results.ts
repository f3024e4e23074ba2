// Reads all result files of a folder and adds them up.

import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { counted } from "@gantry/core/count.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { StepContext } from "@gantry/core/step/step.ts";
import { readPlainFile } from "../plain-file.ts";
import { addUp, type Coverage, readCoverage } from "./coverage.ts";
import { type FoundFile, findFiles } from "./find-files.ts";
import { type FailedTest, readJunit } from "./junit.ts";
import { readSarif } from "./sarif.ts";

export type Patterns = {
  readonly junit: readonly string[];
  readonly coverage: readonly string[];
  readonly sarif: readonly string[];
};

export const USUAL_PATTERNS: Patterns = {
  junit: [
    "**/TEST-*.xml",
    "**/junit*.xml",
    "**/*.junit.xml",
    "**/*-junit.xml",
    "**/test-results/**/*.xml",
    "**/test-results.xml",
    "**/test-report.xml",
  ],
  coverage: ["**/jacoco*.xml", "**/cobertura*.xml", "**/*.cobertura.xml", "**/coverage.xml", "**/lcov.info"],
  sarif: ["**/*.sarif", "**/*.sarif.json"],
};

export type Results = {
  /** JUnit files with tests. */
  readonly files: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Of all coverage files. 0 lines: there are none. */
  readonly lines: { readonly covered: number; readonly total: number };
  readonly findings: { readonly error: number; readonly warning: number; readonly note: number };
  readonly first?: FailedTest;
};

const MAX_TOLD = 5;
const MAX_FILE = 20 * 1_048_576;
const MAX_TOTAL = 200 * 1_048_576;

type Context = Pick<StepContext<unknown>, "log" | "workspace">;

/** `sinceMs`: files that were last written before do not count, such as those that are part of the sources. */
export async function readResults(
  context: Context,
  root: string,
  patterns: Patterns,
  sinceMs = Number.NEGATIVE_INFINITY,
): Promise<Results> {
  const sum = { files: 0, passed: 0, failed: 0, skipped: 0, error: 0, warning: 0, note: 0 };
  const coverages: Coverage[] = [];
  let first: FailedTest | undefined;
  const read = reader(context, root, sinceMs);
  await read(patterns.junit, readJunit, (found) => {
    if (found.passed + found.failed + found.skipped > 0) sum.files += 1;
    for (const key of ["passed", "failed", "skipped"] as const) sum[key] += found[key];
    first ??= found.first;
  });
  await read(patterns.coverage, readCoverage, (found) => void coverages.push(found));
  await read(patterns.sarif, readSarif, (found) => {
    for (const key of ["error", "warning", "note"] as const) sum[key] += found[key];
    if (found.first !== undefined) context.log(`error: ${found.first}`);
  });
  const { files, passed, failed, skipped, ...findings } = sum;
  return { files, passed, failed, skipped, findings, lines: addUp(coverages), ...(first ? { first } : {}) };
}

type Read = <T extends object>(
  patterns: readonly string[],
  parse: (text: string) => T | { readonly problem: string } | undefined,
  add: (found: T) => void,
) => Promise<void>;

/** A file that cannot be read is reported and does not count. */
function reader({ log, workspace }: Context, root: string, sinceMs: number): Read {
  let total = 0;
  return async (patterns, parse, add) => {
    if (patterns.length === 0) return;
    const { files, isComplete, unreadable } = await findFiles(root, patterns);
    for (const path of unreadable.slice(0, MAX_TOLD))
      log(`warning: ${path} could not be opened; results may be missing`);
    if (!isComplete) log("warning: the folder has too many files; results may be missing");
    for (const { path } of withoutCopies(files.filter(({ modifiedMs }) => modifiedMs >= sinceMs))) {
      if (total > MAX_TOTAL) {
        log(`warning: result files have more than ${MAX_TOTAL / 1_048_576} MiB; ${path} and others were not read`);
        return;
      }
      const text = await textOf(workspace, root, path);
      const found = text instanceof GantryError ? { problem: String(text.details.problem) } : parse(text);
      if (found === undefined) continue;
      total += text instanceof GantryError ? 0 : text.length;
      if ("problem" in found) log(`warning: ${path} was not read: ${found.problem}`);
      else add(found);
    }
  };
}

/** TestNG writes the results that Surefire or Gradle write once more, into a folder `junitreports`. */
function withoutCopies(files: readonly FoundFile[]): readonly FoundFile[] {
  const others = files.filter(({ path }) => !/(^|\/)junitreports\//.test(path));
  return others.length > 0 ? others : files;
}

async function textOf(workspace: string, root: string, path: string): Promise<string | GantryError> {
  try {
    return (await readPlainFile(workspace, join(root, path), { name: path, maxBytes: MAX_FILE })) ?? "";
  } catch (error) {
    if (error instanceof GantryError) return error;
    throw error;
  }
}

/** The time of the file system now. The runner's clock may differ from it by a moment. */
export async function fileTime(folder: string): Promise<number> {
  const file = join(folder, `time-${crypto.randomUUID()}`);
  await writeFile(file, "", { flag: "wx" });
  return (await stat(file)).mtimeMs;
}

/** "128 passed, 1 failed, 2 skipped, 81.5% of lines covered, 3 errors". */
export function inWords({ files, passed, failed, skipped, lines, findings }: Results): string {
  const parts = [
    ...(files > 0 ? [`${passed} passed`, `${failed} failed`, `${skipped} skipped`] : ["no test results"]),
    ...(lines.total > 0 ? [`${percent(lines)}% of lines covered`] : []),
    ...(findings.error > 0 ? [counted(findings.error, "error")] : []),
    ...(findings.warning > 0 ? [counted(findings.warning, "warning")] : []),
  ];
  return parts.join(", ");
}

/** With one decimal. */
export function percent({ covered, total }: Results["lines"]): number {
  return Math.round((covered * 1_000) / total) / 10;
}

// test/run runs the tests of an app and reads their results. test/report reads results that an earlier step has written.

import { counted } from "@gantry/core/count.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { type Failure, failed, failureOf, succeeded } from "@gantry/core/step/outcome.ts";
import { defineStep, NO_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { commandsInput, folderIn, runCommands } from "../build/commands.ts";
import type { FailedTest } from "./junit.ts";
import { fileTime, inWords, percent, type Results, readResults, USUAL_PATTERNS } from "./read-results.ts";

const patterns = (usual: readonly string[], what: string) =>
  z
    .array(z.string().min(1).max(300))
    .max(50)
    .default([...usual])
    .describe(`Patterns of ${what}, below the folder.`);
const patternInputs = {
  junit: patterns(USUAL_PATTERNS.junit, "JUnit files"),
  coverage: patterns(USUAL_PATTERNS.coverage, "coverage files of JaCoCo, Cobertura or lcov"),
  sarif: patterns(USUAL_PATTERNS.sarif, "SARIF files"),
};

const count = z.int();
const output = z.strictObject({
  /** JUnit files. 0: there are no results, and the counts say nothing. */
  files: count,
  passed: count,
  failed: count,
  skipped: count,
  linesCovered: count,
  linesTotal: count,
  /** Percent of lines; null without coverage files. */
  coverage: z.number().nullable(),
  findings: z.strictObject({ error: count, warning: count, note: count }),
  firstFailed: z.string(),
  summary: z.string(),
});

export const runTests = defineStep({
  name: "test/run",
  title: "Run the tests",
  input: z.strictObject({ ...commandsInput, ...patternInputs }),
  output,
  needs: [],
  acts: () => [],
  runsCode: true,
  effects: [],
  retry: NO_RETRY,
  timeoutMs: 60 * 60_000,
  plan: async ({ input }) => [`Run ${JSON.stringify(input.commands)} in ${input.directory}, and read the results.`],
  run: async (context) => {
    const { input } = context;
    const sinceMs = await fileTime(context.home);
    const failure = await runCommands(context, runTests.name, input);
    const line = context.failingLine();
    const root = await folderIn(context.workspace, runTests.name, input.directory);
    const results = await readResults(context, root, input, sinceMs);
    context.log(inWords(results));
    if (!failure) return succeeded(outputOf(results));
    const found = failureFrom(results);
    if (found) return failed({ ...found, exitCode: failureOf(failure).exitCode ?? 1 }, outputOf(results));
    return failed({ ...failureOf(failure), ...(line === undefined ? {} : { line }) }, outputOf(results));
  },
});

export const reportTests = defineStep({
  name: "test/report",
  title: "Read the test results",
  input: z.strictObject({ directory: commandsInput.directory, ...patternInputs }),
  output,
  needs: [],
  acts: () => [],
  effects: [],
  retry: NO_RETRY,
  timeoutMs: 10 * 60_000,
  plan: async () => [],
  run: async (context) => {
    const root = await folderIn(context.workspace, reportTests.name, context.input.directory);
    const results = await readResults(context, root, context.input);
    context.log(inWords(results));
    const found = failureFrom(results);
    return found ? failed(found, outputOf(results)) : succeeded(outputOf(results));
  },
});

function outputOf(results: Results): z.output<typeof output> {
  const { files, passed, failed, skipped, lines, findings, first } = results;
  return {
    files,
    passed,
    failed,
    skipped,
    linesCovered: lines.covered,
    linesTotal: lines.total,
    coverage: lines.total > 0 ? percent(lines) : null,
    findings,
    firstFailed: first?.name ?? "",
    summary: inWords(results),
  };
}

function failureFrom({ passed, failed, skipped, first }: Results): Failure | undefined {
  if (failed === 0 || first === undefined) return undefined;
  const problem = `${failed} of ${counted(passed + failed + skipped, "test")} failed.`;
  const line = sentence(first);
  return { ...failureOf(new GantryError("tests-failed", { problem, first: `The first is ${line}` })), line };
}

/** `OrdersTest.total: expected 3 but was 4` */
function sentence({ name, message }: FailedTest): string {
  return message === "" ? name : `${name}: ${message}`;
}

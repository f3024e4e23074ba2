// A `run:` step: the script is written to a file outside the workspace and run by the shell that it names. Values are passed
// as environment variables only; nothing is ever inserted into its text.

import { realpath, stat, writeFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import { failureOf } from "@gantry/core/step/outcome.ts";
import { scriptFailed } from "@gantry/core/step/script-end.ts";
import { MAX_SUMMARY } from "@gantry/wire/runner/summary-log.ts";
import { saveOutputFile } from "../artifacts/output-file.ts";
import { requireProgram, runConfined } from "./confined.ts";
import type { JobContext, JobStep } from "./job-context.ts";
import { requireWork } from "./required-work.ts";
import { readScriptFile } from "./script-files.ts";
import { MAX_OUTPUT_FILE, parseOutputs } from "./script-outputs.ts";
import type { StepResult, StepRun } from "./step-run.ts";

type RunAction = Extract<JobStep["action"], { kind: "run" }>;
type Shell = { readonly argv: readonly [string, ...string[]]; readonly extension: string };

const SHELLS: { readonly [name in RunAction["shell"]]: Shell } = {
  sh: { argv: ["sh", "-eu"], extension: "sh" },
  bash: { argv: ["bash", "--noprofile", "--norc", "-euo", "pipefail"], extension: "sh" },
  node: { argv: [process.execPath], extension: "js" },
  python3: { argv: ["python3"], extension: "py" },
};

export async function runScript(run: StepRun, action: RunAction): Promise<StepResult> {
  const { job, step, tryNumber } = run;
  requireWork(job, "build");
  const { argv, extension } = SHELLS[action.shell];
  await requireProgram(argv[0], job.environment.path);
  const id = step.id.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, 60);
  // Files of an earlier try are never reused, because its script may have replaced them.
  const name = `${job.spec.steps.indexOf(step) + 1}-${id}${tryNumber === 1 ? "" : `.${tryNumber}`}`;
  const file = join(job.folders.scripts, `${name}.${extension}`);
  const outputFile = join(job.folders.scripts, `${name}.outputs`);
  await writeFile(file, action.run, { mode: 0o600, flag: "wx" });
  const summaryFile = join(job.folders.scripts, `${name}.summary`);
  for (const empty of [outputFile, summaryFile]) await writeFile(empty, "", { mode: 0o600, flag: "wx" });
  const cwd = await workingDirectory(job, step, action.workingDirectory);
  const env = { ...run.env, GANTRY_OUTPUT: outputFile, GANTRY_STEP_SUMMARY: summaryFile };
  const files = { writable: [outputFile, summaryFile], readable: [file] };
  const result = await runConfined(run, [...argv, file], { cwd, env, joined: true, ...files });
  const summary = await readSummary(run, summaryFile);
  if (result instanceof GantryError) return { outcome: "failed", outputs: {}, failure: failureOf(result), ...summary };
  const { exitCode, signal } = result;
  if (exitCode !== 0)
    return { outcome: "failed", outputs: {}, failure: scriptFailure(run, exitCode, signal), ...summary };
  return { outcome: "succeeded", outputs: await readOutputs(run, outputFile), ...summary };
}

/** A summary that cannot be read changes nothing about the end of the step: the log says so. */
async function readSummary({ log }: StepRun, file: string): Promise<Pick<StepResult, "summary">> {
  const found = await readScriptFile(file, MAX_SUMMARY);
  if (found.kind === "file") return found.size === 0 ? {} : { summary: found };
  const what = found.kind === "gone" ? "was removed or replaced by a link" : "is no longer a regular file";
  log.line(`[gantry] The file GANTRY_STEP_SUMMARY ${what}, so this step has no summary.`);
  return {};
}

function scriptFailure(run: StepRun, exitCode: number, signal: string | null): StepResult["failure"] {
  const { failing } = run;
  const line = failing.line();
  const exit = signal ?? exitCode;
  if (line !== undefined && failing.isError())
    return { ...failureOf(scriptFailed(exit, `Its log says: ${line}`)), line };
  const problem =
    line === undefined ? "It printed nothing." : `No line of its output looks like an error. The last one is: ${line}`;
  return failureOf(scriptFailed(exit, problem));
}

async function workingDirectory(job: JobContext, step: JobStep, folder: string | undefined): Promise<string> {
  const { workspace } = job.folders;
  if (folder === undefined) return workspace;
  const refused = (problem: string): GantryError => new GantryError("bad-input", { step: step.title, problem });
  try {
    // Links are followed first, so that a link out of the workspace is refused.
    const [inside, real] = await Promise.all([realpath(workspace), realpath(join(workspace, folder))]);
    if (real !== inside && !real.startsWith(inside + sep)) throw refused(`${folder} is outside the workspace.`);
    if (!(await stat(real)).isDirectory()) throw refused(`${folder} is not a folder.`);
    // Relative to the workspace's own path, under which the sandbox has it.
    return join(workspace, relative(inside, real));
  } catch (error) {
    if (error instanceof GantryError) throw error;
    throw refused(`The folder ${folder} is not in the workspace.`);
  }
}

/** Throws `outputs-invalid`, and what saving a file throws. */
async function readOutputs(run: StepRun, file: string): Promise<JsonObject> {
  const refused = (problem: string): GantryError => new GantryError("outputs-invalid", { problem });
  const found = await readScriptFile(file, MAX_OUTPUT_FILE);
  if (found.kind !== "file")
    throw refused(
      found.kind === "gone"
        ? "The file GANTRY_OUTPUT was removed or replaced by a link."
        : "GANTRY_OUTPUT is no longer a regular file.",
    );
  if (found.size > MAX_OUTPUT_FILE) throw refused(`The file has ${found.size} bytes; the limit is ${MAX_OUTPUT_FILE}.`);
  const outputs: Record<string, JsonValue> = {};
  for (const [name, value] of Object.entries(parseOutputs(found.text)))
    outputs[name] = typeof value === "string" ? value : await saveOutputFile(run, name, value);
  return outputs;
}

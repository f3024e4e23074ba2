// A `run:` step: the script is written to a file outside the workspace and run by the shell that it names. Values are passed
// as environment variables only; nothing is ever inserted into its text.

import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { access, open, realpath, stat, writeFile } from "node:fs/promises";
import { delimiter, isAbsolute, join, sep } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import { failureOf } from "@gantry/core/step/outcome.ts";
import type { ExecResult } from "@gantry/core/step/step.ts";
import { Stopped } from "../attempts/stop.ts";
import { diskExceeded } from "../processes/disk-limit.ts";
import { limitProcesses, NO_LIMIT, type ProcessLimit } from "../processes/process-limit.ts";
import { RESTORE_SIGTERM } from "../processes/sandbox.ts";
import { type SandboxJob, sandboxArguments } from "../processes/sandbox-arguments.ts";
import type { JobContext, JobStep } from "./job-context.ts";
import { MAX_OUTPUT_FILE, parseOutputs } from "./script-outputs.ts";
import { execOf, type StepResult, type StepRun } from "./step-run.ts";

type RunAction = Extract<JobStep["action"], { kind: "run" }>;
type Shell = { readonly argv: readonly [string, ...string[]]; readonly extension: string };

const SHELLS: { readonly [name in RunAction["shell"]]: Shell } = {
  sh: { argv: ["sh", "-eu"], extension: "sh" },
  bash: { argv: ["bash", "--noprofile", "--norc", "-euo", "pipefail"], extension: "sh" },
  node: { argv: [process.execPath], extension: "js" },
  python3: { argv: ["python3"], extension: "py" },
};

/** Joins standard output and standard error in the kernel, which is the only place where their order is known. */
const JOINED = ["/bin/sh", "-c", 'exec "$@" 2>&1', "run"] as const;
/** bubblewrap must outlive a SIGTERM to the group: the script gets its time to end, and the sandbox ends after it. */
const JOINED_SANDBOX = ["-c", 'trap "" TERM; exec "$@" 2>&1', "run"] as const;
/** The same, in a control group: $0 is the file into which the process writes its id. */
const JOINED_GROUP = ["-c", 'echo $$ > "$0" || exit 125; trap "" TERM; exec "$@" 2>&1'] as const;

export async function runScript(run: StepRun, action: RunAction): Promise<StepResult> {
  const { job, step, tryNumber } = run;
  const { argv, extension } = SHELLS[action.shell];
  await requireProgram(argv[0], job.environment.path);
  const id = step.id.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, 60);
  // Never the files of an earlier try: its script may have replaced them.
  const name = `${job.spec.steps.indexOf(step) + 1}-${id}${tryNumber === 1 ? "" : `.${tryNumber}`}`;
  const file = join(job.folders.scripts, `${name}.${extension}`);
  const outputFile = join(job.folders.scripts, `${name}.outputs`);
  await writeFile(file, action.run, { mode: 0o600, flag: "wx" });
  await writeFile(outputFile, "", { mode: 0o600, flag: "wx" });
  const cwd = await workingDirectory(job, step, action.workingDirectory);
  const env = { ...run.env, GANTRY_OUTPUT: outputFile };
  const { workspace, home, tmp } = job.folders;
  const { isolation, config } = job.environment;
  const processes =
    isolation.kind === "sandbox" ? await limitProcesses(randomUUID(), config.limits.processes) : NO_LIMIT;
  try {
    const command = isolated(job, [...argv, file], processes, {
      cwd,
      tmp,
      writable: [workspace, home, tmp, outputFile],
      readable: [file],
    });
    const result = await execWithinDisk(run, env, cwd, command);
    if (result instanceof GantryError) return { outcome: "failed", outputs: {}, failure: failureOf(result) };
    const { exitCode, signal } = result;
    if (exitCode !== 0) return { outcome: "failed", outputs: {}, failure: scriptFailure(run, exitCode, signal) };
    return { outcome: "succeeded", outputs: await readOutputs(outputFile) };
  } finally {
    await processes.remove();
  }
}

/** Runs a program until it ends, or until its job uses too much of the disk: then it is killed, and the result says why. */
async function execWithinDisk(
  run: StepRun,
  env: StepRun["env"],
  cwd: string,
  command: readonly [string, ...string[]],
): Promise<ExecResult | GantryError> {
  const { folders, environment } = run.job;
  const { clock, logger } = environment.deps;
  const [ended, exceeded] = [new AbortController(), new AbortController()];
  let problem: GantryError | undefined;
  const disk = { clock, folder: folders.root, limitMb: environment.config.limits.diskMb };
  void diskExceeded(disk, ended.signal).then(
    (error) => {
      problem = error;
      exceeded.abort(new Stopped("canceled", error.message, { graceMs: 0 }));
    },
    (err: unknown) => logger.warn({ err }, "the disk use of a script could not be measured"),
  );
  try {
    return await execOf({ ...run, env, signal: AbortSignal.any([run.signal, exceeded.signal]) }, cwd)(command);
  } catch (error) {
    if (problem && error === exceeded.signal.reason) return problem;
    throw error;
  } finally {
    ended.abort();
  }
}

/** The command line of a script, inside its sandbox if there is one. */
function isolated(
  { environment: { isolation, config } }: JobContext,
  script: readonly string[],
  processes: ProcessLimit,
  job: Omit<SandboxJob, "network">,
): readonly [string, ...string[]] {
  switch (isolation.kind) {
    case "none":
      return [...JOINED, ...script];
    case "refused":
      throw new GantryError("scripts-refused", { runner: config.name, why: isolation.why });
    case "sandbox": {
      const sandbox = sandboxArguments(isolation.host, { ...job, network: isolation.network });
      const outside = processes.group === undefined ? JOINED_SANDBOX : [...JOINED_GROUP, processes.group];
      const inside = ["/usr/bin/env", ...RESTORE_SIGTERM, ...processes.inside, ...script];
      return ["/bin/sh", ...outside, ...sandbox, ...inside];
    }
  }
}

/** The program that joins the streams would detect this, too, but could report it only as an exit code. */
async function requireProgram(program: string, path: string): Promise<void> {
  const places = isAbsolute(program) ? [program] : path.split(delimiter).map((folder) => join(folder, program));
  const found = await Promise.allSettled(places.map((place) => access(place, constants.X_OK)));
  if (!found.some(({ status }) => status === "fulfilled")) throw new GantryError("program-missing", { program });
}

function scriptFailure(run: StepRun, exitCode: number, signal: string | null): StepResult["failure"] {
  const { failing } = run;
  const line = failing.line();
  const exit = signal ?? exitCode;
  if (line !== undefined && failing.isError())
    return { ...failureOf(new GantryError("script-failed", { exit, problem: `Its log says: ${line}` })), line };
  const problem =
    line === undefined ? "It printed nothing." : `No line of its output looks like an error. The last one is: ${line}`;
  return failureOf(new GantryError("script-failed", { exit, problem }));
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
    return real;
  } catch (error) {
    if (error instanceof GantryError) throw error;
    throw refused(`The folder ${folder} is not in the workspace.`);
  }
}

/** The script may have replaced the file with anything; only a regular file within the size limit is read. */
async function readOutputs(file: string): Promise<JsonObject> {
  const refused = (problem: string): GantryError => new GantryError("outputs-invalid", { problem });
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => {
    throw refused("The file GANTRY_OUTPUT was removed or replaced by a link.");
  });
  try {
    const facts = await handle.stat();
    if (!facts.isFile()) throw refused("GANTRY_OUTPUT is no longer a regular file.");
    if (facts.size > MAX_OUTPUT_FILE)
      throw refused(`The file has ${facts.size} bytes; the limit is ${MAX_OUTPUT_FILE}.`);
    return parseOutputs(await handle.readFile("utf8"));
  } finally {
    await handle.close();
  }
}

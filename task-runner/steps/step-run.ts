// What the implementations of a step share: its run, its result, its programs, its errors.

import { spawn } from "node:child_process";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Failure } from "@gantry/core/step/outcome.ts";
import type { Exec } from "@gantry/core/step/step.ts";
import { fileProblem } from "@gantry/core/system-error-words.ts";
import type { Outcome } from "@gantry/core/task/states.ts";
import { refFields } from "../attempts/refs.ts";
import { duration } from "../attempts/stop.ts";
import type { LogSpool } from "../logs/log-spool.ts";
import type { StepSummary } from "../logs/step-summary.ts";
import type { StartProgram } from "../processes/script-shell.ts";
import { clipFailure } from "./clip.ts";
import { createExec } from "./exec.ts";
import type { FailingLine } from "./failing-line.ts";
import type { JobContext, JobStep } from "./job-context.ts";

/** What one step has in addition to its job. */
export type StepRun = {
  readonly job: JobContext;
  readonly step: JobStep;
  readonly scope: JsonObject;
  readonly log: LogSpool;
  /** Aborted with a Stopped. */
  readonly signal: AbortSignal;
  /** The environment of scripts and other confined programs. */
  readonly env: Readonly<Record<string, string>>;
  /** The reason for the failure of this try, from its output. */
  readonly failing: Pick<FailingLine, "line" | "isError">;
  /**
   * The same without the variables of the pipeline file, because many variables name a program to start, or a file that
   * does.
   */
  readonly ownEnv: Readonly<Record<string, string>>;
  /** Sets the time limit of this try, in milliseconds from its start. */
  readonly limitTo: (ms: number) => void;
  /** Number of this try, from 1. */
  readonly tryNumber: number;
  /** How many programs of the step are running. */
  readonly programs: { running: number };
};

export type StepResult = {
  readonly outcome: Outcome;
  readonly outputs: JsonObject;
  readonly failure?: Failure;
  /** Why it was skipped, as a sentence for users. */
  readonly reason?: string;
  /** What its script wrote for people. */
  readonly summary?: StepSummary;
};

/** A GantryError is returned as it is. Any other error is a bug: its stack goes to the runner's own log. */
export function toGantryError(job: JobContext, step: JobStep, error: unknown): GantryError {
  if (error instanceof GantryError) return error;
  const stack = job.masker.text(error instanceof Error ? (error.stack ?? error.message) : String(error));
  job.environment.deps.logger.error({ ...refFields(job.ref), step: step.id, stack }, "a step failed unexpectedly");
  return new GantryError("internal", { problem: job.masker.text(inWords(job, error)) });
}

/** The pipeline requests something that its app may not have: this is a failure of the user's work, not of Gantry. */
export function isRefusal({ code }: GantryError): boolean {
  return (
    code === "outside-app" || code === "secret-not-allowed" || code === "fork-refused" || code === "commit-not-own"
  );
}

function inWords({ folders }: JobContext, error: unknown): string {
  const path = error instanceof Error ? (error as NodeJS.ErrnoException).path : undefined;
  if (path !== undefined) return `${path.replace(`${folders.root}/`, "")}: ${fileProblem(error)}.`;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** Reports to the log and the task-agent that the step is run again. `attempt`: the number of the try that has ended. */
export function reportRetry(
  { job, step, log }: Pick<StepRun, "job" | "step" | "log">,
  attempt: number,
  error: Failure,
  retryAfterMs: number,
): void {
  const failure = clipFailure(job.masker.json(error));
  const what = [failure.message, failure.why].filter(Boolean).join(" ");
  log.line(`[gantry] ${what} Trying again in ${duration(retryAfterMs)}.`);
  job.emit({
    kind: "progress",
    progress: { kind: "step-retrying", step: step.id, attempt, failure, retryAfterMs },
  });
}

type ExecRun = Pick<StepRun, "job" | "step" | "log" | "env" | "signal" | "programs">;

/** Starts programs of one step, in its environment and with its log. `cwd`: the default working directory. */
export function execOf(run: ExecRun, cwd: string, start: StartProgram = spawn): Exec {
  const { job, log, env, signal } = run;
  const { deps, config } = job.environment;
  const { clock, programs, logger } = deps;
  const { name: runner } = config;
  const exec = createExec({ clock, programs, logger, signal, cwd, env, log, emit: job.emit, runner, start });
  return async (argv, options) => {
    run.programs.running += 1;
    try {
      return await exec(argv, options);
    } catch (error) {
      // The working directory is tested before a program is started.
      const isFolderGone = (error as NodeJS.ErrnoException).syscall === "access";
      if (!isFolderGone) throw error;
      const problem = `${inWords(job, error)} A program cannot run there; an earlier command may have removed the folder.`;
      throw new GantryError("bad-input", { step: run.step.title, problem }, { cause: error });
    } finally {
      run.programs.running -= 1;
    }
  };
}

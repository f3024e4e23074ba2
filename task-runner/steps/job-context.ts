// What everything that runs inside one attempt shares. Nothing in it talks to the task-agent or writes the runner's
// journal: the attempt (attempts/attempt.ts) does that, and it may be in another thread.

import type { Masker } from "@gantry/core/mask/masker.ts";
import type { Resource } from "@gantry/core/step/resource.ts";
import type { StepBook } from "@gantry/core/step/step.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { JobSpec } from "@gantry/wire/runner/protocol.ts";
import { type ContentRoom, openContentRoom } from "../artifacts/content-folder.ts";
import type { CommandUse } from "../logs/step-commands.ts";
import type { RunnerDeps } from "../ports.ts";
import type { JobControl, JobRequest, LogLevel } from "../workers/job-executor.ts";
import { createSecrets, type Secrets } from "./secrets.ts";

/** What the executing thread provides. */
export type JobTools = Pick<RunnerDeps, "fetch" | "clock" | "random" | "files" | "programs"> & {
  readonly steps: StepBook;
};

/** What the steps of a job can use of their site. */
export type StepEnvironment = Pick<JobRequest, "config" | "cache" | "content" | "path" | "isolation"> & {
  readonly deps: Omit<JobTools, "steps"> & Pick<RunnerDeps, "logger" | "env">;
  readonly secrets: Secrets;
  readonly steps: StepBook;
};

/** A cache that the job has looked for: with which key it will be saved, and whether it was there with that key. */
export type LookedFor = {
  readonly scope: string;
  readonly name: string;
  readonly files: string;
  readonly isExact: boolean;
};

export type JobContext = Pick<JobRequest, "ref" | "spec" | "folders"> &
  JobControl & {
    readonly environment: StepEnvironment;
    readonly masker: Masker;
    /** What steps of this attempt have created; grows while it runs. */
    readonly made: Resource[];
    /** Grows while it runs. */
    readonly commandUse: CommandUse;
    /** The caches that it has looked for, by name; grows while it runs. */
    readonly caches: Map<string, LookedFor>;
    /** What it may still add to the content folder. */
    readonly contentRoom: ContentRoom;
  };

export type JobStep = JobSpec["steps"][number];

/** `masker`: every secret of the job is added to it. */
export function createJobContext(
  { steps, ...tools }: JobTools,
  { ref, spec, folders, config, cache, content, path, isolation, env, token }: JobRequest,
  control: JobControl,
  masker: Masker,
): JobContext {
  masker.add(token);
  for (const value of Object.values(spec.secretParams ?? {})) if (value !== null) masker.add(value);
  const deps = { ...tools, env, logger: loggerTo(control.emit) };
  const environment = { config, deps, secrets: createSecrets(config, env), steps, cache, content, path, isolation };
  return {
    ...control,
    environment,
    ref,
    spec,
    folders,
    masker,
    made: [],
    caches: new Map(),
    contentRoom: openContentRoom(config.limits.diskMb),
    commandUse: { masks: 0, annotations: 0, summaries: 0 },
  };
}

function loggerTo(emit: JobControl["emit"]): Logger {
  const at =
    (level: LogLevel) =>
    (fields: object, text: string): void =>
      emit({ kind: "runner-log", level, fields, text });
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

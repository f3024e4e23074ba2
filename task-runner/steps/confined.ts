// Runs untrusted code: scripts of pipelines, and programs that are controlled by files of a workspace. If the runner
// isolates scripts, such a program sees the folders of its job and nothing of the runner.

import { spawn } from "node:child_process";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import { GantryError } from "@gantry/core/errors.ts";
import type { Exec, ExecOptions, ExecResult } from "@gantry/core/step/step.ts";
import { Stopped } from "../attempts/stop.ts";
import { diskExceeded } from "../processes/disk-limit.ts";
import { refreshEtcView } from "../processes/etc-view.ts";
import { clearMountPoints } from "../processes/mount-points.ts";
import { RESTORE_SIGTERM } from "../processes/sandbox.ts";
import { type SandboxJob, sandboxArguments } from "../processes/sandbox-arguments.ts";
import { INIT_FD } from "../processes/sandbox-init.ts";
import { NO_LIMITS, type ScriptLimits } from "../processes/script-limits.ts";
import { OOM_SCORE, type StartProgram, takeShell } from "../processes/script-shell.ts";
import type { JobContext } from "./job-context.ts";
import { execOf, type StepRun } from "./step-run.ts";

export type Confined = Omit<ExecOptions, "cwd" | "confined" | "input"> & {
  readonly cwd: string;
  readonly isImageBuild?: boolean;
  /** Joins standard output and standard error in the kernel, because only there their order is known. */
  readonly joined?: boolean;
  /** Files beside the workspace, home and temporary folder of the job. */
  readonly writable?: readonly string[];
  readonly readable?: readonly string[];
};

/** Resolves with an error if the job has used too much disk or memory. Throws `scripts-refused`, and what `Exec` throws. */
export async function runConfined(
  run: StepRun,
  argv: readonly string[],
  { cwd, joined = false, isImageBuild = false, writable = [], readable = [], ...options }: Confined,
): Promise<ExecResult | GantryError> {
  const { job } = run;
  const { workspace, home, tmp } = job.folders;
  const { isolation, config, path } = job.environment;
  const { processes, memoryMb } = config.limits;
  const variables = Object.keys({ ...run.env, ...options.env });
  const { limits, start } =
    isolation.kind === "sandbox"
      ? takeShell({ processes, memoryMb, path, variables, joined })
      : { limits: NO_LIMITS, start: spawn };
  try {
    const place = { cwd, tmp, writable: [workspace, home, tmp, ...writable], readable, isImageBuild };
    if (isolation.kind === "sandbox") {
      refreshEtcView(isolation.host.etc, job.environment.deps.clock.monotonicMs());
      clearMountPoints(tmp, [...isolation.host.readOnly, ...place.writable, ...readable]);
    }
    const command = isolated(job, argv, limits, place, joined);
    const result = await execWithinDisk(run, command, start, { ...options, cwd });
    const isFailed = !(result instanceof GantryError) && result.exitCode !== 0;
    return isFailed && limits.isOutOfMemory()
      ? new GantryError("memory-limit", { limit: memoryInWords(memoryMb) })
      : result;
  } finally {
    limits.remove();
  }
}

/**
 * An `exec` of a step. Its `confined` programs run like scripts. The others run like the runner itself and do not get the
 * variables of the pipeline file.
 */
export function confiningExec(run: StepRun): Exec {
  const { workspace } = run.job.folders;
  const exec = execOf({ ...run, env: run.ownEnv }, workspace);
  return async (argv, { confined = false, ...options } = {}) => {
    const isImageBuild = confined === "image-build";
    if (!confined || (isImageBuild && !hasBuildSandbox(run.job, argv[0]))) return exec(argv, options);
    if (options.input !== undefined) throw new Error(`${argv[0]} is confined, so it gets no input`);
    await requireProgram(argv[0], run.job.environment.path);
    // Variables of the pipeline file can name programs that a builder starts.
    const own = isImageBuild ? { ...run, env: run.ownEnv } : run;
    const result = await runConfined(own, argv, { ...options, cwd: options.cwd ?? workspace, isImageBuild });
    if (result instanceof GantryError) throw result;
    return result;
  };
}

/** Throws `builds-refused` where there is none, and the configuration asks for it: its commands are to reach no network, too. */
function hasBuildSandbox({ environment: { isolation, config } }: JobContext, builder: string): boolean {
  const why =
    isolation.kind !== "sandbox"
      ? "this runner has none"
      : !isolation.host.isRoot
        ? "that needs a runner that is root"
        : builder !== "buildah"
          ? `${builder} cannot run in one`
          : undefined;
  const isNeeded =
    config.sandbox.dockerfiles === "sandboxed" || (isolation.kind === "sandbox" && isolation.network === "none");
  if (why !== undefined && isNeeded) throw new GantryError("builds-refused", { runner: config.name, why });
  return why === undefined;
}

/** Throws `program-missing`. The shell or bubblewrap would detect this, too, but could report it only as an exit code. */
export async function requireProgram(program: string, path: string): Promise<void> {
  const places = isAbsolute(program) ? [program] : path.split(delimiter).map((folder) => join(folder, program));
  const found = await Promise.allSettled(places.map((place) => access(place, constants.X_OK)));
  if (!found.some(({ status }) => status === "fulfilled")) throw new GantryError("program-missing", { program });
}

/** Runs a program until it ends, or until its job uses too much of the disk: then it is killed, and the result says why. */
async function execWithinDisk(
  run: StepRun,
  command: readonly [string, ...string[]],
  start: StartProgram,
  options: ExecOptions & { readonly cwd: string },
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
    const exec = execOf({ ...run, signal: AbortSignal.any([run.signal, exceeded.signal]) }, options.cwd, start);
    return await exec(command, options);
  } catch (error) {
    if (problem && error === exceeded.signal.reason) return problem;
    throw error;
  } finally {
    ended.abort();
  }
}

function memoryInWords(mb: number): string {
  return mb % 1_024 === 0 ? `${mb / 1_024} GiB` : `${mb} MiB`;
}

/** The command line of a program, inside its sandbox if there is one. */
function isolated(
  { environment: { isolation, config } }: JobContext,
  argv: readonly string[],
  limits: ScriptLimits,
  job: Omit<SandboxJob, "network">,
  joined: boolean,
): readonly [string, ...string[]] {
  switch (isolation.kind) {
    case "none": {
      // The shell has an id of its own in /proc on Linux only.
      const start = `{ echo ${OOM_SCORE} > /proc/$$/oom_score_adj; } 2>/dev/null; exec "$@"${joined ? " 2>&1" : ""}`;
      return ["/bin/sh", "-c", start, "run", ...argv];
    }
    case "refused":
      throw new GantryError("scripts-refused", { runner: config.name, why: isolation.why });
    case "sandbox": {
      const sandbox = sandboxArguments(isolation.host, { ...job, network: isolation.network, initFd: INIT_FD });
      return [...sandbox, "/usr/bin/env", ...RESTORE_SIGTERM, ...limits.inside, ...argv];
    }
  }
}

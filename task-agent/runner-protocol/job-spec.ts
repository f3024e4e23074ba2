// What a runner receives for one attempt of a job. Pure.

import { GantryError } from "@gantry/core/errors.ts";
import { secretParamsIn } from "@gantry/core/pipeline/secret-params.ts";
import { isFromFork } from "@gantry/core/task/from-fork.ts";
import { jobScope } from "@gantry/core/task/scope.ts";
import type * as wire from "@gantry/wire/runner/protocol.ts";
import type { Seal } from "../secrets/seal.ts";
import { openSecrets } from "../secrets/secret-params.ts";
import type { TaskRecord } from "../tasks/task-store.ts";

/** Everything that the runner needs for the attempt, and nothing about other jobs. */
export function jobSpec({ state, pipeline }: TaskRecord, key: string, seal?: Seal): wire.JobSpec {
  const job = jobOf({ state }, key);
  const definition = [...pipeline.jobs, ...pipeline.finally].find((one) => one.id === job.id);
  if (!definition) throw new Error(`pipeline ${pipeline.name} has no job ${job.id}`);
  const isOfFork = isFromFork(state);
  const secrets = isOfFork ? [] : secretParamsIn(pipeline.params, definition);
  const spec = {
    pipeline: pipeline.name,
    ...(pipeline.origin === undefined ? {} : { definition: definitionOf(pipeline, pipeline.origin) }),
    ...(state.app === undefined ? {} : { app: state.app }),
    ...(isOfFork ? { fork: { commit: String(state.trigger?.commit) } } : {}),
    title: definition.title,
    site: job.site,
    mode: definition.mode,
    timeoutMs: definition.timeoutMs,
    requestedBy: state.requestedBy,
    requestedAtMs: state.requestedAt,
    taskUrl: state.url,
    env: definition.env,
    outputs: definition.outputs,
    ...(definition.outputTypes === undefined ? {} : { outputTypes: definition.outputTypes }),
    steps: definition.steps,
    scope: jobScope(pipeline, state, job.id, job),
    ...(secrets.length === 0 ? {} : { secretParams: openSecrets(seal, secrets, state.params, state.id) }),
  };
  // The types of the wire are mutable; the value is turned into JSON at once.
  return spec as unknown as wire.JobSpec;
}

function definitionOf(
  { app, action }: TaskRecord["pipeline"],
  origin: "platform" | "app",
): NonNullable<wire.JobSpec["definition"]> {
  return { origin, app, ...(origin === "app" && action !== undefined ? { action } : {}) };
}

/** Throws `lease-lost` when there is no such job. */
export function jobOf(task: { state: TaskRecord["state"] }, key: string): TaskRecord["state"]["jobs"][string] {
  const job = task.state.jobs[key];
  if (!job) throw new GantryError("lease-lost", { problem: "The task has no such job." });
  return job;
}

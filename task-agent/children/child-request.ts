// The request for the task that does the work of a job with `pipeline`: on behalf of whoever requested its parent, for the same
// app, and with the version of the pipeline that was in force when the first of these tasks was requested.

import { MAX_PARENTS } from "@gantry/core/child/child-set.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { jobDefinition } from "@gantry/core/task/decide-lease.ts";
import type { JobState, TaskState } from "@gantry/core/task/model.ts";
import type { StartTask } from "@gantry/wire/agent/agent-api.ts";
import type { StartRequest } from "../tasks/decide-start.ts";
import type { StartDeps } from "../tasks/start-task.ts";

/** Throws `conflict` when too many tasks have started each other, and `pipeline-unknown`. */
export async function childRequest(
  { definitions, tasks }: Pick<StartDeps, "definitions" | "tasks">,
  state: TaskState,
  { key, id, child }: JobState,
): Promise<StartRequest> {
  const { pipeline: name, params } = child ?? { pipeline: "", params: {} };
  const depth = (state.parent?.depth ?? 0) + 1;
  if (depth > MAX_PARENTS) throw tooDeep(name);
  const { children = {} } = state;
  const version = Object.hasOwn(children, name) ? children[name] : undefined;
  if (version === undefined) throw new GantryError("pipeline-unknown", { pipeline: name });
  const pipeline = await definitions.pinned(version);
  const parent = await definitions.pinned(state.definition);
  const waits = jobDefinition(parent, id).wait !== false;
  return {
    pipeline: name,
    ...(pipeline.app === "existing" && state.app !== undefined ? { app: state.app } : {}),
    params: params as StartTask["params"],
    principal: state.requestedBy,
    // The key is made of the parent.
    idempotencyKey: key,
    ...(state.trigger === undefined ? {} : { trigger: state.trigger }),
    ...(state.causedBy === undefined ? {} : { causedBy: state.causedBy }),
    child: {
      parent: { task: state.id, job: key, depth },
      definition: { version, pipeline },
      children,
      groupsAbove: waits ? await groupsFrom(tasks, state) : [],
    },
  };
}

/** The concurrency groups of the tasks that wait for the end of the new one. */
async function groupsFrom(tasks: StartDeps["tasks"], state: TaskState): Promise<readonly string[]> {
  const groups: string[] = [];
  for (let at: TaskState | undefined = state; at !== undefined; ) {
    if (at.group !== undefined) groups.push(at.group);
    const { parent }: TaskState = at;
    at = parent && (await tasks.read(parent.task))?.state;
  }
  return groups;
}

function tooDeep(pipeline: string): GantryError {
  return new GantryError("conflict", {
    what: `The pipeline ${pipeline}`,
    problem: "was not started",
    why: `${MAX_PARENTS} tasks have already started each other, which is the limit.`,
    todo: "Let fewer pipelines run each other, for example with jobs in place of a pipeline.",
  });
}

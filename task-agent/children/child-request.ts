// The request for the task that does the work of a job with `pipeline`: on behalf of whoever requested its parent, for the same
// app, and with the version of the pipeline that was in force when the first of these tasks was requested.

import { MAX_PARENTS } from "@gantry/core/child/child-set.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { jobDefinition } from "@gantry/core/task/decide-lease.ts";
import type { JobState, TaskState } from "@gantry/core/task/model.ts";
import type { StartTask } from "@gantry/wire/agent/agent-api.ts";
import type { StartRequest } from "../tasks/decide-start.ts";
import { undoableSteps, undoTask } from "../tasks/decide-undo.ts";
import { type Definition, keepGenerated } from "../tasks/definitions.ts";
import type { StartDeps } from "../tasks/start-task.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import { type Needless, type RolloutDeps, rolloutPart } from "./rollout-part.ts";

/**
 * `Needless` when the task would have nothing to do. Throws `conflict` when too many tasks have started each other, and
 * `pipeline-unknown`.
 */
export async function childRequest(
  deps: Pick<StartDeps, "definitions" | "tasks" | "journal"> & RolloutDeps,
  parent: TaskRecord,
  job: JobState,
): Promise<StartRequest | Needless> {
  const { state } = parent;
  const depth = (state.parent?.depth ?? 0) + 1;
  const { pipeline: name, params } = job.child ?? { pipeline: "", params: {} };
  if (depth > MAX_PARENTS) throw tooDeep(name);
  const { undo, wait, rollout } = jobDefinition(parent.pipeline, job.id);
  const part = rollout && (await rolloutPart(deps, state, job, rollout));
  if (part && ("needless" in part || "passed" in part)) return part;
  const definition = undo ? await undoDefinition(deps, parent) : await pinnedChild(deps, state, name);
  if (!definition) return { needless: "nothing was created that can be taken back" };
  return {
    pipeline: name,
    ...(definition.pipeline.app === "existing" && state.app !== undefined ? { app: state.app } : {}),
    params: params as StartTask["params"],
    ...part,
    principal: state.requestedBy,
    // The key is made of the parent.
    idempotencyKey: job.key,
    ...(state.trigger === undefined ? {} : { trigger: state.trigger }),
    ...(state.causedBy === undefined ? {} : { causedBy: state.causedBy }),
    child: {
      parent: { task: state.id, job: job.key, depth },
      definition,
      children: state.children ?? {},
      groupsAbove: wait === false ? [] : await groupsFrom(deps.tasks, state),
    },
  };
}

async function pinnedChild(
  { definitions }: Pick<StartDeps, "definitions">,
  { children = {} }: TaskState,
  name: string,
): Promise<Definition> {
  const version = Object.hasOwn(children, name) ? children[name] : undefined;
  if (version === undefined) throw new GantryError("pipeline-unknown", { pipeline: name });
  return { version, pipeline: await definitions.pinned(version) };
}

/** Undefined when the task has created nothing that can be undone. */
async function undoDefinition(
  { journal, definitions }: Pick<StartDeps, "journal" | "definitions">,
  task: TaskRecord,
): Promise<Definition | undefined> {
  const pipeline = undoTask(task, undoableSteps(definitions.steps));
  return pipeline && keepGenerated(journal, pipeline);
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

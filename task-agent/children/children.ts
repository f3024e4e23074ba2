// Starts the tasks that do the work of jobs with `pipeline`, and takes over how they end. The key of such a task is made of its
// parent's id and the job, so repeats, restarts and other agents start it once.

import {
  decideChildEnded,
  decideChildNeedless,
  decideChildNever,
  decideChildPassed,
  decideChildRefused,
  decideChildStarted,
  delegatedJob,
  stopsChild,
} from "@gantry/core/child/decide-child.ts";
import { GantryError } from "@gantry/core/errors.ts";
import { failureOf } from "@gantry/core/step/outcome.ts";
import { decideCancel } from "@gantry/core/task/decide-task.ts";
import { cancelReason, NOTHING } from "@gantry/core/task/decision.ts";
import type { TaskEvent } from "@gantry/core/task/events.ts";
import type { JobState, Parent, TaskState } from "@gantry/core/task/model.ts";
import type { RetryQueue } from "../tasks/retry-queue.ts";
import { isStoreBusy, type StartDeps, startTask, taskOfChild } from "../tasks/start-task.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import { childRequest } from "./child-request.ts";

export type Children = {
  /** After a change of a task. `events`: none after a restart. Returns at once; what fails is repeated. */
  readonly onTaskChanged: (task: TaskRecord, events: readonly TaskEvent[]) => void;
};

type Deps = Omit<StartDeps, "admit"> & {
  readonly retries: Pick<RetryQueue, "run">;
  /** The sites where a runner is signed in and alive now. */
  readonly onlineSites: () => Promise<ReadonlySet<string>>;
};
type Place = Pick<Parent, "task" | "job">;

export function openChildren(deps: Deps): Children {
  /** What is done about one job at this agent comes one after the other. */
  const turns = new Map<string, Promise<void>>();
  const follow = (place: Place): void => {
    const name = `following the task of job ${place.job} of task ${place.task}`;
    const turn = (turns.get(name) ?? Promise.resolve()).then(() =>
      deps.retries.run(name, () => followJob(deps, place)),
    );
    turns.set(name, turn);
    void turn.finally(() => {
      if (turns.get(name) === turn) turns.delete(name);
    });
  };
  return {
    onTaskChanged: ({ state }, events) => {
      for (const job of jobsToFollow(state, events)) follow({ task: state.id, job });
      const isNew = events.length === 0 || events.some(({ kind }) => kind === "TaskRequested");
      if (state.parent && (isNew || state.phase === "ended")) follow(state.parent);
    },
  };
}

/** The jobs that another task does the work of, and that something has happened to. */
function jobsToFollow(state: TaskState, events: readonly TaskEvent[]): readonly string[] {
  const isAll = events.length === 0 || events.some(({ kind }) => kind === "TaskCancelRequested");
  const changed = new Set(events.flatMap((event) => ("job" in event ? [event.job] : [])));
  return Object.keys(state.jobs).filter((key) => (isAll || changed.has(key)) && delegatedJob(state, key));
}

/** Brings one job and the task that does its work into agreement. Safe to repeat, and at several agents at once. */
async function followJob(deps: Deps, place: Place): Promise<void> {
  const { tasks } = deps;
  const parent = await tasks.read(place.task);
  const job = parent?.state.jobs[place.job];
  if (!parent || !job?.child) return;
  const stops = stopsChild(parent.state, place.job);
  const known = job.child.task ?? (await taskOfChild(deps.journal, place));
  const id = known ?? (stops ? undefined : await start(deps, parent, job));
  if (id === undefined) {
    await tasks.change(place.task, ({ state }, now) => decideChildNever(state, place.job, now));
    return;
  }
  await tasks.change(place.task, (task, now) => decideChildStarted(task, place.job, id, now));
  if (stops) await cancelChild(deps, parent.state, job, id);
  const child = (await tasks.read(id))?.state;
  if (child?.phase === "ended")
    await tasks.change(place.task, ({ state }, now) => decideChildEnded(state, place.job, child, now));
}

/** The id of the task; undefined when it is refused: then the job has ended. */
async function start(deps: Deps, parent: TaskRecord, job: JobState): Promise<string | undefined> {
  const { state } = parent;
  if (!delegatedJob(state, job.key)) return undefined;
  try {
    const request = await childRequest(deps, parent, job);
    if (!("needless" in request || "passed" in request)) return (await startTask(deps, request)).state.id;
    await deps.tasks.change(state.id, (task, now) =>
      "passed" in request
        ? decideChildPassed(task.state, job.key, now)
        : decideChildNeedless(task.state, job.key, request.needless, now),
    );
    return undefined;
  } catch (error) {
    if (!(error instanceof GantryError) || isStoreBusy(error)) throw error;
    const failure = failureOf(error);
    await deps.tasks.change(state.id, (task, now) => decideChildRefused(task.state, job.key, failure, now));
    return undefined;
  }
}

async function cancelChild({ tasks }: Deps, parent: TaskState, job: JobState, id: string): Promise<void> {
  const by = parent.cancel?.by ?? parent.requestedBy;
  const reason = `Task ${parent.id}, which it is part of, was ${cancelReason(parent, job)}.`;
  await tasks.change(id, ({ state }, now) =>
    state.phase === "ended" || state.cancel ? NOTHING : decideCancel(state, { by, reason }, now),
  );
}

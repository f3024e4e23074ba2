// The streams of tasks and apps, and the index entries by which they are found.

import { hash } from "node:crypto";
import { placesOf, writtenBy } from "@gantry/core/app/places.ts";
import type { TaskEvent } from "@gantry/core/task/events.ts";
import type { AppState, TaskState } from "@gantry/core/task/model.ts";
import { sourceKeysOf } from "@gantry/core/webhook/apps.ts";
import type { StreamAppend } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";

export const taskStream = defineStream<TaskState, TaskEvent>({ prefix: "task/", index: indexOfTask });

export const appStream = defineStream<AppState>({
  prefix: "app/",
  index: ({ name, state, record, builds }) => ({
    apps: state === "removed" ? [] : [name],
    "app-sources": state === "removed" ? [] : sourceKeysOf(name, record).map((key) => sourceKey(key, name)),
    "app-places":
      state === "removed"
        ? []
        : [...new Set([...placesOf(name, record), ...writtenBy(name, record)].map(({ key }) => placeKey(key)))],
    "apps-by-builds": state === "removed" || !builds ? [] : [`${builds.key}/${name}`],
  }),
});

/** The key in the index `app-sources`, for a key of `sourceKeysOf`. Without an app: what the keys of all apps begin with. */
export function sourceKey(key: string, app = ""): string {
  return `${hash("sha256", key)}/${app}`;
}

/** The key in the index `app-places`, for a key of `placesOf` or `writtenBy`. */
export function placeKey(key: string): string {
  return hash("sha256", key);
}

/**
 * A commit of a task. `before`: the state of the last commit; when the index entries are the same, they are not written
 * again. Absent for a new task, and where the entries must be written in any case.
 */
export function taskAppend(
  state: TaskState,
  expected: number,
  events: readonly TaskEvent[],
  before?: TaskState,
): StreamAppend {
  const keepIndex =
    before !== undefined &&
    before.phase === state.phase &&
    before.outcome === state.outcome &&
    before.behind === state.behind &&
    isAsking(before) === isAsking(state) &&
    queueEntries(before).join() === queueEntries(state).join();
  return taskStream.append(state.id, { expected, events, state, keepIndex });
}

/** Whether people are asked to approve a job of it. */
function isAsking({ phase, jobs }: TaskState): boolean {
  return (
    phase !== "ended" && Object.values(jobs).some((job) => job.phase === "pending" && job.approval?.state === "asked")
  );
}

/**
 * Depends on `id`, `app`, `pipeline`, `group`, `ticket`, `rerunOf` and `requestedAt`, which never change, and on `phase`, `outcome`, `behind` and what
 * `isAsking` and `queueEntries` say.
 */
function indexOfTask(state: TaskState): NonNullable<StreamAppend["index"]> {
  const open = state.phase !== "ended";
  const key = timeKey(state);
  return {
    tasks: [key],
    ...(state.app === undefined ? {} : { "tasks-by-app": [`${state.app}/${key}`] }),
    "tasks-by-state": [`${state.outcome ?? "open"}/${key}`],
    ...(open ? { open: [key] } : { ended: [`${endedPrefix(state)}${key}`] }),
    ...(isAsking(state) ? { approvals: [key] } : {}),
    ...(open && state.rerunOf !== undefined ? { reruns: [`${state.rerunOf}/${state.id}`] } : {}),
    ...(state.rerunOf === undefined ? {} : { "reruns-of": [`${state.rerunOf}/${state.id}`] }),
    ...(queueEntries(state).length === 0 ? {} : { "job-queue": queueEntries(state) }),
    ...(state.ticket === undefined ? {} : { groups: groupEntry(state) }),
    ...(open && state.behind !== undefined ? { behind: [`${state.behind}/${state.id}`] } : {}),
  };
}

/**
 * Begins the keys of the open tasks of a group in the index `groups`; those keys sort by ticket. `queued`: they wait for their turn.
 */
export function groupPrefix(group: string, queued: boolean): string {
  return `${hash("sha256", group)}/${queued ? "queued" : "running"}/`;
}

function groupEntry({ id, group, ticket, phase }: TaskState): readonly string[] {
  if (group === undefined || ticket === undefined || phase === "ended") return [];
  return [`${groupPrefix(group, phase === "queued")}${String(ticket).padStart(15, "0")}/${id}`];
}

/** Begins the keys of the jobs that wait for a place in their concurrency group, in the index `job-queue`; they sort by time. */
export function queuePrefix(group: string): string {
  return `${hash("sha256", group)}/`;
}

function queueEntries({ id, phase, jobs }: TaskState): readonly string[] {
  if (phase === "ended") return [];
  return Object.values(jobs).flatMap(({ key, phase: of, queued, slot }) =>
    queued === undefined || of !== "pending" || slot !== undefined
      ? []
      : [`${queuePrefix(queued.group)}${String(queued.since).padStart(15, "0")}/${id}/${key}`],
  );
}

/** A key that sorts by time: milliseconds with leading zeros, then the id. */
function timeKey(state: TaskState): string {
  return `${String(state.requestedAt).padStart(15, "0")}/${state.id}`;
}

/** Begins the keys of the ended tasks of one app and pipeline in the index `ended`; those keys sort by time. */
export function endedPrefix({ app, pipeline }: Pick<TaskState, "app" | "pipeline">): string {
  return `${app ?? "-"}/${pipeline}/`;
}

// Of the tasks of one group, only so many run at the same time as each of their pipelines says. When one ends, the next one
// starts, in the order of their requests.
//
// The order is that of the tickets, which a task gets in the commit that creates it, so no task is ever put before another one.
// Only the first task that is queued may start, and no new task starts while one is queued. Two agents that count at different
// times therefore come to the same task. Where only one may run, each task waits for the one before it as well; that is also what
// tasks of older versions do, which have no ticket.

import { GantryError } from "@gantry/core/errors.ts";
import { renderText } from "@gantry/core/expr/template.ts";
import type { Concurrency } from "@gantry/core/pipeline/pipeline.ts";
import { decideSupersede, decideTurn, decideUnblock } from "@gantry/core/task/decide-task.ts";
import { concurrencyOf } from "@gantry/core/task/from-fork.ts";
import type { TaskState } from "@gantry/core/task/model.ts";
import { taskScope } from "@gantry/core/task/scope.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { targetParamsOf } from "../builds/choose-build.ts";
import type { TaskRecord } from "./task-store.ts";
import { groupPrefix, taskStream } from "./task-stream.ts";
import type { Tasks } from "./tasks.ts";

export type TaskGroups = {
  /**
   * Starts a queued task if it has its turn; if the one before it was canceled before its turn, it then waits for the one before
   * that. Does nothing for any other task. Rejects when the store fails.
   */
  readonly advance: (id: string) => Promise<void>;
  /** Starts the tasks of the group of this task that have their turn. Rejects when the store fails. */
  readonly advanceGroup: (of: TaskState) => Promise<void>;
};

const MAX_BEHIND = 100;

export function openTaskGroups(journal: Pick<Journal, "find">, tasks: Tasks): TaskGroups {
  const advance = async (id: string): Promise<void> => {
    const waiting = await tasks.read(id);
    if (waiting?.state.phase !== "queued") return;
    const { behind, ticket, group } = waiting.state;
    const before = behind === undefined ? undefined : (await tasks.read(behind))?.state;
    const limit = limitOf(concurrencyOf(waiting.pipeline, waiting.state));
    const isAlone = limit === 1 || ticket === undefined || before?.ticket === undefined;
    if (before && before.phase !== "ended" && isAlone) return;
    if (before?.behind !== undefined && isAlone) {
      await tasks.change(id, ({ state }, now) => decideUnblock(state, before.id, before.behind, now));
      return;
    }
    if (ticket !== undefined && group !== undefined && !(await isFirst(journal, { id, group, limit }))) return;
    await tasks.change(id, ({ state }, now) => decideTurn(state, now));
  };
  return {
    advance,
    advanceGroup: async ({ id, group }) => {
      const behind = await journal.find({ index: "behind", prefix: `${id}/`, limit: MAX_BEHIND });
      for (const item of behind.items) await advance(taskStream.stateOf(item).id);
      for (let last: string | undefined; group !== undefined; ) {
        const first = (await firstOf(journal, group, { queued: true, limit: 1 }))[0];
        // It still waits, or there is none.
        if (first === undefined || first === last) return;
        await advance(first);
        last = first;
      }
    },
  };
}

function limitOf(concurrency: Concurrency | undefined): number {
  return concurrency?.limit ?? 1;
}

/** The open tasks of a group that came first. */
async function firstOf(
  journal: Pick<Journal, "find">,
  group: string,
  { queued, limit }: { readonly queued: boolean; readonly limit: number },
): Promise<readonly string[]> {
  const { items } = await journal.find({ index: "groups", prefix: groupPrefix(group, queued), limit });
  return items.map((item) => taskStream.stateOf(item).id);
}

async function isFirst(
  journal: Pick<Journal, "find">,
  { id, group, limit }: { readonly id: string; readonly group: string; readonly limit: number },
): Promise<boolean> {
  const [first] = await firstOf(journal, group, { queued: true, limit: 1 });
  return first === id && (await firstOf(journal, group, { queued: false, limit })).length < limit;
}

/**
 * The task that a new task of the group must wait for; undefined when it may start at once. `last` was requested last. The answer
 * holds as long as no other task joins the group. Throws `group-busy` when the pipeline says that the new task is refused then.
 */
export async function taskBefore(
  { journal, tasks }: { readonly journal: Pick<Journal, "find">; readonly tasks: Pick<Tasks, "read"> },
  concurrency: Concurrency | undefined,
  { group, last, of }: { readonly group: string; readonly last: string | undefined; readonly of: About },
): Promise<string | undefined> {
  const limit = limitOf(concurrency);
  const before = await newestUnended(tasks, last);
  const isBehind = before !== undefined && (limit === 1 || before.ticket === undefined);
  const task = isBehind ? before.id : await taskInTheWay(journal, { group, limit, before: before?.id });
  if (task === undefined) return undefined;
  if (concurrency?.policy !== "reject") return task;
  const title = titleFor(of, (await tasks.read(task))?.state);
  throw new GantryError("group-busy", { group, task, limit, ...(title === undefined ? {} : { title }) });
}

/** Undefined when another task of the group may run now. `before`: the newest that has not ended. */
async function taskInTheWay(
  journal: Pick<Journal, "find">,
  { group, limit, before }: { readonly group: string; readonly limit: number; readonly before: string | undefined },
): Promise<string | undefined> {
  // In this order: a task that gets its turn in between is seen in one of the two.
  const queued = await firstOf(journal, group, { queued: true, limit: 1 });
  const running = await firstOf(journal, group, { queued: false, limit });
  if (queued.length === 0 && running.length < limit) return undefined;
  return before ?? running.at(-1) ?? queued.at(-1);
}

/** The app and the pipeline of a request. */
type About = Pick<TaskState, "pipeline"> & { readonly app?: string | undefined };

/** As people know the task: "Run CD: orders #12". Only for those who may see it: tasks of other apps may be in the group. */
function titleFor({ app, pipeline }: About, other: TaskState | undefined): string | undefined {
  if (other?.app !== app || (app === undefined && other?.pipeline !== pipeline)) return undefined;
  const number = other?.build?.number;
  return other && `${other.title}${typeof number === "number" && number > 0 ? ` #${number}` : ""}`;
}

/**
 * Of the tasks that are linked by `behind`, the newest one that has not ended; `last` was requested last. A task that was canceled
 * before its turn has ended, but the task that it waited for may still run.
 */
async function newestUnended(tasks: Pick<Tasks, "read">, last: string | undefined): Promise<TaskState | undefined> {
  let id = last;
  while (id !== undefined) {
    const state = (await tasks.read(id))?.state;
    if (state && state.phase !== "ended") return state;
    id = state?.behind;
  }
  return undefined;
}

/** The text that must be the same in both tasks; undefined if there is none to compare. */
function sameOf({ state, pipeline }: TaskRecord): string | undefined {
  const same = concurrencyOf(pipeline, state)?.same;
  if (same === undefined) return undefined;
  return renderText(same, taskScope(pipeline, state));
}

/**
 * With the policy `cancel-older`, and for a rollback, cancels tasks of the group that were requested before this one and have not ended. The
 * new task still waits until they have ended. Does nothing with another policy, or when this task has had its turn. Safe to
 * repeat: when it was interrupted, the repeated request and a restart of the agent call it again.
 */
export async function cancelOlder(tasks: Pick<Tasks, "read" | "change">, record: TaskRecord): Promise<TaskRecord> {
  const { state, pipeline } = record;
  const concurrency = concurrencyOf(pipeline, state);
  if (state.phase !== "queued") return record;
  const same = concurrency?.policy === "cancel-older" ? sameOf(record) : "";
  if (same === "" && !state.rollback) return record;
  const until = state.rollback ? undefined : concurrency?.until;
  let id = state.behind;
  while (id !== undefined) {
    const older = await tasks.read(id);
    if (older && older.state.phase !== "ended" && replaces(record, older, same))
      await tasks.change(id, (task, now) =>
        decideSupersede(task.state, { task: state.id, by: state.requestedBy, until }, now),
      );
    id = older?.state.behind;
  }
  return (await tasks.read(state.id)) ?? record;
}

/**
 * A rollback replaces what deploys to one of its targets, however far that is, and nothing else. Only a rollback replaces
 * a rollback. An older pipeline file may have no text to compare.
 */
function replaces(record: TaskRecord, older: TaskRecord, same: string | undefined): boolean {
  if (!record.state.rollback) return !older.state.rollback && sameOf(older) === same;
  const targets = Object.keys(record.state.rollback.from);
  const others = targetParamsOf(older.pipeline).flatMap((name) => [older.state.params[name] ?? []].flat());
  return others.some((name) => typeof name === "string" && targets.includes(name));
}

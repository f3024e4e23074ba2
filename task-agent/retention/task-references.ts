// What else refers to a task that is old enough to be archived.

import type { RetentionPolicy } from "@gantry/core/retention/policy.ts";
import { taskTerms } from "@gantry/core/retention/policy.ts";
import type { TaskState } from "@gantry/core/task/model.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { appStream, endedPrefix, taskStream } from "../tasks/task-stream.ts";
import type { Tasks } from "../tasks/tasks.ts";

export type TaskReferences = {
  /** It is one of the newest ended tasks of its app and pipeline, which the policy keeps. */
  readonly isNewest: (state: TaskState) => Promise<boolean>;
  /** An open task waits behind it or reruns it, or its app refers to it. */
  readonly isReferenced: (state: TaskState) => Promise<boolean>;
};

type ReferenceDeps = {
  readonly journal: Pick<Journal, "load" | "find">;
  readonly tasks: Pick<Tasks, "reindex">;
  readonly rest: () => Promise<void>;
};

const PAGE = 20;

/** For one pass: what it caches can become old, and then it keeps too many tasks, never too few. */
export function openTaskReferences(deps: ReferenceDeps, policy: RetentionPolicy): TaskReferences {
  const { journal, tasks } = deps;
  const newest = new Map<string, ReadonlySet<string>>();
  const byApp = new Map<string, ReadonlySet<string>>();

  return {
    isNewest: async (state) => {
      const { keep } = taskTerms(policy, state.pipeline);
      const prefix = endedPrefix(state);
      const streams = newest.get(prefix) ?? (await newestStreams(deps, prefix, keep));
      newest.set(prefix, streams);
      const isListed = streams.has(taskStream.name(state.id));
      if (isListed || streams.size >= keep) return isListed;
      // The list has every indexed task of this kind, but not this one: an older version of Gantry did not index it.
      await tasks.reindex(state.id);
      return true;
    },
    isReferenced: async ({ id, app }) => {
      for (const index of ["behind", "reruns"]) {
        const { items } = await journal.find({ index, prefix: `${id}/`, limit: 1 });
        if (items.length > 0) return true;
      }
      if (app === undefined) return false;
      const tasksOfApp = byApp.get(app) ?? (await appReferences(journal, app));
      byApp.set(app, tasksOfApp);
      return tasksOfApp.has(id);
    },
  };
}

/** The streams of the newest ended tasks with this prefix, at most `keep`. */
async function newestStreams(
  { journal, rest }: ReferenceDeps,
  prefix: string,
  keep: number,
): Promise<ReadonlySet<string>> {
  const streams = new Set<string>();
  let cursor: string | undefined;
  do {
    const limit = Math.min(PAGE, keep - streams.size);
    const query = { index: "ended", prefix, order: "descending", limit } as const;
    const page = await journal.find(cursor === undefined ? query : { ...query, cursor });
    for (const { stream } of page.items) streams.add(stream);
    cursor = page.cursor;
    if (cursor !== undefined) await rest();
  } while (cursor !== undefined && streams.size < keep);
  return streams;
}

/** Ids of the tasks that an app refers to. */
async function appReferences(journal: ReferenceDeps["journal"], app: string): Promise<ReadonlySet<string>> {
  const state = (await appStream.load(journal, app))?.state;
  return new Set(state ? [state.task, ...Object.values(state.latest)] : []);
}

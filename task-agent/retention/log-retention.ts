// Logs of tasks that ended long ago go to the archive, folder by folder. A log whose task is in neither the journal nor the
// archive is left alone: nobody knows whose it is.

import { opendir } from "node:fs/promises";
import type { RetentionPolicy } from "@gantry/core/retention/policy.ts";
import type { TaskState } from "@gantry/core/task/model.ts";
import { timeOfTask } from "@gantry/core/task/task-id.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { archiveLogs, removeLogs } from "../logs/log-archive.ts";
import { type Tasks, taskStream } from "../tasks/tasks.ts";
import { DAY_MS, decideLogLeaves } from "./decide-retention.ts";
import type { TaskArchive } from "./task-archive.ts";

export type LogRetentionDeps = {
  /** Folder of the logs, and of the archive. */
  readonly logs: string;
  readonly archive: string;
  /** This agent among those that share the folders. */
  readonly writer?: string | undefined;
  readonly journal: Pick<Journal, "load">;
  readonly tasks: Pick<Tasks, "now">;
  readonly archived: Pick<TaskArchive, "has">;
  readonly policy: () => RetentionPolicy;
  readonly rest: () => Promise<void>;
  readonly isStopping: () => boolean;
};

/** One pass over the logs; answers of how many tasks they are gone. Rejects when the disk or the journal does. */
export async function sweepLogs(deps: LogRetentionDeps): Promise<number> {
  const policy = deps.policy();
  const now = await deps.tasks.now();
  let count = 0;
  for await (const id of tasksWithLogs(deps.logs)) {
    if (deps.isStopping()) break;
    // The end of a task is not before its request.
    if (now - (timeOfTask(id) ?? now) < policy.logs.days * DAY_MS) continue;
    const loaded = await deps.journal.load(taskStream(id));
    const isArchived = loaded === undefined && (await deps.archived.has(id));
    const state = loaded?.snapshot as unknown as TaskState | undefined;
    if (decideLogLeaves(state, { policy, now, isArchived })) {
      if (policy.logs.archive) await archiveLogs(deps.logs, deps.archive, id, deps.writer);
      await removeLogs(deps.logs, id);
      count += 1;
    }
    await deps.rest();
  }
  return count;
}

async function* tasksWithLogs(logs: string): AsyncGenerator<string> {
  try {
    for await (const entry of await opendir(logs)) if (entry.isDirectory()) yield entry.name;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

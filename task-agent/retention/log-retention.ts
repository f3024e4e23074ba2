// Moves the logs of tasks that ended long ago to the archive, task by task. Logs whose task is in neither the journal nor
// the archive are left alone.

import { opendir } from "node:fs/promises";
import type { RetentionPolicy } from "@gantry/core/retention/policy.ts";
import { timeOfTask } from "@gantry/core/task/task-id.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { archiveLogs, removeLogs } from "../logs/log-archive.ts";
import { taskStream } from "../tasks/task-stream.ts";
import type { Tasks } from "../tasks/tasks.ts";
import { DAY_MS, decideArchiveLogs } from "./decide-retention.ts";
import type { TaskArchive } from "./task-archive.ts";

export type LogRetentionDeps = {
  /** Folder of the logs. */
  readonly logs: string;
  /** Folder of the archive. */
  readonly archive: string;
  /** The name of this agent where several share the folders. */
  readonly writer?: string | undefined;
  readonly journal: Pick<Journal, "load">;
  readonly tasks: Pick<Tasks, "now">;
  readonly archived: Pick<TaskArchive, "has">;
  readonly policy: () => RetentionPolicy;
  readonly rest: () => Promise<void>;
  readonly isStopping: () => boolean;
};

/** One pass over the logs. Returns the number of tasks whose logs were removed. Rejects when the disk or the journal fails. */
export async function sweepLogs(deps: LogRetentionDeps): Promise<number> {
  const policy = deps.policy();
  const now = await deps.tasks.now();
  let count = 0;
  for await (const id of tasksWithLogs(deps.logs)) {
    if (deps.isStopping()) break;
    // A task ends after its request, so a task requested too recently has not ended long ago. Saves a read.
    if (now - (timeOfTask(id) ?? now) < policy.logs.days * DAY_MS) continue;
    const loaded = await taskStream.load(deps.journal, id);
    const isArchived = loaded === undefined && (await deps.archived.has(id));
    if (decideArchiveLogs(loaded?.state, { policy, now, isArchived })) {
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

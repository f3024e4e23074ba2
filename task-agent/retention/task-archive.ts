// The form of tasks in the archive. An archived task has what the journal had: the state and every event. Its definition
// stays in the journal.

import type { JsonObject } from "@gantry/core/json.ts";
import type { TaskState } from "@gantry/core/task/model.ts";
import { dayOfTask } from "@gantry/core/task/task-id.ts";
import { type ArchiveRecord, findArchived } from "@gantry/journal/archive/archive.ts";
import type { JournalEvent } from "@gantry/journal/journal.ts";
import { z } from "zod";
import type { Definitions } from "../tasks/definitions.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import { taskStream } from "../tasks/task-stream.ts";

export const TASKS = "tasks";
const FORMAT = 1;

export type ArchivedTask = { readonly record: TaskRecord; readonly events: readonly JournalEvent[] };

export type TaskArchive = {
  /** Undefined when the task is not in the archive. Throws `archive-damaged`. */
  readonly read: (id: string) => Promise<ArchivedTask | undefined>;
  readonly has: (id: string) => Promise<boolean>;
};

/** Checks only the fields that reading relies on: Gantry wrote the file itself. */
const stored = z.object({
  format: z.literal(FORMAT),
  version: z.int(),
  state: z.looseObject({ id: z.string(), definition: z.string(), phase: z.literal("ended") }),
  events: z.array(z.tuple([z.int(), z.int(), z.int(), z.looseObject({ kind: z.string() })])),
});

/** Undefined for a task whose id contains no day. */
export function archiveRecord(
  state: TaskState,
  version: number,
  events: readonly JournalEvent[],
): ArchiveRecord | undefined {
  const day = dayOfTask(state.id);
  if (day === undefined) return undefined;
  const rows = events.map((one) => [one.seq, one.version, one.atMicros, one.event]);
  const value = { format: FORMAT, version, state, events: rows };
  // All of it was read from the journal's JSON. The types have no index signature.
  return { day, id: state.id, value: value as unknown as JsonObject };
}

export function openTaskArchive(folder: string, definitions: Pick<Definitions, "pinned">): TaskArchive {
  const find = async (id: string): Promise<JsonObject | undefined> => {
    const day = dayOfTask(id);
    return day === undefined ? undefined : findArchived(folder, TASKS, { day, id });
  };
  return {
    has: async (id) => (await find(id)) !== undefined,
    read: async (id) => {
      const found = await find(id);
      if (!found) return undefined;
      const { version, state: parsed, events } = stored.parse(found);
      // Only this file writes the archive, from a TaskState.
      const state = parsed as unknown as TaskState;
      return {
        record: { state, version, pipeline: await definitions.pinned(state.definition) },
        events: events.map(([seq, at, atMicros, event]) => ({
          seq,
          stream: taskStream.name(state.id),
          version: at,
          atMicros,
          event: event as JsonObject,
        })),
      };
    },
  };
}

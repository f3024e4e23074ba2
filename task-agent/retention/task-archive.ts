// Tasks in the archive: how they are written, and how they are read again. What is kept is what the journal had: the state,
// and every event. The definition that a task ran by stays in the journal.

import type { JsonObject } from "@gantry/core/json.ts";
import type { TaskState } from "@gantry/core/task/model.ts";
import { dayOfTask } from "@gantry/core/task/task-id.ts";
import { type ArchiveRecord, findArchived } from "@gantry/journal/archive/archive.ts";
import type { JournalEvent } from "@gantry/journal/journal.ts";
import { z } from "zod";
import type { Definitions } from "../tasks/definitions.ts";
import type { TaskRecord } from "../tasks/tasks.ts";

export const TASKS = "tasks";
const FORMAT = 1;

export type ArchivedTask = { readonly record: TaskRecord; readonly events: readonly JournalEvent[] };

export type TaskArchive = {
  /** Undefined when it is not there. Throws `archive-damaged`. */
  readonly read: (id: string) => Promise<ArchivedTask | undefined>;
  readonly has: (id: string) => Promise<boolean>;
};

/** Written by us; only what reading relies on is checked. */
const stored = z.object({
  format: z.literal(FORMAT),
  version: z.int(),
  state: z.looseObject({ id: z.string(), definition: z.string(), phase: z.literal("ended") }),
  events: z.array(z.tuple([z.int(), z.int(), z.int(), z.looseObject({ kind: z.string() })])),
});

/** Undefined for a task whose id does not tell its day. */
export function archiveRecord(
  state: TaskState,
  version: number,
  events: readonly JournalEvent[],
): ArchiveRecord | undefined {
  const day = dayOfTask(state.id);
  if (day === undefined) return undefined;
  const rows = events.map((one) => [one.seq, one.version, one.atMicros, one.event]);
  return { day, id: state.id, value: { format: FORMAT, version, state, events: rows } as unknown as JsonObject };
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
      const { version, state: kept, events } = stored.parse(found);
      const state = kept as unknown as TaskState;
      return {
        record: { state, version, pipeline: await definitions.pinned(state.definition) },
        events: events.map(([seq, at, atMicros, event]) => ({
          seq,
          stream: `task/${state.id}`,
          version: at,
          atMicros,
          event: event as JsonObject,
        })),
      };
    },
  };
}

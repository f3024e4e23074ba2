// A store with many ended tasks, each with all of its events: copies of one that a real agent wrote, appended by the journal
// itself, some minutes apart, the oldest first.

import { newTaskId } from "@gantry/core/task/task-id.ts";
import type { JournalEvent, StreamAppend } from "@gantry/journal/journal.ts";
import { openSqliteJournal } from "@gantry/journal/sqlite.ts";
import { AGENT_INDEXES } from "@gantry/task-agent/tasks.ts";

export const APPS = 100;
const TOGETHER = 200;

/** Copies the only task of the store, which must have ended. Answers the ids, and how many events each has. */
export async function fillWithOld(
  file: string,
  options: { readonly seed: string; readonly count: number; readonly from: number; readonly everyMs: number },
): Promise<{ readonly ids: readonly string[]; readonly events: number }> {
  const journal = await openSqliteJournal({ file, indexes: AGENT_INDEXES });
  try {
    const loaded = await journal.load(`task/${options.seed}`);
    const events = await journal.events(`task/${options.seed}`, 0, 10_000);
    if (!loaded) throw new Error(`there is no task ${options.seed}`);
    const text = JSON.stringify(loaded.snapshot);
    const ids: string[] = [];
    while (ids.length < options.count) {
      const batch: StreamAppend[] = [];
      for (; batch.length < TOGETHER && ids.length < options.count; ) {
        const at = options.from + ids.length * options.everyMs;
        const id = newTaskId(at, crypto.randomUUID());
        batch.push(copyOf(text, events, { id, at, app: `app-${ids.length % APPS}`, seed: options.seed }));
        ids.push(id);
      }
      const result = await journal.append(batch);
      if (!result.ok) throw new Error(`${result.conflict} is there already`);
    }
    return { ids, events: events.length };
  } finally {
    await journal.close();
  }
}

function copyOf(
  text: string,
  events: readonly JournalEvent[],
  { id, at, app, seed }: { readonly id: string; readonly at: number; readonly app: string; readonly seed: string },
): StreamAppend {
  const state = JSON.parse(text.replaceAll(seed, id)) as Record<string, string | number>;
  const key = `${String(at).padStart(15, "0")}/${id}`;
  return {
    stream: `task/${id}`,
    expected: 0,
    events: events.map(({ event }) => event),
    snapshot: { ...state, app, requestedAt: at, endedAt: at + 60_000 },
    index: {
      tasks: [key],
      "tasks-by-app": [`${app}/${key}`],
      "tasks-by-state": [`${state.outcome}/${key}`],
      ended: [`${app}/${state.pipeline}/${key}`],
    },
  };
}

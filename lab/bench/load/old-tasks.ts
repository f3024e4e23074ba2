// A store with many complete tasks: copies of one that a real agent wrote, appended through the journal with increasing
// times, the oldest first.

import { newTaskId } from "@gantry/core/task/task-id.ts";
import type { Journal, JournalEvent, StreamAppend } from "@gantry/journal/journal.ts";

export const APPS = 100;
const TOGETHER = 200;

/** Copies a task of the store. Returns the ids and the number of events of each. */
export async function fillWithOld(
  journal: Journal,
  options: { readonly seed: string; readonly count: number; readonly from: number; readonly everyMs: number },
): Promise<{ readonly ids: readonly string[]; readonly events: number }> {
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
}

function copyOf(
  text: string,
  events: readonly JournalEvent[],
  { id, at, app, seed }: { readonly id: string; readonly at: number; readonly app: string; readonly seed: string },
): StreamAppend {
  const state = JSON.parse(text.replaceAll(seed, id)) as Record<string, string | number>;
  const isEnded = state.phase === "ended";
  const key = `${String(at).padStart(15, "0")}/${id}`;
  return {
    stream: `task/${id}`,
    expected: 0,
    events: events.map(({ event }) => event),
    snapshot: { ...state, app, requestedAt: at, ...(isEnded ? { endedAt: at + 60_000 } : {}) },
    index: {
      tasks: [key],
      "tasks-by-app": [`${app}/${key}`],
      "tasks-by-state": [`${isEnded ? state.outcome : "open"}/${key}`],
      ...(isEnded ? { ended: [`${app}/${state.pipeline}/${key}`] } : { open: [key] }),
    },
  };
}

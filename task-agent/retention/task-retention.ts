// Ended tasks leave the journal for the archive: read → decide → commit, a few at a time. A task is on disk in the archive
// before it is removed, so after a crash it may be in both, and never in none. Any number of agents may do this at once.

import { leastTaskDays, type RetentionPolicy, taskTerms } from "@gantry/core/retention/policy.ts";
import type { AppState, TaskState } from "@gantry/core/task/model.ts";
import type { ArchiveRecord, ArchiveWriter } from "@gantry/journal/archive/archive.ts";
import type { Journal, JournalEvent, StreamRemoval } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import { appStream, endedPrefix, type Tasks, taskStream } from "../tasks/tasks.ts";
import { DAY_MS, decideByItself, decideStay, nextBatch, type Stay } from "./decide-retention.ts";
import { archiveRecord } from "./task-archive.ts";

export type RetentionDeps = {
  readonly journal: Pick<Journal, "load" | "find" | "events" | "remove">;
  readonly tasks: Pick<Tasks, "now" | "reindex" | "forget">;
  readonly archive: ArchiveWriter;
  /** Asked at the beginning of each sweep. */
  readonly policy: () => RetentionPolicy;
  /** Up to which seq all readers have read. */
  readonly readUpTo: (now: number) => Promise<number>;
  readonly clock: Pick<Clock, "monotonicMs">;
  /** Between two pieces of work, none of which takes long: lets requests have their turn. */
  readonly rest: () => Promise<void>;
  readonly isStopping: () => boolean;
};

export type Swept = {
  readonly archived: number;
  /** Tasks that were old enough and stay, by why. */
  readonly stayed: ReadonlyMap<Stay, number>;
  /** When the oldest task that is left was requested; undefined when there is none, or it was not looked for. */
  readonly oldest: number | undefined;
  /** The longest time that the journal took for one removal, ms. */
  readonly longestRemovalMs: number;
};

type Leaver = {
  readonly record: ArchiveRecord;
  readonly streams: readonly StreamRemoval[];
  readonly events: number;
};
type Found = { readonly state: TaskState; readonly version: number };

const PAGE = 20;
const EVENTS_PAGE = 200;
/** What goes to the archive together: several fsyncs serve all of it, and making it text holds up the process. */
const PART = { tasks: 20, events: 1_000 };
/** More events than this are not read at once into memory: such a task stays. */
const MAX_EVENTS = 100_000;

/**
 * One pass over all tasks that are old enough. Rejects when the archive or the journal does; then nothing has left that is
 * not in the archive, and the next pass goes on.
 */
export async function sweepTasks(deps: RetentionDeps): Promise<Swept> {
  const policy = deps.policy();
  const now = await deps.tasks.now();
  const readUpTo = await deps.readUpTo(now);
  const look = openLook(deps, policy);
  const stayed = new Map<Stay, number>();
  const leaving: Leaver[] = [];
  let [archived, longestRemovalMs, batch, events] = [0, 0, 4, 0];
  let oldest: number | undefined;
  if (!policy.enabled) return { archived, stayed, oldest: await oldestLeft(deps), longestRemovalMs };

  const commit = async (): Promise<void> => {
    if (leaving.length === 0) return;
    events = 0;
    await deps.archive.append(leaving.map(({ record }) => record));
    while (leaving.length > 0) {
      await deps.rest();
      const began = deps.clock.monotonicMs();
      archived += await remove(deps, leaving.splice(0, batch));
      const tookMs = deps.clock.monotonicMs() - began;
      longestRemovalMs = Math.max(longestRemovalMs, tookMs);
      batch = nextBatch(batch, tookMs);
    }
    await deps.rest();
  };

  for await (const found of candidates(deps, now - leastTaskDays(policy) * DAY_MS)) {
    if (deps.isStopping()) break;
    const judged = await judge(deps, look, found, { policy, now, readUpTo });
    if (typeof judged === "string") {
      oldest ??= found.state.requestedAt;
      stayed.set(judged, (stayed.get(judged) ?? 0) + 1);
      continue;
    }
    leaving.push(judged);
    events += judged.events;
    if (leaving.length >= PART.tasks || events >= PART.events) await commit();
  }
  await commit();
  oldest ??= await oldestLeft(deps);
  return { archived, stayed, oldest, longestRemovalMs };
}

/** Tasks that were requested before, oldest first. */
async function* candidates({ journal, rest }: RetentionDeps, before: number): AsyncGenerator<Found> {
  let after: string | undefined;
  for (;;) {
    const page = await journal.find({ index: "tasks", limit: PAGE, ...(after === undefined ? {} : { after }) });
    for (const { snapshot, version } of page.items) {
      const state = snapshot as unknown as TaskState;
      if (state.requestedAt > before) return;
      yield { state, version };
    }
    after = page.items.at(-1)?.key;
    if (page.cursor === undefined || after === undefined) return;
    await rest();
  }
}

async function oldestLeft({ journal }: RetentionDeps): Promise<number | undefined> {
  const { items } = await journal.find({ index: "tasks", limit: 1 });
  const state = items[0]?.snapshot as unknown as TaskState | undefined;
  return state?.requestedAt;
}

async function judge(
  deps: RetentionDeps,
  look: Look,
  { state, version }: Found,
  terms: { readonly policy: RetentionPolicy; readonly now: number; readonly readUpTo: number },
): Promise<Leaver | Stay> {
  const early = decideByItself(state, terms);
  if (early) return early;
  const isNewest = await look.isNewest(state);
  const isReferredTo = isNewest || (await look.isReferredTo(state));
  const events = isReferredTo ? [] : await eventsOf(deps, state.id, version);
  const lastSeq = events.at(-1)?.seq ?? 0;
  const stay = decideStay(state, { ...terms, isNewest, isReferredTo, lastSeq });
  if (stay) return stay;
  const record = archiveRecord(state, version, events);
  // Somebody has changed it meanwhile, or it is larger than all that we make, or its id is none of ours.
  if (!record || events.length !== version) return "changed";
  const keys = await deps.journal.find({ index: "keys", prefix: state.id, limit: 10 });
  const streams = keys.items.map((key) => ({ stream: key.stream, expected: key.version }));
  return { record, streams: [{ stream: taskStream(state.id), expected: version }, ...streams], events: events.length };
}

async function eventsOf(
  { journal, rest }: RetentionDeps,
  id: string,
  version: number,
): Promise<readonly JournalEvent[]> {
  const all: JournalEvent[] = [];
  while (all.length < Math.min(version, MAX_EVENTS)) {
    const page = await journal.events(taskStream(id), all.length, EVENTS_PAGE);
    if (page.length === 0) break;
    all.push(...page);
    if (page.length === EVENTS_PAGE) await rest();
  }
  return all;
}

/** Answers how many tasks are gone. One that was changed meanwhile stays, and the others go without it. */
async function remove(deps: Pick<RetentionDeps, "journal" | "tasks">, leavers: readonly Leaver[]): Promise<number> {
  const result = await deps.journal.remove(leavers.flatMap(({ streams }) => streams));
  if (result.ok) {
    for (const { record } of leavers) deps.tasks.forget(record.id);
    return leavers.length;
  }
  let count = 0;
  if (leavers.length > 1) for (const one of leavers) count += await remove(deps, [one]);
  return count;
}

type Look = {
  readonly isNewest: (state: TaskState) => Promise<boolean>;
  readonly isReferredTo: (state: TaskState) => Promise<boolean>;
};

/** What others say of a task. What is remembered for one sweep can only keep too much. */
function openLook({ journal, tasks, rest }: RetentionDeps, policy: RetentionPolicy): Look {
  const newest = new Map<string, ReadonlySet<string>>();
  const named = new Map<string, ReadonlySet<string>>();

  const newestOf = async (state: TaskState, keep: number): Promise<ReadonlySet<string>> => {
    const prefix = endedPrefix(state);
    const known = newest.get(prefix);
    if (known) return known;
    const ids = new Set<string>();
    let cursor: string | undefined;
    do {
      const limit = Math.min(PAGE, keep - ids.size);
      const page = await journal.find({
        index: "ended",
        prefix,
        order: "descending",
        limit,
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const { stream } of page.items) ids.add(stream);
      cursor = page.cursor;
      if (cursor !== undefined) await rest();
    } while (cursor !== undefined && ids.size < keep);
    newest.set(prefix, ids);
    return ids;
  };
  const namedBy = async (app: string): Promise<ReadonlySet<string>> => {
    const known = named.get(app);
    if (known) return known;
    const loaded = await journal.load(appStream(app));
    const state = loaded?.snapshot as unknown as AppState | undefined;
    const ids = new Set(state ? [state.task, ...Object.values(state.latest)] : []);
    named.set(app, ids);
    return ids;
  };

  return {
    isNewest: async (state) => {
      const { keep } = taskTerms(policy, state.pipeline);
      const ids = await newestOf(state, keep);
      const mine = ids.has(taskStream(state.id));
      if (mine || ids.size >= keep) return mine;
      // All of its kind that are in the index are among the newest; it is not in the index, so an older Gantry ended it.
      await tasks.reindex(state.id);
      return true;
    },
    isReferredTo: async ({ id, app }) => {
      for (const index of ["behind", "reruns"]) {
        const { items } = await journal.find({ index, prefix: `${id}/`, limit: 1 });
        if (items.length > 0) return true;
      }
      return app !== undefined && (await namedBy(app)).has(id);
    },
  };
}

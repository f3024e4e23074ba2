// Moves ended tasks from the journal to the archive: read → decide → commit, a few at a time. A task is on the archive's disk
// before it is removed, so after a crash it may be in both, but never in neither. Several agents may do this at once.

import { leastTaskDays, type RetentionPolicy } from "@gantry/core/retention/policy.ts";
import type { TaskState } from "@gantry/core/task/model.ts";
import type { ArchiveRecord, ArchiveWriter } from "@gantry/journal/archive/archive.ts";
import type { Journal, JournalEvent, StreamRemoval } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import { taskStream } from "../tasks/task-stream.ts";
import type { Tasks } from "../tasks/tasks.ts";
import { DAY_MS, decideKeep, decideKeepByTask, type KeepReason, nextBatch } from "./decide-retention.ts";
import { archiveRecord } from "./task-archive.ts";
import { openTaskReferences, type TaskReferences } from "./task-references.ts";

export type RetentionDeps = {
  readonly journal: Pick<Journal, "load" | "find" | "events" | "remove">;
  readonly tasks: Pick<Tasks, "now" | "reindex" | "forget">;
  readonly archive: ArchiveWriter;
  /** Called at the beginning of each pass. */
  readonly policy: () => RetentionPolicy;
  /** The `seq` up to which all readers have read. `now`: store time, ms. */
  readonly readUpTo: (now: number) => Promise<number>;
  readonly clock: Pick<Clock, "monotonicMs">;
  /** Awaited between two short pieces of work, so that requests are served in between. */
  readonly rest: () => Promise<void>;
  readonly isStopping: () => boolean;
};

export type SweepResult = {
  readonly archived: number;
  /** Tasks that were old enough and stay, by reason. */
  readonly kept: ReadonlyMap<KeepReason, number>;
  /** When the oldest task in the journal was requested, ms since 1970; undefined when there is none. */
  readonly oldest: number | undefined;
  /** The longest time that the journal took for one removal, ms. */
  readonly longestRemovalMs: number;
};

/** A task that may be archived. `streams`: what is removed from the journal with it. */
type Candidate = {
  readonly record: ArchiveRecord;
  readonly streams: readonly StreamRemoval[];
  readonly events: number;
};
type StoredTask = { readonly state: TaskState; readonly version: number };

const PAGE = 20;
const EVENTS_PAGE = 200;
/** The limits of one write to the archive. Its fsyncs serve all of it, but its conversion to text blocks the process. */
const BATCH = { tasks: 20, events: 1_000 };
const FIRST_REMOVAL = 4;
/** A task with more events is not read into memory: it stays in the journal. */
const MAX_EVENTS = 100_000;

/**
 * One pass over all tasks that are old enough. Rejects when the archive or the journal fails. Even then, every task that was
 * removed is in the archive, and the next pass continues.
 */
export async function sweepTasks(deps: RetentionDeps): Promise<SweepResult> {
  const policy = deps.policy();
  const now = await deps.tasks.now();
  const terms = { policy, now, readUpTo: await deps.readUpTo(now) };
  const references = openTaskReferences(deps, policy);
  const kept = new Map<KeepReason, number>();
  const mover = new TaskMover(deps);
  let oldest: number | undefined;

  const isOff = !policy.enabled;
  for await (const task of isOff ? [] : oldTasks(deps, now - leastTaskDays(policy) * DAY_MS)) {
    if (deps.isStopping()) break;
    const candidate = await evaluate(deps, references, task, terms);
    if (typeof candidate === "string") {
      oldest ??= task.state.requestedAt;
      kept.set(candidate, (kept.get(candidate) ?? 0) + 1);
    } else await mover.add(candidate);
  }
  await mover.flush();
  oldest ??= await oldestRequest(deps);
  return { archived: mover.archived, kept, oldest, longestRemovalMs: mover.longestRemovalMs };
}

/** Writes tasks to the archive in batches, then removes them from the journal in smaller ones. */
class TaskMover {
  archived = 0;
  longestRemovalMs = 0;
  readonly #deps: RetentionDeps;
  readonly #waiting: Candidate[] = [];
  #events = 0;
  #removal = FIRST_REMOVAL;

  constructor(deps: RetentionDeps) {
    this.#deps = deps;
  }

  async add(candidate: Candidate): Promise<void> {
    this.#waiting.push(candidate);
    this.#events += candidate.events;
    if (this.#waiting.length >= BATCH.tasks || this.#events >= BATCH.events) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const { archive, clock, rest } = this.#deps;
    this.#events = 0;
    await archive.append(this.#waiting.map(({ record }) => record));
    while (this.#waiting.length > 0) {
      await rest();
      const began = clock.monotonicMs();
      this.archived += await remove(this.#deps, this.#waiting.splice(0, this.#removal));
      const tookMs = clock.monotonicMs() - began;
      this.longestRemovalMs = Math.max(this.longestRemovalMs, tookMs);
      this.#removal = nextBatch(this.#removal, tookMs);
    }
    await rest();
  }
}

/** Tasks that were requested before this time, oldest first. */
async function* oldTasks({ journal, rest }: RetentionDeps, before: number): AsyncGenerator<StoredTask> {
  let after: string | undefined;
  for (;;) {
    const page = await journal.find({ index: "tasks", limit: PAGE, ...(after === undefined ? {} : { after }) });
    for (const item of page.items) {
      const state = taskStream.stateOf(item);
      if (state.requestedAt > before) return;
      yield { state, version: item.version };
    }
    after = page.items.at(-1)?.key;
    if (page.cursor === undefined || after === undefined) return;
    await rest();
  }
}

async function oldestRequest({ journal }: RetentionDeps): Promise<number | undefined> {
  const { items } = await journal.find({ index: "tasks", limit: 1 });
  const [oldest] = items.map(taskStream.stateOf);
  return oldest?.requestedAt;
}

/** The task ready for the archive, or why it stays. */
async function evaluate(
  deps: RetentionDeps,
  references: TaskReferences,
  { state, version }: StoredTask,
  terms: { readonly policy: RetentionPolicy; readonly now: number; readonly readUpTo: number },
): Promise<Candidate | KeepReason> {
  const early = decideKeepByTask(state, terms);
  if (early) return early;
  const isNewest = await references.isNewest(state);
  const isReferenced = isNewest || (await references.isReferenced(state));
  const events = isReferenced ? [] : await eventsOf(deps, state.id, version);
  const lastSeq = events.at(-1)?.seq ?? 0;
  const keep = decideKeep(state, { ...terms, isNewest, isReferenced, lastSeq });
  if (keep) return keep;
  const record = archiveRecord(state, version, events);
  // It was changed in the meantime, has more than MAX_EVENTS events, or its id contains no day.
  if (!record || events.length !== version) return "changed";
  const keys = await deps.journal.find({ index: "keys", prefix: state.id, limit: 10 });
  const streams = keys.items.map((key) => ({ stream: key.stream, expected: key.version }));
  return {
    record,
    streams: [{ stream: taskStream.name(state.id), expected: version }, ...streams],
    events: events.length,
  };
}

async function eventsOf(
  { journal, rest }: RetentionDeps,
  id: string,
  version: number,
): Promise<readonly JournalEvent[]> {
  const all: JournalEvent[] = [];
  while (all.length < Math.min(version, MAX_EVENTS)) {
    const page = await journal.events(taskStream.name(id), all.length, EVENTS_PAGE);
    if (page.length === 0) break;
    all.push(...page);
    if (page.length === EVENTS_PAGE) await rest();
  }
  return all;
}

/** Returns how many tasks were removed. A task that was changed in the meantime stays; the others are removed without it. */
async function remove(deps: Pick<RetentionDeps, "journal" | "tasks">, leavers: readonly Candidate[]): Promise<number> {
  const result = await deps.journal.remove(leavers.flatMap(({ streams }) => streams));
  if (result.ok) {
    for (const { record } of leavers) deps.tasks.forget(record.id);
    return leavers.length;
  }
  let count = 0;
  if (leavers.length > 1) for (const one of leavers) count += await remove(deps, [one]);
  return count;
}

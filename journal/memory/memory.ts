// The journal in memory, for tests and the simulator. Faults can be injected.

import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import { type Clock, systemClock } from "@gantry/runtime/clock.ts";
import type {
  AppendResult,
  IndexPage,
  IndexQuery,
  Journal,
  JournalEvent,
  RemoveResult,
  StreamRemoval,
} from "../journal.ts";
import { openStore } from "../open-store.ts";
import { compareBytes, type IndexEntry, type PreparedAppend, readPosition, writeCursor } from "../validation.ts";
import { makeWaiters, readOrWait } from "../waiters.ts";

export type MemoryOptions = {
  readonly indexes: readonly string[];
  /** The store of an earlier journal, to simulate a restart. Default: a new, empty store. */
  readonly store?: MemoryStore;
  readonly clock?: Clock;
};

/** The contents, which outlive the journal that has them open. Opaque. */
export type MemoryStore = {
  readonly streams: Map<string, StoredStream>;
  /** Ascending by seq, with gaps where streams were removed. */
  events: StoredEvent[];
  lastSeq: number;
  lastMicros: number;
};

/**
 * `lost`: the next append rejects and has changed nothing. `unanswered`: it is committed, but rejects too.
 * The caller cannot tell them apart, as with a real store.
 */
export type AppendFault = "lost" | "unanswered";

export type MemoryJournal = Journal & {
  readonly failNextAppend: (fault: AppendFault) => void;
  /** Another journal has committed to the same store: feeds that wait read again. */
  readonly wake: () => void;
};

type StoredEvent = {
  readonly seq: number;
  readonly stream: string;
  readonly version: number;
  readonly atMicros: number;
  readonly text: string;
};
type StoredStream = {
  version: number;
  snapshot: string;
  entries: readonly IndexEntry[];
  readonly events: StoredEvent[];
};

export function newMemoryStore(): MemoryStore {
  return { streams: new Map(), events: [], lastSeq: 0, lastMicros: 0 };
}

export function openMemoryJournal(options: MemoryOptions): MemoryJournal {
  const store = options.store ?? newMemoryStore();
  const clock = options.clock ?? systemClock;
  const waiters = makeWaiters(clock);
  const faults: AppendFault[] = [];
  const journal = openStore(options.indexes, (isClosed) => ({
    append: (parts) => {
      const fault = faults.shift();
      if (fault === "lost") throw new Error("a fault of the journal: nothing was committed");
      const result = commit(store, parts, clock);
      if (fault === "unanswered") throw new Error("a fault of the journal: the answer was lost");
      if (result.ok) waiters.wake();
      return result;
    },
    remove: (batch) => removeStreams(store, batch),
    load: (stream) => {
      const found = store.streams.get(stream);
      return found && { version: found.version, snapshot: JSON.parse(found.snapshot) as JsonValue };
    },
    events: (stream, afterVersion, limit) =>
      (store.streams.get(stream)?.events ?? []).slice(afterVersion, afterVersion + limit).map(toEvent),
    find: (query) => findPage(store, query),
    feed: (query) => {
      const read = () => eventsAfter(store, query.after, query.limit).map(toEvent);
      return readOrWait({ read, waiters, clock, isClosed }, query);
    },
    now: () => tick(store, clock),
    check: () => {},
    close: waiters.wake,
  }));
  return { ...journal, wake: waiters.wake, failNextAppend: (fault) => void faults.push(fault) };
}

function commit(store: MemoryStore, parts: readonly PreparedAppend[], clock: Clock): AppendResult {
  for (const part of parts) {
    const version = store.streams.get(part.stream)?.version ?? 0;
    if (version !== part.expected) return { ok: false, conflict: part.stream, version };
  }
  const atMicros = tick(store, clock);
  for (const part of parts) {
    const stream = store.streams.get(part.stream) ?? { version: 0, snapshot: "", entries: [], events: [] };
    store.streams.set(part.stream, stream);
    for (const text of part.events) {
      stream.version += 1;
      store.lastSeq += 1;
      const event = { seq: store.lastSeq, stream: part.stream, version: stream.version, atMicros, text };
      stream.events.push(event);
      store.events.push(event);
    }
    stream.snapshot = part.snapshot;
    stream.entries = part.entries ?? stream.entries;
  }
  return { ok: true, seq: store.lastSeq };
}

function removeStreams(store: MemoryStore, batch: readonly StreamRemoval[]): RemoveResult {
  for (const { stream, expected } of batch) {
    const version = store.streams.get(stream)?.version ?? expected;
    if (version !== expected) return { ok: false, conflict: stream, version };
  }
  const found = batch.filter(({ stream }) => store.streams.delete(stream));
  const gone = new Set(found.map(({ stream }) => stream));
  if (gone.size > 0) store.events = store.events.filter(({ stream }) => !gone.has(stream));
  return { ok: true, removed: gone.size };
}

/** Binary search: most readers ask for the newest events. */
function eventsAfter({ events }: MemoryStore, after: number, limit: number): readonly StoredEvent[] {
  let [from, to] = [0, events.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((events[middle]?.seq ?? 0) > after) to = middle;
    else from = middle + 1;
  }
  return events.slice(from, from + limit);
}

function findPage(store: MemoryStore, query: IndexQuery): IndexPage {
  const from = readPosition(query);
  const sign = query.order === "descending" ? -1 : 1;
  const compare = (a: { key: string; stream: string }, b: { key: string; stream: string }): number =>
    sign * (compareBytes(a.key, b.key) || compareBytes(a.stream, b.stream));
  const all = [...store.streams].flatMap(([stream, stored]) =>
    stored.entries
      .filter((entry) => entry.index === query.index && entry.key.startsWith(query.prefix ?? ""))
      .map((entry) => ({ key: entry.key, stream, stored })),
  );
  const rest = all.filter((one) => from === undefined || compare(one, from) > 0).sort(compare);
  const page = rest.slice(0, query.limit);
  const last = page.at(-1);
  return {
    items: page.map(({ key, stream, stored }) => ({
      key,
      stream,
      version: stored.version,
      snapshot: JSON.parse(stored.snapshot) as JsonValue,
    })),
    ...(last !== undefined && rest.length > page.length ? { cursor: writeCursor(last) } : {}),
  };
}

function toEvent({ text, ...rest }: StoredEvent): JournalEvent {
  return { ...rest, event: JSON.parse(text) as JsonObject };
}

function tick(store: MemoryStore, clock: Clock): number {
  store.lastMicros = Math.max(store.lastMicros + 1, Math.floor(clock.nowMs() * 1_000));
  return store.lastMicros;
}

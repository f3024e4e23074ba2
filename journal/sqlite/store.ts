// The SQL of the journal: prepared once, synchronous, one connection. Queues and waiting are in sqlite.ts.

import type { DatabaseSync } from "node:sqlite";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type {
  AppendResult,
  IndexPage,
  IndexQuery,
  JournalEvent,
  Loaded,
  RemoveResult,
  StreamRemoval,
} from "../journal.ts";
import { type IndexEntry, type PreparedAppend, readPosition, writeCursor } from "../validation.ts";
import { makeStoreClock } from "./store-clock.ts";

export type SqliteStore = {
  /**
   * Commits all batches in one transaction; a conflict affects only its own batch. Throws when the store fails. Without
   * `needsSync` a power cut may undo it until the next commit that has it.
   */
  readonly commit: (batches: readonly (readonly PreparedAppend[])[], needsSync: boolean) => readonly AppendResult[];
  /** In a transaction of its own. Throws when the store fails. */
  readonly remove: (batch: readonly StreamRemoval[]) => RemoveResult;
  readonly load: (stream: string) => Loaded | undefined;
  readonly events: (stream: string, afterVersion: number, limit: number) => readonly JournalEvent[];
  readonly feed: (after: number, limit: number) => readonly JournalEvent[];
  readonly find: (query: IndexQuery) => IndexPage;
  readonly now: () => number;
  /** Throws when the file cannot be written. */
  readonly check: () => void;
  readonly close: () => void;
};

type StreamRow = { id: number; version: number; snapshot: string };
/** `entries`: its index entries, once they were written or read. */
type Head = { readonly id: number; readonly version: number; readonly entries?: readonly IndexEntry[] | undefined };
type EventRow = { seq: number; stream: string; version: number; atMicros: number; event: string };
type EntryRow = { key: string; stream: string; version: number; snapshot: string };

/** Streams whose version is kept in memory. */
const MAX_HEADS = 20_000;

export function makeStore(db: DatabaseSync, clock: Clock): SqliteStore {
  const sql = prepare(db);
  const time = makeStoreClock(sql.readClock, sql.writeClock, clock);
  const readLastSeq = (): number => Number(sql.lastSeq.get()?.seq);
  const cache: Cache = { heads: new Map(), lastSeq: readLastSeq() };
  time.reserve();

  const commit: SqliteStore["commit"] = (batches, needsSync) => {
    // A horizon of time must be durable before it is used.
    if (needsSync || time.isNearHorizon()) return commitNow(batches);
    db.exec("PRAGMA synchronous = NORMAL");
    try {
      return commitNow(batches);
    } finally {
      db.exec("PRAGMA synchronous = FULL");
    }
  };
  const commitNow = (batches: readonly (readonly PreparedAppend[])[]): readonly AppendResult[] => {
    sql.begin.run();
    try {
      const atMicros = time.tick();
      const results = batches.map((parts) => apply(sql, cache, parts, atMicros));
      time.reserveAhead();
      sql.commit.run();
      return results;
    } catch (error) {
      cache.heads.clear();
      if (db.isTransaction) sql.rollback.run();
      cache.lastSeq = readLastSeq();
      time.reread();
      throw error;
    }
  };

  return {
    commit,
    remove: (batch) => {
      cache.heads.clear();
      sql.begin.run();
      try {
        const result = removeStreams(sql, batch, cache.lastSeq);
        (result.ok ? sql.commit : sql.rollback).run();
        return result;
      } catch (error) {
        if (db.isTransaction) sql.rollback.run();
        throw error;
      }
    },

    load: (stream) => {
      const row = sql.stream.get(stream) as StreamRow | undefined;
      return row && { version: row.version, snapshot: JSON.parse(row.snapshot) as JsonValue };
    },
    events: (stream, afterVersion, limit) => (sql.events.all(stream, afterVersion, limit) as EventRow[]).map(toEvent),
    feed: (after, limit) => (sql.feed.all(after, limit) as EventRow[]).map(toEvent),
    find: (query) => find(sql, query),
    now: time.now,
    check: time.reserve,
    close: time.close,
  };
}

/** What was written last. No other process writes to the file (it is locked), so it need not be read again. */
type Cache = { readonly heads: Map<string, Head>; lastSeq: number };

/** Inside a transaction. A conflict is found before anything of the batch is written. */
function apply(sql: Statements, cache: Cache, parts: readonly PreparedAppend[], atMicros: number): AppendResult {
  const { heads } = cache;
  const rows: (Head | undefined)[] = [];
  for (const part of parts) {
    const row = heads.get(part.stream) ?? (sql.head.get(part.stream) as Head | undefined);
    const version = row?.version ?? 0;
    if (version !== part.expected) return { ok: false, conflict: part.stream, version };
    rows.push(row);
  }
  for (const [at, part] of parts.entries()) {
    const version = part.expected + part.events.length;
    const known = rows[at];
    const id = known?.id ?? Number(sql.insertStream.run(part.stream, version, part.snapshot).lastInsertRowid);
    if (known) sql.updateStream.run(version, part.snapshot, id);
    for (const [n, event] of part.events.entries()) {
      cache.lastSeq += 1;
      sql.insertEvent.run(cache.lastSeq, id, part.expected + n + 1, atMicros, event);
    }
    if (part.entries) replaceEntries(sql, part.stream, known ? known.entries : [], part.entries);
    if (heads.size >= MAX_HEADS) heads.clear();
    heads.set(part.stream, { id, version, entries: part.entries ?? known?.entries });
  }
  return { ok: true, seq: cache.lastSeq };
}

type Statements = ReturnType<typeof prepare>;

function prepare(db: DatabaseSync) {
  const event = `SELECT e.seq, s.name AS stream, e.version, e.at_micros AS atMicros, e.event
    FROM events e JOIN streams s ON s.id = e.stream`;
  const entry = `SELECT i.key, i.stream, s.version, s.snapshot FROM entries i JOIN streams s ON s.name = i.stream
    WHERE i.name = ? AND i.key >= ? AND i.key < ?`;
  return {
    begin: db.prepare("BEGIN IMMEDIATE"),
    commit: db.prepare("COMMIT"),
    rollback: db.prepare("ROLLBACK"),
    readClock: db.prepare("SELECT horizon_micros AS horizon FROM clock"),
    writeClock: db.prepare("UPDATE clock SET horizon_micros = ?"),
    lastSeq: db.prepare(`SELECT MAX(seq) AS seq FROM
      (SELECT MAX(seq) AS seq FROM events UNION ALL SELECT seq_floor FROM clock)`),
    head: db.prepare("SELECT id, version FROM streams WHERE name = ?"),
    stream: db.prepare("SELECT id, version, snapshot FROM streams WHERE name = ?"),
    insertStream: db.prepare("INSERT INTO streams (name, version, snapshot) VALUES (?, ?, ?)"),
    updateStream: db.prepare("UPDATE streams SET version = ?, snapshot = ? WHERE id = ?"),
    insertEvent: db.prepare("INSERT INTO events (seq, stream, version, at_micros, event) VALUES (?, ?, ?, ?, ?)"),
    events: db.prepare(`${event} WHERE s.name = ? AND e.version > ? ORDER BY e.version LIMIT ?`),
    feed: db.prepare(`${event} WHERE e.seq > ? ORDER BY e.seq LIMIT ?`),
    entriesOf: db.prepare('SELECT name AS "index", key FROM entries WHERE stream = ?'),
    insertEntry: db.prepare("INSERT INTO entries (name, key, stream) VALUES (?, ?, ?)"),
    deleteEvents: db.prepare("DELETE FROM events WHERE stream = ?"),
    deleteEntries: db.prepare("DELETE FROM entries WHERE stream = ?"),
    deleteStream: db.prepare("DELETE FROM streams WHERE id = ?"),
    raiseSeqFloor: db.prepare("UPDATE clock SET seq_floor = ?"),
    deleteEntry: db.prepare("DELETE FROM entries WHERE name = ? AND key = ? AND stream = ?"),
    findUp: db.prepare(`${entry} AND (i.key, i.stream) > (?, ?) ORDER BY i.key, i.stream LIMIT ?`),
    findDown: db.prepare(`${entry} ORDER BY i.key DESC, i.stream DESC LIMIT ?`),
    findDownFrom: db.prepare(`${entry} AND (i.key, i.stream) < (?, ?) ORDER BY i.key DESC, i.stream DESC LIMIT ?`),
  };
}

/** Inside a transaction; after a conflict it must be rolled back. */
function removeStreams(sql: Statements, batch: readonly StreamRemoval[], lastSeq: number): RemoveResult {
  let removed = 0;
  for (const { stream, expected } of batch) {
    const row = sql.stream.get(stream) as StreamRow | undefined;
    if (!row) continue;
    if (row.version !== expected) return { ok: false, conflict: stream, version: row.version };
    sql.deleteEvents.run(row.id);
    sql.deleteEntries.run(stream);
    sql.deleteStream.run(row.id);
    removed += 1;
  }
  // The newest event may be among them: a restart must not begin below it.
  if (removed > 0) sql.raiseSeqFloor.run(lastSeq);
  return { ok: true, removed };
}

/** Writes only what differs: most appends leave most entries as they are. `known`: the entries so far, where they are known. */
function replaceEntries(
  sql: Statements,
  stream: string,
  known: readonly IndexEntry[] | undefined,
  wanted: readonly IndexEntry[],
): void {
  const old = known ?? (sql.entriesOf.all(stream) as IndexEntry[]);
  const isIn = (entries: readonly IndexEntry[], { index, key }: IndexEntry): boolean =>
    entries.some((one) => one.index === index && one.key === key);
  for (const entry of old) if (!isIn(wanted, entry)) sql.deleteEntry.run(entry.index, entry.key, stream);
  for (const entry of wanted) if (!isIn(old, entry)) sql.insertEntry.run(entry.index, entry.key, stream);
}

function find(sql: Statements, query: IndexQuery): IndexPage {
  const from = readPosition(query);
  const prefix = query.prefix ?? "";
  const range = [query.index, prefix, afterPrefix(prefix)] as const;
  const limit = query.limit + 1;
  const rows = (
    query.order !== "descending"
      ? sql.findUp.all(...range, from?.key ?? "", from?.stream ?? "", limit)
      : from
        ? sql.findDownFrom.all(...range, from.key, from.stream, limit)
        : sql.findDown.all(...range, limit)
  ) as EntryRow[];
  const page = rows.slice(0, query.limit);
  const last = page.at(-1);
  return {
    items: page.map((row) => ({ ...row, snapshot: JSON.parse(row.snapshot) as JsonValue })),
    ...(last !== undefined && rows.length > page.length ? { cursor: writeCursor(last) } : {}),
  };
}

/**
 * The smallest value that is larger than every key with this prefix. UTF-8 sorts as code points do, so the last code
 * point that can grow grows. Without one, a BLOB: SQLite sorts it after every text.
 */
function afterPrefix(prefix: string): string | Uint8Array {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  while (points.length > 0) {
    const last = points.pop() ?? 0;
    if (last === 0x10ffff) continue;
    points.push(last === 0xd7ff ? 0xe000 : last + 1);
    return String.fromCodePoint(...points);
  }
  return new Uint8Array();
}

function toEvent({ event, ...rest }: EventRow): JournalEvent {
  return { ...rest, event: JSON.parse(event) as JsonObject };
}

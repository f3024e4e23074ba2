// The journal: the durable memory of a process. One port, three adapters (memory, sqlite, redis), one suite of tests for all.

import type { JsonObject, JsonValue } from "@gantry/core/json.ts";

/**
 * Lifecycle: open an adapter, use it from anywhere in the process, `close` it once. After `close` every call rejects.
 *
 * Streams hold events, numbered 1, 2, 3 … without gaps: the stream's version is the number of its last event. Each stream
 * also has one snapshot (the state folded from its events, written by the caller of `append`) and its index entries. `seq`
 * numbers the events of all streams in commit order. It only grows: a reader of `feed` that saw `seq` n is never shown an
 * event with a smaller one later.
 *
 * All values are JSON. Arguments and answers are copies: changing them later changes nothing in the journal.
 */
export type Journal = {
  /**
   * Commits a batch: all of it or nothing. Durable when the promise resolves: it survives a crash of the process and,
   * for sqlite and redis, a power cut. Many appends may run at once; those that arrive together may share one fsync. A
   * conflict is an ordinary answer and has changed nothing: reload and decide again.
   * Rejects only when the store itself fails. Then it is unknown whether the batch was committed, and the caller must load.
   */
  append(batch: readonly StreamAppend[], options?: AppendOptions): Promise<AppendResult>;

  /**
   * Removes whole streams with their events, snapshots and index entries: all of the batch or nothing, as durable as an
   * append. If a stream has a version other than `expected`, the answer is a conflict and nothing has changed. A missing
   * stream is skipped, so a removal may be repeated, and several processes may make it at once.
   *
   * Afterwards the streams have never existed: `feed` omits their events, page cursors stay valid, the names can be used
   * again from version 0, and an append decided on an old version is a conflict. No seq and no time is given twice.
   *
   * The caller has two duties. An append without events does not change the version, so it cannot cause a conflict: a
   * stream that still gets such appends must not be removed. And a stream must have been unchanged for a day: a process
   * that was disconnected restores its own writes when they are missing (redis, see redis/maintenance.ts).
   *
   * The store does nothing else meanwhile (a few microseconds per event), so keep batches small. Rejects as `append` does.
   */
  remove(batch: readonly StreamRemoval[]): Promise<RemoveResult>;

  /** The stream's version and snapshot as last committed; undefined when there is no such stream. */
  load(stream: string): Promise<Loaded | undefined>;

  /** Events of one stream after a version, oldest first, at most `limit`. Empty when there are none (yet). */
  events(stream: string, afterVersion: number, limit: number): Promise<readonly JournalEvent[]>;

  /**
   * Streams by an index, in the byte order of their keys. Only indexes that were declared when the journal was opened;
   * another name is a bug and throws. There are more pages as long as the answer has a `cursor`.
   */
  find(query: IndexQuery): Promise<IndexPage>;

  /**
   * Events of all streams after `seq`, oldest first, at most `limit`. When there are none it waits until one is committed,
   * `waitMs` has passed or the signal aborts, and then answers what there is, which may be nothing.
   * `others`: omit events that this process committed itself, as far as it knows them. Only one such call at a time.
   */
  feed(query: FeedQuery): Promise<readonly JournalEvent[]>;

  /**
   * The store's time in microseconds since 1970. Never smaller than an earlier answer, even after a restart.
   * `recent`: answer without asking the store if possible. Such a time is never before a change that this process has
   * seen, and never ahead of the store's. Two processes may get the same one, so do not use it as a name.
   */
  now(options?: { readonly recent: boolean }): Promise<number>;

  /** Resolves when the store is usable, else rejects with the reason. For readiness. */
  check(): Promise<void>;

  close(): Promise<void>;
};

/**
 * `survives: "crash"`: a power cut may undo the append until a later one is durable, which makes both durable. It saves the
 * fsync of a sqlite store; the others ignore it. Default: "power-cut".
 */
export type AppendOptions = { readonly survives?: "crash" | "power-cut" };

export type FeedQuery = {
  readonly after: number;
  readonly limit: number;
  readonly others?: boolean;
  /** Default 0: does not wait. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
};

export type StreamAppend = {
  /** `kind/id`, e.g. `task/t01…`. Letters, digits and `-_./:@[]=`; at most 300 characters. */
  readonly stream: string;
  /** The version the caller decided on; 0 means that the stream has no events yet. A stream occurs once per batch. */
  readonly expected: number;
  /** May be empty: then only snapshot and index change, and the version stays. */
  readonly events: readonly JsonObject[];
  readonly snapshot: JsonValue;
  /** Replaces all index entries of the stream; if absent, they stay. Index name → keys of at most 1,000 characters. */
  readonly index?: { readonly [index: string]: readonly string[] };
};

export type AppendResult =
  /** `seq` of the last event of the batch (or the journal's last, when the batch had no events). */
  | { readonly ok: true; readonly seq: number }
  | { readonly ok: false; readonly conflict: string; readonly version: number };

/** A stream occurs once per batch. */
export type StreamRemoval = { readonly stream: string; readonly expected: number };

export type RemoveResult =
  /** `removed`: how many of the streams existed. */
  | { readonly ok: true; readonly removed: number }
  | { readonly ok: false; readonly conflict: string; readonly version: number };

export type Loaded = { readonly version: number; readonly snapshot: JsonValue };

export type JournalEvent = {
  readonly seq: number;
  readonly stream: string;
  readonly version: number;
  /** Store time of the commit, microseconds. */
  readonly atMicros: number;
  readonly event: JsonObject;
};

export type IndexQuery = {
  readonly index: string;
  /** Only keys that begin with this. */
  readonly prefix?: string;
  readonly limit: number;
  /** With `descending`, keys that begin with a time come newest first. */
  readonly order?: "ascending" | "descending";
  /** Only keys after this one, in the order of the query. Not together with `cursor`. */
  readonly after?: string;
  readonly cursor?: string;
};
export type IndexPage = {
  readonly items: readonly {
    readonly key: string;
    readonly stream: string;
    readonly version: number;
    readonly snapshot: JsonValue;
  }[];
  readonly cursor?: string;
};

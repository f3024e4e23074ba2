// The journal: what a process remembers. One port; memory, sqlite and redis behind it; one suite for all.

import type { JsonObject, JsonValue } from "@gantry/core/json.ts";

/**
 * Lifecycle: `open…` an adapter, use it from anywhere in the process, `close` it once. After `close` every call rejects.
 *
 * Streams hold events, numbered 1, 2, 3 … without gap: the stream's version is the number of its last event. Beside
 * them each stream keeps one snapshot (the state folded from its events, written by whoever appends) and its index
 * entries. `seq` numbers the events of all streams in commit order; it grows, and a reader of `feed` that saw `seq` n
 * will never later be shown an event with a smaller one.
 *
 * All values are JSON. Nothing that is handed in or out is shared: changing it later changes nothing in the journal.
 */
export type Journal = {
  /**
   * Commits a batch: all of it or nothing. Durable when the promise resolves: it survives a crash of the process and,
   * for sqlite and redis, a power cut. Many appends may run at once; those that arrive together may share one fsync. A
   * conflict is an ordinary answer and has changed nothing: reload and decide again.
   * Rejects only when the store itself fails; then nobody knows whether it was committed, and the caller must load.
   */
  append(batch: readonly StreamAppend[]): Promise<AppendResult>;

  /**
   * Takes whole streams out, with their events, snapshots and index entries: all of the batch or nothing, as durable as
   * an append. A stream with another version than `expected` makes the answer a conflict, and nothing has changed. One
   * that is not there is passed over, so a removal may be repeated, and made by several at once.
   *
   * Afterwards it is as if the streams had never been: `feed` leaves their events out, cursors of pages stay good, the
   * names are free again from version 0, and who decided on a version of one meets a conflict. But no seq and no time is
   * given a second time.
   *
   * Two duties of the caller. An append without events does not grow the version and so cannot be met as a conflict: what
   * is still changed in that way must not be removed. And nobody may have changed a stream for a day: a process that was
   * away puts back what it wrote itself and does not find (redis, see redis/maintain.ts).
   *
   * The store does nothing else meanwhile (some microseconds per event), so batches are to be small. Rejects as append.
   */
  remove(batch: readonly StreamRemoval[]): Promise<RemoveResult>;

  /** The stream's version and snapshot as last committed; undefined when it was never appended to. */
  load(stream: string): Promise<Loaded | undefined>;

  /** Events of one stream after a version, oldest first, at most `limit`. Empty when there are none (yet). */
  events(stream: string, afterVersion: number, limit: number): Promise<readonly JournalEvent[]>;

  /**
   * Streams by an index, in the order of their keys (byte order). Only indexes that were declared when the journal was
   * opened; another name is a bug and throws. A page may be empty and still the last one: `cursor` tells.
   */
  find(query: IndexQuery): Promise<IndexPage>;

  /**
   * Events of all streams after `seq`, oldest first, at most `limit`. Where there are none it waits until one is
   * committed or `waitMs` has passed or the signal aborts, and then answers what there is, perhaps nothing.
   * `others`: who wants to know only what other processes have committed may be spared what this one was told that it
   * has committed itself; one at a time may ask so.
   */
  feed(query: {
    after: number;
    limit: number;
    others?: boolean;
    waitMs?: number;
    signal?: AbortSignal;
  }): Promise<readonly JournalEvent[]>;

  /**
   * The store's time in microseconds since 1970; never smaller than an answer it gave before, also after a restart.
   * `recent`: the store need not be asked. Such a time is never before a change that this process has seen, and never
   * ahead of the store's; but two processes may be given the same one, so that nothing may be named by it.
   */
  now(how?: { readonly recent: boolean }): Promise<number>;

  /** Is the store usable? Rejects with the reason when it is not. For readiness. */
  check(): Promise<void>;

  close(): Promise<void>;
};

export type StreamAppend = {
  /** `kind/id`, e.g. `task/t01…`. Letters, digits and `-_./:@[]=`; at most 300 characters. */
  readonly stream: string;
  /** The version the caller decided on; 0 means that the stream has no events yet. A batch has a stream only once. */
  readonly expected: number;
  /** May be empty: then only snapshot and index change and the version stays. */
  readonly events: readonly JsonObject[];
  readonly snapshot: JsonValue;
  /** Replaces all index entries of the stream; absent, they stay. Index name → keys of at most 1,000 characters. */
  readonly index?: { readonly [index: string]: readonly string[] };
};

export type AppendResult =
  /** `seq` of the last event of the batch (or the journal's last, when the batch had no events). */
  | { readonly ok: true; readonly seq: number }
  | { readonly ok: false; readonly conflict: string; readonly version: number };

/** A batch has a stream only once. */
export type StreamRemoval = { readonly stream: string; readonly expected: number };

export type RemoveResult =
  /** How many streams were there. */
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
  /** Only keys that begin so. */
  readonly prefix?: string;
  readonly limit: number;
  /** `descending` gives the newest first where keys begin with a time. */
  readonly order?: "ascending" | "descending";
  /** Only keys beyond this one, in the order of the query: for whoever remembers a key. Not together with `cursor`. */
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

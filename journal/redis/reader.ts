// Reads. Every read also checks that the store is still the one that this connection took over: an emptied store must not
// look like one that never held anything.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import type { FeedQuery, IndexPage, IndexQuery, JournalEvent, Loaded } from "../journal.ts";
import { readPosition, writeCursor } from "../validation.ts";
import { batchLoader } from "./batch-loader.ts";
import { textOf, unavailable } from "./client.ts";
import { type Connection, shaOf } from "./connection.ts";
import type { Connections } from "./connections.ts";
import type { HighWaterMarks } from "./high-water-marks.ts";
import type { Keys } from "./keys.ts";
import type { OwnRanges } from "./own-ranges.ts";

export type Reader = {
  readonly load: (stream: string) => Promise<Loaded | undefined>;
  readonly events: (stream: string, afterVersion: number, limit: number) => Promise<readonly JournalEvent[]>;
  readonly find: (query: IndexQuery) => Promise<IndexPage>;
  /** Only acknowledged events: what a reader was shown must not vanish in a failover. Does not wait. */
  readonly feed: (query: FeedQuery) => Promise<readonly JournalEvent[]>;
};

export type ReaderDeps = {
  readonly connections: Connections;
  readonly keys: Keys;
  readonly marks: HighWaterMarks;
  readonly ownRanges: OwnRanges;
};

type Entry = readonly [id: string, fields: readonly string[]];

const NUL = Buffer.from([0]);
/** Sorts after every byte of UTF-8. */
const END = Buffer.from([0xff]);

export function openReader(deps: ReaderDeps): Reader {
  const { keys, marks } = deps;
  return {
    load: batchLoader(async (streams) => {
      const [micros, ...found] = await ask(deps, async ({ read, run }) =>
        rowsOf((await read.evalsha(shaOf("load"), 1, keys.meta, run, keys.prefix, ...streams)) as unknown[]),
      );
      marks.sawTime(Number(micros));
      return streams.map((_, at) => {
        const [version = "", snapshot = ""] = found.slice(at * 2, at * 2 + 2).map(String);
        if (version === "") return undefined;
        return { version: Number(version), snapshot: JSON.parse(snapshot) as JsonValue };
      });
    }),

    events: async (stream, afterVersion, limit) => {
      if (limit === 0) return [];
      const found = await ask(deps, async ({ read, run }) => {
        const args = [keys.meta, keys.events(stream), keys.feed, run, afterVersion, limit];
        return rowsOf((await read.evalsha(shaOf("events"), 3, ...args)) as unknown[]);
      });
      return (found as Entry[]).map(toEvent);
    },

    find: async (query) => {
      const { first, last } = range(query, readPosition(query));
      const order = query.order ?? "ascending";
      const found = await ask(deps, async ({ read, run }) => {
        const args = [keys.meta, keys.index(query.index), run, keys.prefix, first, last, order, query.limit + 1];
        return rowsOf((await read.evalsha(shaOf("find"), 2, ...args)) as unknown[]);
      });
      const rows = toRows(found as string[]);
      const page = rows.slice(0, query.limit);
      const end = page.at(-1);
      return { items: page, ...(end && rows.length > page.length ? { cursor: writeCursor(end) } : {}) };
    },

    feed: async ({ after, limit, others = false }) => {
      if (limit === 0) return [];
      return others ? feedOfOthers(deps, after, limit) : (await confirmed(deps, after, limit)).map(toEvent);
    },
  };
}

/** A read changes nothing, so one that met a broken connection is asked once more. */
async function ask<T>({ connections }: ReaderDeps, question: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await connections.ready();
  try {
    return await question(connection);
  } catch (error) {
    if (error instanceof GantryError) throw error;
    connections.drop(connection, textOf(error));
    return question(await connections.ready()).catch((again: unknown) => {
      throw again instanceof GantryError ? again : unavailable(textOf(again), again);
    });
  }
}

/** Entries of the feed after a seq, as far as they are acknowledged. */
async function confirmed(deps: ReaderDeps, after: number, limit: number): Promise<readonly Entry[]> {
  const { keys, marks } = deps;
  const entries = await ask(deps, async (connection) => {
    const replies = await connection.read
      .pipeline()
      .hmget(keys.meta, "run", "acked")
      .xrange(keys.feed, `(${after}-0`, "+", "COUNT", limit)
      .exec();
    const [meta, found] = answersOf(replies);
    const [run, acked] = meta as (string | null)[];
    checkRun(connection, run);
    marks.sawAcked(Number(acked ?? 0));
    return found as Entry[];
  });
  const shown = entries.filter(([id]) => seqOf(id) <= marks.acked);
  marks.sawSeq(seqOf(shown.at(-1)?.[0] ?? "0-0"));
  marks.sawTime(Math.max(0, ...shown.map(timeOf)));
  return shown;
}

/** Leaves out events that this process committed itself, where possible without reading them. */
async function feedOfOthers(deps: ReaderDeps, after: number, limit: number): Promise<readonly JournalEvent[]> {
  const { marks, ownRanges } = deps;
  ownRanges.forget(after);
  for (let from = after; ; ) {
    from = ownRanges.lastAfter(from);
    if (from > after && from >= marks.acked) return [];
    const shown = await confirmed(deps, from, limit);
    const wanted = shown.filter(([id]) => !ownRanges.has(seqOf(id)));
    if (wanted.length > 0 || shown.length === 0) return wanted.map(toEvent);
    // Only our own: this range, with the gaps in it, need not be read again.
    const last = seqOf(shown.at(-1)?.[0] ?? "0-0");
    ownRanges.add(from + 1, last);
    if (shown.length < limit) return [];
    from = last;
  }
}

const MOVED = "The store was taken over or emptied.";

function checkRun(connection: Connection, run: unknown): void {
  if (run !== connection.run) throw new Error(MOVED);
}

function rowsOf([word, ...rows]: readonly unknown[]): readonly unknown[] {
  if (word !== "ok") throw new Error(MOVED);
  return rows;
}

/** The answers of a pipeline; throws the first error among them. */
function answersOf(replies: readonly (readonly [Error | null, unknown])[] | null): readonly unknown[] {
  return (replies ?? []).map(([error, answer]) => {
    if (error) throw error;
    return answer;
  });
}

/** The first and last index members of a query; `(` excludes the member itself. */
function range(
  query: IndexQuery,
  from: { readonly key: string; readonly stream: string } | undefined,
): { readonly first: Buffer; readonly last: Buffer } {
  const prefix = Buffer.from(query.prefix ?? "");
  const low = { member: prefix, open: "[" };
  const high = { member: Buffer.concat([prefix, END]), open: "(" };
  if (from) {
    const at = { member: Buffer.concat([Buffer.from(from.key), NUL, Buffer.from(from.stream)]), open: "(" };
    if (query.order === "descending") {
      if (Buffer.compare(at.member, high.member) < 0) Object.assign(high, at);
    } else if (Buffer.compare(at.member, low.member) >= 0) Object.assign(low, at);
  }
  const bound = ({ member, open }: { member: Buffer; open: string }): Buffer =>
    Buffer.concat([Buffer.from(open), member]);
  return { first: bound(low), last: bound(high) };
}

function toRows(found: readonly string[]): IndexPage["items"] {
  const rows: IndexPage["items"][number][] = [];
  for (let at = 0; at + 3 < found.length; at += 4) {
    const [key = "", stream = "", version, snapshot = "null"] = found.slice(at, at + 4);
    rows.push({ key, stream, version: Number(version), snapshot: JSON.parse(snapshot) as JsonValue });
  }
  return rows;
}

function seqOf(id: string): number {
  return Number(id.slice(0, id.indexOf("-")));
}

function timeOf([, fields]: Entry): number {
  return Number(fields[5]);
}

function toEvent([id, fields]: Entry): JournalEvent {
  const [, stream = "", , version, , atMicros, , text = "{}"] = fields;
  return {
    seq: seqOf(id),
    stream,
    version: Number(version),
    atMicros: Number(atMicros),
    event: JSON.parse(text) as JsonObject,
  };
}

// Reads. They repeat nothing that could change something, so one that met a broken connection is simply asked again. Every
// read also asks whether the store is still the one that this link took over: an emptied store must not pass for one in
// which there never was anything.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import type { IndexPage, IndexQuery, JournalEvent, Loaded } from "../journal.ts";
import { readPosition, writeCursor } from "../validation.ts";
import { batchLoader } from "./batch-loader.ts";
import { textOf, unavailable } from "./client.ts";
import { type Connection, type Connections, shaOf } from "./connections.ts";
import type { HighWaterMarks } from "./high-water-marks.ts";
import type { Keys } from "./keys.ts";
import type { OwnRanges } from "./own-ranges.ts";

export type Reader = {
  readonly load: (stream: string) => Promise<Loaded | undefined>;
  readonly events: (stream: string, afterVersion: number, limit: number) => Promise<readonly JournalEvent[]>;
  readonly find: (query: IndexQuery) => Promise<IndexPage>;
  /** Only what is acknowledged: what a reader was shown must not vanish in a failover. */
  readonly feed: (query: FeedQuery) => Promise<readonly JournalEvent[]>;
};

export type FeedQuery = { readonly after: number; readonly limit: number; readonly others?: boolean };

export type ReaderDeps = {
  readonly links: Connections;
  readonly keys: Keys;
  readonly known: HighWaterMarks;
  readonly own: OwnRanges;
};

type Entry = readonly [id: string, fields: readonly string[]];

const NUL = Buffer.from([0]);
/** Larger than every byte of UTF-8. */
const END = Buffer.from([0xff]);

export function openReader({ links, keys, known, own }: ReaderDeps): Reader {
  const ask = async <T>(question: (link: Connection) => Promise<T>): Promise<T> => {
    const link = await links.ready();
    try {
      return await question(link);
    } catch (error) {
      if (error instanceof GantryError) throw error;
      links.drop(link, textOf(error));
      return question(await links.ready()).catch((again: unknown) => {
        throw again instanceof GantryError ? again : unavailable(textOf(again), again);
      });
    }
  };

  const confirmed = async (after: number, limit: number): Promise<readonly Entry[]> => {
    const entries = await ask(async (link) => {
      const replies = await link.read
        .pipeline()
        .hmget(keys.meta, "run", "acked")
        .xrange(keys.feed, `(${after}-0`, "+", "COUNT", limit)
        .exec();
      const [meta, found] = answersOf(replies);
      const [run, acked] = meta as (string | null)[];
      checkRun(link, run);
      known.sawAcked(Number(acked ?? 0));
      return found as Entry[];
    });
    return entries.filter(([id]) => seqOf(id) <= known.acked);
  };

  return {
    load: batchLoader(async (streams) => {
      const [micros, ...found] = await ask(async (link) =>
        rowsOf((await link.read.evalsha(shaOf("load"), 1, keys.meta, link.run, keys.prefix, ...streams)) as unknown[]),
      );
      known.sawTime(Number(micros));
      return streams.map((_, at) => {
        const [version = "", snapshot = ""] = found.slice(at * 2, at * 2 + 2).map(String);
        if (version === "") return undefined;
        return { version: Number(version), snapshot: JSON.parse(snapshot) as JsonValue };
      });
    }),

    events: async (stream, afterVersion, limit) => {
      if (limit === 0) return [];
      const found = await ask(async (link) => {
        const args = [keys.meta, keys.events(stream), keys.feed, link.run, afterVersion, limit];
        return rowsOf((await link.read.evalsha(shaOf("events"), 3, ...args)) as unknown[]);
      });
      return (found as Entry[]).map(toEvent);
    },

    find: async (query) => {
      const from = readPosition(query);
      const { first, last } = range(query, from);
      const order = query.order ?? "ascending";
      const found = await ask(async (link) => {
        const args = [keys.meta, keys.index(query.index), link.run, keys.prefix, first, last, order, query.limit + 1];
        return rowsOf((await link.read.evalsha(shaOf("find"), 2, ...args)) as unknown[]);
      });
      const rows = toRows(found as string[]);
      const page = rows.slice(0, query.limit);
      const end = page.at(-1);
      return { items: page, ...(end && rows.length > page.length ? { cursor: writeCursor(end) } : {}) };
    },

    feed: async ({ after, limit, others = false }) => {
      if (limit === 0) return [];
      if (others) own.forget(after);
      for (let from = after; ; ) {
        if (others) from = own.lastAfter(from);
        if (others && from > after && from >= known.acked) return [];
        const shown = await confirmed(from, limit);
        const last = seqOf(shown.at(-1)?.[0] ?? "0-0");
        known.sawSeq(last);
        known.sawTime(Math.max(0, ...shown.map(timeOf)));
        const wanted = others ? shown.filter(([id]) => !own.has(seqOf(id))) : shown;
        if (wanted.length > 0 || shown.length === 0) return wanted.map(toEvent);
        // Nothing but our own: not to be read again, whatever gap there is between them.
        own.add(from + 1, last);
        if (shown.length < limit) return [];
        from = last;
      }
    },
  };
}

const MOVED = "The store was taken over or emptied.";

function checkRun(link: Connection, run: unknown): void {
  if (run !== link.run) throw new Error(MOVED);
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

/** The members between which a query looks; `(` leaves the named one out. */
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

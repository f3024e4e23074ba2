// Reads. They repeat nothing that could change something, so one that met a broken connection is simply asked again.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import { readPosition, writeCursor } from "../checks.ts";
import type { IndexPage, IndexQuery, JournalEvent, Loaded } from "../journal.ts";
import { textOf, unavailable } from "./client.ts";
import type { Keys } from "./keys.ts";
import type { Known } from "./known.ts";
import { type Link, type Links, shaOf } from "./links.ts";

export type Reader = {
  readonly load: (stream: string) => Promise<Loaded | undefined>;
  readonly events: (stream: string, afterVersion: number, limit: number) => Promise<readonly JournalEvent[]>;
  readonly find: (query: IndexQuery) => Promise<IndexPage>;
  /** Only what is acknowledged: what a reader was shown must not vanish in a failover. */
  readonly feed: (after: number, limit: number) => Promise<readonly JournalEvent[]>;
};

type Entry = readonly [id: string, fields: readonly string[]];

const NUL = Buffer.from([0]);
/** Larger than every byte of UTF-8. */
const END = Buffer.from([0xff]);

export function openReader(links: Links, keys: Keys, known: Known): Reader {
  const ask = async <T>(question: (link: Link) => Promise<T>): Promise<T> => {
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

  return {
    load: (stream) =>
      ask(async ({ read }) => {
        const [version, snapshot] = await read.hmget(keys.stream(stream), "v", "s");
        if (version == null || snapshot == null) return undefined;
        return { version: Number(version), snapshot: JSON.parse(snapshot) as JsonValue };
      }),

    events: async (stream, afterVersion, limit) => {
      if (limit === 0) return [];
      const found = await ask(
        ({ read }) =>
          read.evalsha(shaOf("events"), 2, keys.events(stream), keys.feed, afterVersion, limit) as Promise<Entry[]>,
      );
      return found.map(toEvent);
    },

    find: async (query) => {
      const from = readPosition(query);
      const { first, last } = range(query, from);
      const order = query.order ?? "ascending";
      const args = [keys.prefix, first, last, order, query.limit + 1];
      const found = await ask(
        ({ read }) => read.evalsha(shaOf("find"), 1, keys.index(query.index), ...args) as Promise<string[]>,
      );
      const rows = toRows(found);
      const page = rows.slice(0, query.limit);
      const end = page.at(-1);
      return { items: page, ...(end && rows.length > page.length ? { cursor: writeCursor(end) } : {}) };
    },

    feed: async (after, limit) => {
      if (limit === 0) return [];
      const entries = await ask(async ({ read }) => {
        const replies = await read
          .pipeline()
          .hget(keys.meta, "acked")
          .xrange(keys.feed, `(${after}-0`, "+", "COUNT", limit)
          .exec();
        const [[hgetError, acked] = [], [rangeError, found] = []] = replies ?? [];
        if (hgetError ?? rangeError) throw hgetError ?? rangeError;
        known.sawAcked(Number(acked ?? 0));
        return found as Entry[];
      });
      const events = entries.map(toEvent).filter((event) => event.seq <= known.acked);
      known.sawSeq(events.at(-1)?.seq ?? 0);
      return events;
    },
  };
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

function toEvent([id, fields]: Entry): JournalEvent {
  const [, stream = "", , version, , atMicros, , text = "{}"] = fields;
  return {
    seq: Number(id.split("-")[0]),
    stream,
    version: Number(version),
    atMicros: Number(atMicros),
    event: JSON.parse(text) as JsonObject,
  };
}

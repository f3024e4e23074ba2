// The journal in Redis, for several task-agents that share one. Every change is one script call on the primary, made once
// under its own operation id, and acknowledged only when as many replicas as the configuration asks for have it.
//
// A failover may lose acknowledged writes. So each process keeps its recent writes in a local recovery file and puts them
// back. Counters and time never go back, because every process sends the highest values it has seen. docs/redis.md has
// measurements of all this.

import { randomUUID } from "node:crypto";
import { counted } from "@gantry/core/count.ts";
import { type Clock, systemClock } from "@gantry/runtime/clock.ts";
import type { FeedQuery, Journal, JournalEvent } from "../journal.ts";
import { openStore, type Store } from "../open-store.ts";
import { makeWaiters, type Waiters } from "../waiters.ts";
import { unavailable } from "./client.ts";
import { type Connections, openConnections } from "./connections.ts";
import { type HighWaterMarks, makeHighWaterMarks } from "./high-water-marks.ts";
import { makeKeys } from "./keys.ts";
import type { RedisOptions } from "./options.ts";
import { makeOwnRanges } from "./own-ranges.ts";
import { openReader, type Reader } from "./reader.ts";
import { makeRecovery, type Recovery } from "./recovery.ts";
import { openWriter, type Writer } from "./writer.ts";

const DEFAULTS = { prefix: "gantry", waitReplicas: 0, waitMs: 500 };
/** A notification can be lost with its connection, so a reader that waits looks again after this time. */
const POLL_MS = 1_000;

/**
 * Connects and takes over the store. Throws `unavailable` when Redis cannot be reached, `store-refused` for wrong
 * credentials, `store-unsafe` for settings that can lose acknowledged writes, `store-newer` for a store of a newer version
 * and `store-busy` when another process has the local file.
 *
 * While Redis is away every call rejects with `unavailable` after at most a second; the connection comes back by itself.
 * An append that rejects may still have been committed: load, and decide again.
 */
export async function openRedisJournal(options: RedisOptions): Promise<Journal> {
  const clock = options.clock ?? systemClock;
  const waiters = makeWaiters(clock);
  const parts = assemble(options, clock, waiters);
  try {
    await parts.connections.start();
  } catch (error) {
    parts.connections.close();
    parts.recovery.close();
    throw error;
  }
  return openStore(options.indexes, (isClosed) => toStore(parts, { options, clock, waiters, isClosed }));
}

type Parts = {
  readonly marks: HighWaterMarks;
  readonly connections: Connections;
  readonly reader: Reader;
  readonly writer: Writer;
  readonly recovery: Recovery;
};

/** The parts refer to each other only in callbacks, none of which is called before `connections.start`. */
function assemble(options: RedisOptions, clock: Clock, waiters: Waiters): Parts {
  const keys = makeKeys(options.prefix ?? DEFAULTS.prefix);
  const waitReplicas = options.waitReplicas ?? DEFAULTS.waitReplicas;
  const waitMs = options.waitMs ?? DEFAULTS.waitMs;
  const recovery = makeRecovery({ options, keys, clock, waitReplicas, waitMs });
  const marks = makeHighWaterMarks(recovery.floors, clock);
  const ownRanges = makeOwnRanges();

  const connections = openConnections({
    options,
    keys,
    marks,
    clock,
    newId: randomUUID,
    onEntered: (connection) => recovery.onEntered(connection, marks),
    onWatched: ({ seq, acked }) => {
      marks.sawAcked(acked);
      // A process committed and died before it could confirm. Asking for the time also waits for the replicas. When
      // they are missing, the next watch asks again.
      if (seq > acked) writer.now().catch(() => undefined);
      // A store that fails meanwhile is noticed by the watch itself; maintenance runs again a minute later.
      recovery.maintain(connections).catch(() => undefined);
      waiters.wake();
    },
    onNews: (acked) => {
      marks.sawAcked(acked);
      // Mostly this is about our own commit, whose answer is on its way; `onTurnOver` wakes the readers then.
      if (!writer.isBusy()) waiters.wake();
    },
  });
  const writer = openWriter({
    connections,
    keys,
    marks,
    clock,
    newId: randomUUID,
    waitReplicas,
    waitMs,
    onCommitted: (committed) => {
      for (const { first, seq } of committed) ownRanges.add(first, seq);
      recovery.onCommitted(committed, reader);
    },
    onRemoved: recovery.onRemoved,
    onTime: (micros) => recovery.reserve(micros, marks.seq),
    onTurnOver: waiters.wake,
  });
  const reader = openReader({ connections, keys, marks, ownRanges });
  return { marks, connections, reader, writer, recovery };
}

type StoreContext = {
  readonly options: RedisOptions;
  readonly clock: Clock;
  readonly waiters: Waiters;
  readonly isClosed: () => boolean;
};

function toStore(parts: Parts, { options, clock, waiters, isClosed }: StoreContext): Store {
  const { marks, connections, reader, writer, recovery } = parts;
  const waitReplicas = options.waitReplicas ?? DEFAULTS.waitReplicas;
  return {
    append: writer.append,
    remove: writer.remove,
    load: reader.load,
    events: reader.events,
    find: reader.find,
    feed: (query) => follow({ read: reader.feed, waiters, clock, isClosed }, query),

    now: ({ recent }) => {
      const micros = recent ? marks.recentTime() : undefined;
      if (micros === undefined) return writer.now();
      recovery.reserve(micros, marks.seq);
      return micros;
    },

    check: async () => {
      const { replicas } = await connections.ready();
      if (replicas < waitReplicas)
        throw unavailable(
          `${counted(replicas, "replica is", "replicas are")} connected, ${waitReplicas} must confirm every change.`,
        );
    },

    close: async () => {
      waiters.wake();
      await writer.drain();
      connections.close();
      recovery.close();
    },
  };
}

type FollowDeps = {
  readonly read: Reader["feed"];
  readonly waiters: Waiters;
  readonly clock: Clock;
  readonly isClosed: () => boolean;
};

/** Reads the feed, and waits while it is empty; see Journal.feed. */
async function follow(
  { read, waiters, clock, isClosed }: FollowDeps,
  query: FeedQuery,
): Promise<readonly JournalEvent[]> {
  const { waitMs = 0, signal } = query;
  const until = clock.monotonicMs() + waitMs;
  for (;;) {
    // Counted before the read, so that no commit between read and wait is missed.
    const seen = waiters.count();
    try {
      const found = isClosed() ? [] : await read(query);
      const left = until - clock.monotonicMs();
      if (found.length > 0 || left <= 0 || signal?.aborted || isClosed()) return found;
      await waiters.wait(Math.min(POLL_MS, left), signal, seen);
    } catch (error) {
      if (isClosed()) return [];
      throw error;
    }
  }
}

// The journal in Redis: for several task-agents that share one. Every change is one script on the primary, made once
// under its own operation id, and acknowledged only when the replicas that the configuration asks for have it.
//
// What Redis cannot promise is made up for here: a failover may lose what was acknowledged, so each process keeps what it
// wrote lately in a file of its own and puts it back; counters and time never go back, because every process brings what
// it has seen of them. How all this behaves is measured in docs/redis.md.

import { randomUUID } from "node:crypto";
import { type Clock, systemClock } from "@gantry/runtime/clock.ts";
import type { Journal, JournalEvent } from "../journal.ts";
import { checkCount, checkIndex, checkStream, closedError, prepareBatch, prepareRemoval } from "../validation.ts";
import { makeWaiters, type Waiters } from "../waiters.ts";
import { textOf, unavailable } from "./client.ts";
import { openConnections } from "./connections.ts";
import { makeHighWaterMarks } from "./high-water-marks.ts";
import { makeKeys } from "./keys.ts";
import { distrust, MAINTENANCE_EVERY_MS, maintain, TRUST_MICROS } from "./maintenance.ts";
import type { RedisOptions } from "./options.ts";
import { makeOwnRanges } from "./own-ranges.ts";
import { openReader, type Reader } from "./reader.ts";
import { recordCommit } from "./record-commit.ts";
import { openRecoveryFile, type RecoveryFile } from "./recovery-file.ts";
import { repair } from "./repair.ts";
import { countEvents, openWriter } from "./writer.ts";

const DEFAULTS = { prefix: "gantry", waitReplicas: 0, waitMs: 500 };
/** News can be lost with a connection; a reader looks again after so long. */
const POLL_MS = 1_000;

/**
 * Connects and takes over the store. Throws `unavailable` when Redis cannot be reached, `store-refused` for a wrong
 * account, `store-unsafe` for settings that lose what was acknowledged, `store-newer` for a store of a newer version and
 * `store-busy` when another process has the local file.
 *
 * While Redis is away every call rejects with `unavailable`, after a second at most; it comes back by itself. An append
 * that rejects may still have been committed: load, and decide again.
 */
export async function openRedisJournal(options: RedisOptions): Promise<Journal> {
  const clock = options.clock ?? systemClock;
  const keys = makeKeys(options.prefix ?? DEFAULTS.prefix);
  const waitReplicas = options.waitReplicas ?? DEFAULTS.waitReplicas;
  const waitMs = options.waitMs ?? DEFAULTS.waitMs;
  const report = options.report ?? (() => {});
  const indexes = new Set(options.indexes);
  const waiters = makeWaiters(clock);
  const ledger = options.localFile === undefined ? undefined : openRecoveryFile(options.localFile, clock);
  const own = makeOwnRanges();
  const known = makeHighWaterMarks(ledger?.floors ?? { seq: 0, micros: 0 }, clock);
  /** The local file cannot be written. Redis has everything all the same: it is said once, and nothing is refused. */
  let isFileBroken = false;
  const onFileError = (error: unknown): void => {
    const problem = `The local file lacks something: ${textOf(error)}`;
    if (!isFileBroken) report({ kind: "degraded", address: options.localFile ?? "", problem });
    isFileBroken = true;
  };
  const withFile = (write: (file: RecoveryFile) => void): void => {
    try {
      if (ledger) write(ledger);
    } catch (error) {
      onFileError(error);
    }
  };

  const reserve = (micros: number): void => withFile((file) => file.reserve(micros, known.seq));

  let keptUpMs = clock.monotonicMs();
  const keepUp = async (): Promise<void> => {
    if (!ledger || clock.monotonicMs() - keptUpMs < MAINTENANCE_EVERY_MS) return;
    keptUpMs = clock.monotonicMs();
    await maintain({ keys, ledger, keep: options.keep ?? (() => false) }, await links.ready());
  };

  const links = openConnections({
    options,
    keys,
    known,
    clock,
    newId: randomUUID,
    onEntered: async (link) => {
      if (!ledger) return;
      const isSameStore = ledger.checked?.store === link.store;
      if (isSameStore && known.micros - ledger.floors.micros > TRUST_MICROS) await distrust({ keys, ledger }, link);
      const isRepaired = await repair({ keys, ledger, clock, waitReplicas, waitMs, report }, link);
      if (isRepaired) withFile((file) => file.setChecked(link));
    },
    onWatched: ({ seq, acked }) => {
      known.sawAcked(acked);
      // Somebody committed and was gone before it could say so: asking the time waits for the replicas as well.
      // Where they are missing the next watch asks again.
      if (seq > acked) writer.now().catch(() => undefined);
      // A store that fails meanwhile is noticed by the watch itself; the next minute looks again.
      keepUp().catch(() => undefined);
      waiters.wake();
    },
    onNews: (acked) => {
      known.sawAcked(acked);
      // Most often they are of our own commit, whose answer is under way: then nobody need look before it is there.
      if (!writer.isBusy()) waiters.wake();
    },
  });
  const writer = openWriter({
    links,
    keys,
    known,
    clock,
    newId: randomUUID,
    waitReplicas,
    waitMs,
    onCommitted: (all) => {
      for (const { parts, seq } of all) own.add(seq - countEvents(parts) + 1, seq);
      if (!ledger) return;
      const keep = options.keep ?? (() => false);
      for (const one of all) recordCommit({ ledger, reader, keep, onError: onFileError }, one);
      withFile((file) => file.flush());
    },
    onRemoved: (streams) => withFile((file) => file.forget(streams)),
    onTime: reserve,
    onTurnOver: waiters.wake,
  });
  const reader = openReader({ links, keys, known, own });

  try {
    await links.start();
  } catch (error) {
    links.close();
    ledger?.close();
    throw error;
  }
  let closed = false;
  const assertOpen = (): void => {
    if (closed) throw closedError();
  };

  return {
    append: async (batch) => {
      assertOpen();
      return writer.append(prepareBatch(batch, indexes));
    },

    remove: async (batch) => {
      assertOpen();
      return writer.remove(prepareRemoval(batch));
    },

    load: async (stream) => {
      assertOpen();
      checkStream(stream);
      return reader.load(stream);
    },

    events: async (stream, afterVersion, limit) => {
      assertOpen();
      checkStream(stream);
      checkCount("afterVersion", afterVersion);
      checkCount("limit", limit);
      return reader.events(stream, afterVersion, limit);
    },

    find: async (query) => {
      assertOpen();
      checkIndex(query.index, indexes);
      checkCount("limit", query.limit);
      return reader.find(query);
    },

    feed: async (query) => {
      assertOpen();
      checkCount("after", query.after);
      checkCount("limit", query.limit);
      return follow({ read: reader.feed, waiters, clock, isClosed: () => closed }, query);
    },

    now: async ({ recent } = { recent: false }) => {
      assertOpen();
      const micros = recent ? known.recentTime() : undefined;
      if (micros === undefined) return writer.now();
      reserve(micros);
      return micros;
    },

    check: async () => {
      assertOpen();
      const link = await links.ready();
      if (link.replicas < waitReplicas) {
        throw unavailable(`${link.replicas} replicas are connected, ${waitReplicas} must confirm every change.`);
      }
    },

    close: async () => {
      if (closed) return;
      closed = true;
      waiters.wake();
      await writer.drain();
      links.close();
      ledger?.close();
    },
  };
}

/** Reads the feed, and waits where there is nothing; see Journal.feed. */
async function follow(
  deps: {
    readonly read: Reader["feed"];
    readonly waiters: Waiters;
    readonly clock: Clock;
    readonly isClosed: () => boolean;
  },
  query: Parameters<Journal["feed"]>[0],
): Promise<readonly JournalEvent[]> {
  const { waitMs = 0, signal } = query;
  const until = deps.clock.monotonicMs() + waitMs;
  for (;;) {
    // Counted before it reads, so that no commit falls between the two.
    const seen = deps.waiters.count();
    try {
      const found = deps.isClosed() ? [] : await deps.read(query);
      const left = until - deps.clock.monotonicMs();
      if (found.length > 0 || left <= 0 || signal?.aborted || deps.isClosed()) return found;
      await deps.waiters.wait(Math.min(POLL_MS, left), signal, seen);
    } catch (error) {
      if (deps.isClosed()) return [];
      throw error;
    }
  }
}

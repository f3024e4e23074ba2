// Tracks how far the readers of the feed have read: an event that one of them has not read yet must stay in the journal.
// With each request, a named reader acknowledges everything up to its position. Positions are saved at intervals, not at
// each request. After a restart an older position counts, so more is kept, never less.

import type { Journal } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Reader } from "../retention/decide-retention.ts";

export type Readers = {
  /** A reader has read everything up to this `seq`. */
  readonly acknowledge: (name: string, after: number) => void;
  /** All readers, of other agents too. Saves the positions that were acknowledged here. Rejects when the store fails. */
  readonly all: () => Promise<readonly Reader[]>;
};

/** The most names, in case a client sends a new one with every request. */
const MAX_READERS = 100;

const readerStream = defineStream<Reader>({ prefix: "reader/", index: ({ name }) => ({ readers: [name] }) });

export function openReaders(journal: Pick<Journal, "find" | "append" | "now">, clock: Clock): Readers {
  /** `atMs`: monotonic. */
  const acknowledged = new Map<string, { readonly after: number; readonly atMs: number }>();

  return {
    acknowledge: (name, after) => {
      if (acknowledged.has(name) || acknowledged.size < MAX_READERS)
        acknowledged.set(name, { after, atMs: clock.monotonicMs() });
    },
    all: async () => {
      const now = Math.floor((await journal.now()) / 1_000);
      const { items } = await journal.find({ index: "readers", limit: MAX_READERS });
      const readers = new Map(items.map(readerStream.stateOf).map((reader) => [reader.name, reader]));
      for (const [name, { after, atMs }] of acknowledged) {
        const reader = { name, after, atMs: now - Math.round(clock.monotonicMs() - atMs) };
        // The reader may have asked another agent since.
        if (reader.atMs <= (readers.get(name)?.atMs ?? -1)) continue;
        readers.set(name, reader);
        await journal.append([readerStream.append(name, { expected: 0, state: reader })]);
      }
      return [...readers.values()];
    },
  };
}

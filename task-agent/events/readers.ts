// How far those who read the feed have come: nothing that one of them has yet to read may leave the journal. A reader that
// gives its name says with each request that it has everything up to there. It is written down now and then, not for each
// request: after a restart an older place counts, which keeps more and not less.

import type { Journal } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Reader } from "../retention/decide-retention.ts";

export type Readers = {
  /** A reader has everything up to `after`. */
  readonly heard: (name: string, after: number) => void;
  /** All that are known, also to other agents. Writes down what was heard here. Rejects when the journal does. */
  readonly all: () => Promise<readonly Reader[]>;
};

/** More names than this are a mistake of whoever gives them. */
const MAX_READERS = 100;

export function openReaders(journal: Pick<Journal, "find" | "append" | "now">, clock: Clock): Readers {
  const heard = new Map<string, { readonly after: number; readonly atMs: number }>();

  return {
    heard: (name, after) => {
      if (heard.has(name) || heard.size < MAX_READERS) heard.set(name, { after, atMs: clock.monotonicMs() });
    },
    all: async () => {
      const now = Math.floor((await journal.now()) / 1_000);
      const { items } = await journal.find({ index: "readers", limit: MAX_READERS });
      const kept = new Map(items.map(({ snapshot }) => [(snapshot as Reader).name, snapshot as Reader]));
      for (const [name, { after, atMs }] of heard) {
        const mine = { name, after, atMs: now - Math.round(clock.monotonicMs() - atMs) };
        // It may have asked another agent since.
        if (mine.atMs <= (kept.get(name)?.atMs ?? -1)) continue;
        kept.set(name, mine);
        await journal.append([
          { stream: `reader/${name}`, expected: 0, events: [], snapshot: mine, index: { readers: [name] } },
        ]);
      }
      return [...kept.values()];
    },
  };
}

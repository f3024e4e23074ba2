// A journal with the faults of a real store: it takes time, its answers get lost, and the process dies just before or just
// after a commit. What was committed stays, whatever happens to the process.

import type { AppendResult, Journal, StreamAppend } from "@gantry/journal/journal.ts";
import type { Process } from "./process.ts";
import type { Random } from "./random.ts";

export type StoreFaultProfile = {
  appendMs: readonly [number, number];
  /** Probability of seconds instead of milliseconds. */
  slow: number;
  lost: number;
  unanswered: number;
  crashBefore: number;
  crashAfter: number;
};

export const NO_STORE_FAULTS: Readonly<StoreFaultProfile> = {
  appendMs: [0.1, 1],
  slow: 0,
  lost: 0,
  unanswered: 0,
  crashBefore: 0,
  crashAfter: 0,
};

/** What an append rejects with when the fault was injected. */
export class StoreFault extends Error {}

export type StoreDeps = {
  readonly process: Process;
  readonly random: Random;
  readonly faultProfile: StoreFaultProfile;
  /** Kills the process and schedules its restart. */
  readonly crash: () => void;
  readonly onCommit: (batch: readonly StreamAppend[]) => void;
};

export function faultyStore(inner: Journal, { process, random, faultProfile, crash, onCommit }: StoreDeps): Journal {
  const delay = (): number =>
    random.chance(faultProfile.slow) ? random.between(500, 8_000) : random.between(...faultProfile.appendMs);
  /** Events of own commits that were answered; queries with `others` omit them. */
  const own = new Set<number>();
  const ofOthers = async (query: Parameters<Journal["feed"]>[0]): ReturnType<Journal["feed"]> => {
    for (let { after } = query; ; ) {
      const found = await inner.feed({ ...query, after });
      const wanted = found.filter(({ seq }) => !own.has(seq));
      if (wanted.length > 0 || found.length === 0) return wanted;
      after = found.at(-1)?.seq ?? after;
    }
  };
  const commit = async (batch: readonly StreamAppend[]): Promise<AppendResult> => {
    if (random.chance(faultProfile.lost)) throw new StoreFault("nothing was committed");
    if (random.chance(faultProfile.crashBefore)) {
      crash();
      return new Promise(() => {});
    }
    const result = await inner.append(batch);
    if (result.ok) onCommit(batch);
    if (random.chance(faultProfile.crashAfter)) crash();
    if (random.chance(faultProfile.unanswered)) throw new StoreFault("the answer was lost");
    if (result.ok) for (let seq = result.seq; seq > result.seq - countEvents(batch); seq -= 1) own.add(seq);
    return result;
  };
  return {
    ...inner,
    feed: (query) => (query.others ? ofOthers(query) : inner.feed(query)),
    append: (batch) =>
      new Promise((resolve, reject) => {
        process.deliverIn(delay(), () => {
          const answer = (settle: () => void): void => void process.deliverIn(random.between(0, 0.5), settle);
          commit(batch).then(
            (result) => answer(() => resolve(result)),
            (error: unknown) => answer(() => reject(error)),
          );
        });
      }),
  };
}

function countEvents(batch: readonly StreamAppend[]): number {
  return batch.reduce((sum, { events }) => sum + events.length, 0);
}

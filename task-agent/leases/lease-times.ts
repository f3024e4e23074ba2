// Saves at intervals when each lease was last renewed, and reads this when the agent starts. Leases then get their full time
// once more (the recovery window), so a restart takes no work from a live runner.

import type { Journal } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Tasks } from "../tasks/tasks.ts";
import { decideRecovery, type SavedLeaseTimes } from "./decide-leases.ts";
import type { LeaseEntry, LeaseTable } from "./lease-table.ts";

const leaseTimesStream = defineStream<SavedLeaseTimes>({ prefix: "agent/leases" });

export type LeaseTimes = {
  /** Saves, unless the last save was less than 10 s ago. Rejects when the store fails. */
  readonly saveIfDue: () => Promise<void>;
  /** To be called once, after every unfinished task is known. Returns the ms that this took, in which no runner could renew. */
  readonly recover: () => Promise<number>;
};

const SAVE_EVERY_MS = 10_000;

/** `name`: of this agent where several share the journal; each saves to a stream of its own. */
export function openLeaseTimes(
  table: LeaseTable,
  deps: {
    readonly tasks: Pick<Tasks, "now">;
    readonly journal: Pick<Journal, "load" | "append">;
    readonly clock: Clock;
    readonly name: string | undefined;
  },
): LeaseTimes {
  const { tasks, journal, clock } = deps;
  const id = deps.name === undefined ? "" : `/${deps.name}`;
  let windowAtMs = 0;
  let savedMs = clock.monotonicMs();

  const save = async (): Promise<void> => {
    savedMs = clock.monotonicMs();
    const now = await tasks.now();
    const agoMs = (lease: LeaseEntry): number => Math.round(clock.monotonicMs() - lease.renewedMs);
    const renewedMs = Object.fromEntries([...table.entries].map(([lease, entry]) => [lease, now - agoMs(entry)]));
    // Only this agent writes the stream, so no conflict is possible and the newest state counts.
    await journal.append([leaseTimesStream.append(id, { expected: 0, state: { windowAtMs, renewedMs } })]);
  };

  return {
    saveIfDue: async () => {
      if (table.entries.size > 0 && clock.monotonicMs() - savedMs >= SAVE_EVERY_MS) await save();
    },
    recover: async () => {
      const [now, nowMs] = [clock.monotonicMs(), await tasks.now()];
      const saved = (await leaseTimesStream.load(journal, id))?.state;
      const leases = [...table.entries].map(([lease, { mode, claimedAt }]) => ({
        id: lease,
        mode,
        claimedMs: claimedAt,
      }));
      const recovered = decideRecovery(leases, saved, nowMs);
      for (const [lease, entry] of table.entries)
        entry.renewedMs = now - (nowMs - (recovered.renewedMs[lease] ?? nowMs));
      windowAtMs = recovered.windowAtMs;
      if (table.entries.size > 0 || saved) await save();
      // No runner could renew until now, however long the store took.
      const tookMs = clock.monotonicMs() - now;
      for (const entry of table.entries.values()) entry.renewedMs += tookMs;
      return tookMs;
    },
  };
}

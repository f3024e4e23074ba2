// The permits of one attempt to change outside systems. The task-agent grants them; the result of a change is recorded on
// this machine before it is reported.

import type { JobRef } from "@gantry/wire/runner/protocol.ts";
import type { Link } from "../agent-link/agent-link.ts";
import { isCode, type RunnerDeps } from "../ports.ts";
import type { DiskJournal } from "../state/disk-journal.ts";
import type { Permits } from "../workers/job-executor.ts";
import type { Leases } from "./leases.ts";

export type PermitsOptions = {
  readonly ref: JobRef;
  readonly link: Link;
  readonly disk: DiskJournal;
  readonly deps: Pick<RunnerDeps, "clock">;
  readonly leases: Pick<Leases, "until" | "renewed">;
  /** Aborted when the attempt is over; until then the result of a change is reported. */
  readonly lost: AbortSignal;
  readonly onLost: () => void;
};

export function createPermits({ ref, link, disk, deps, leases, lost, onLost }: PermitsOptions): Permits {
  const detectLost = async <T>(call: () => Promise<T>): Promise<T> => {
    try {
      return await call();
    } catch (error) {
      if (isCode(error, "lease-lost")) onLost();
      throw error;
    }
  };
  return {
    begin: async (request, signal) => {
      // A permit of a lease that looks expired would be requested again and again.
      await leases.renewed(ref, signal);
      const permit = await detectLost(() =>
        link.call((client, session, options) => client.effectBegin({ session, ref, ...request }, options), { signal }),
      );
      const localResult = permit.answer === "verify" ? disk.state.effects.get(permit.key)?.result : undefined;
      const until = leases.until(ref) ?? { monotonicMs: 0, wallMs: 0 };
      return { ...permit, until, ...(localResult ? { localResult } : {}) };
    },
    end: async (key, result) => {
      await disk.commit({ k: "effect", key, result, atMs: deps.clock.nowMs() });
      await detectLost(() =>
        link.call((client, session, options) => client.effectEnd({ session, ref, key, result }, options), {
          signal: lost,
        }),
      );
      disk.note({ k: "effect-told", key });
    },
  };
}

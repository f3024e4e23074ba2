// The permits of one attempt to change the outside world: asked of the task-agent, and what was done under them is
// written down here before it is told there.

import type { JsonObject } from "@gantry/core/json.ts";
import type { EffectPermit, JobRef } from "@gantry/wire/runner/protocol.ts";
import type { Link } from "../agent-link/agent-link.ts";
import { isCode, type RunnerDeps } from "../ports.ts";
import type { DiskJournal } from "../state/disk-journal.ts";
import type { WireObject } from "../steps/clip.ts";
import type { Moment } from "./leases.ts";

export type EffectWish = {
  readonly step: string;
  readonly effect: string;
  readonly ordinal: number;
  readonly what: string;
};

/**
 * `own`: what this runner did itself under this key; the agent was never told. `until`: nothing may begin under the permit
 * later than this, for the lease may be over. A process that was stopped finds its permits in its mail before its timers
 * tell it how late it is.
 */
export type Permit = EffectPermit & { readonly own?: JsonObject; readonly until: Moment };

export type Permits = {
  /** Waits while the task-agent cannot be reached. Throws `lease-lost`, and the signal's reason. */
  readonly begin: (wish: EffectWish, signal: AbortSignal) => Promise<Permit>;
  /** The effect was made. Resolves when it is on this disk and with the agent. */
  readonly end: (key: string, result: WireObject) => Promise<void>;
};

export type PermitsSetting = {
  readonly ref: JobRef;
  readonly link: Link;
  readonly disk: DiskJournal;
  readonly deps: Pick<RunnerDeps, "clock">;
  /** Until when the lease is surely held. */
  readonly leaseUntil: () => Moment | undefined;
  /** Resolves when the lease is surely held, or over. A permit of a lease that looks old would be asked for again and again. */
  readonly renewed: (signal: AbortSignal) => Promise<void>;
  /** Aborted only when nothing counts any more: until then the end of an effect that was made is told. */
  readonly lost: AbortSignal;
  readonly onLost: () => void;
};

export function createPermits({ ref, link, disk, deps, leaseUntil, renewed, lost, onLost }: PermitsSetting): Permits {
  const guarded = async <T>(call: () => Promise<T>): Promise<T> => {
    try {
      return await call();
    } catch (error) {
      if (isCode(error, "lease-lost")) onLost();
      throw error;
    }
  };
  return {
    begin: async (wish, signal) => {
      await renewed(signal);
      const permit = await guarded(() =>
        link.call((client, session, options) => client.effectBegin({ session, ref, ...wish }, options), { signal }),
      );
      const own = permit.answer === "verify" ? disk.state.effects.get(permit.key)?.result : undefined;
      const until = leaseUntil() ?? { monotonicMs: 0, wallMs: 0 };
      return { ...permit, until, ...(own ? { own } : {}) };
    },
    end: async (key, result) => {
      await disk.commit({ k: "effect", key, result, atMs: deps.clock.nowMs() });
      await guarded(() =>
        link.call((client, session, options) => client.effectEnd({ session, ref, key, result }, options), {
          signal: lost,
        }),
      );
      disk.note({ k: "effect-told", key });
    },
  };
}

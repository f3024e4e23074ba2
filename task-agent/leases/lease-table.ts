// The leases that are held now, and when each was last renewed. In memory only.

import { jobDefinition } from "@gantry/core/task/decide-lease.ts";
import { isCanceled } from "@gantry/core/task/decision.ts";
import type { TaskState } from "@gantry/core/task/model.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { AgentConfig } from "../config.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import type { LeaseMode } from "./decide-leases.ts";

/** A runner by its name and its site. */
export type LeaseOwner = { readonly runner: string; readonly site: string };

export type HeldLease = { readonly task: string; readonly job: string; readonly fence: number };

/** Times are of the monotonic clock, in ms, unless stated otherwise. */
export type LeaseEntry = HeldLease &
  LeaseOwner & {
    readonly mode: LeaseMode;
    /** Store time, ms since 1970. */
    readonly claimedAt: number;
    /** Since when the time of the lease runs. Later than the last renewal where that time is not known. */
    renewedMs: number;
    /** When its holder last renewed it at this agent. */
    heardMs: number | undefined;
    canceledMs: number | undefined;
    /** The alarm about its holder, which never confirmed the cancel, was raised. */
    isUnconfirmed?: true;
  };

export class LeaseTable {
  /** By `leaseId`. */
  readonly entries = new Map<string, LeaseEntry>();
  readonly #clock: Pick<Clock, "nowMs" | "monotonicMs">;
  readonly #config: Pick<AgentConfig, "lease">;

  constructor(clock: Pick<Clock, "nowMs" | "monotonicMs">, config: Pick<AgentConfig, "lease">) {
    this.#clock = clock;
    this.#config = config;
  }

  /** Takes over what changed: the time of new leases starts, and leases that ended are removed. */
  onTaskChanged({ state, pipeline }: TaskRecord): void {
    for (const job of Object.values(state.jobs)) {
      const id = leaseId(state.id, job.key);
      const known = this.entries.get(id);
      const now = this.#clock.monotonicMs();
      if (!job.lease) this.entries.delete(id);
      else if (known?.fence === job.fence) known.canceledMs ??= canceled(state, job.key) ? now : undefined;
      else
        this.entries.set(id, {
          task: state.id,
          job: job.key,
          fence: job.fence,
          runner: job.lease.runner,
          site: job.site,
          mode: jobDefinition(pipeline, job.id).mode,
          claimedAt: job.lease.claimedAt,
          renewedMs: now,
          heardMs: undefined,
          canceledMs: canceled(state, job.key) ? now : undefined,
        });
    }
  }

  /** False, and nothing happens, unless this runner holds the lease with this fence. */
  renew({ task, job, fence }: HeldLease, owner: LeaseOwner): boolean {
    const lease = this.entries.get(leaseId(task, job));
    if (lease?.fence !== fence || !isOwner(lease, owner)) return false;
    lease.renewedMs = this.#clock.monotonicMs();
    lease.heardMs = lease.renewedMs;
    return true;
  }

  ofRunner(owner: LeaseOwner): readonly LeaseEntry[] {
    return [...this.entries.values()].filter((lease) => isOwner(lease, owner));
  }

  countAtSite(site: string): number {
    return [...this.entries.values()].filter((lease) => lease.site === site).length;
  }

  /** Since when (wall clock, ms) the holder has been silent; undefined while it renews in time. */
  silentSince(task: string, job: string): number | undefined {
    const lease = this.entries.get(leaseId(task, job));
    if (!lease) return undefined;
    const silentMs = this.#clock.monotonicMs() - lease.renewedMs;
    return silentMs > this.#config.lease[lease.mode].renewWithinMs ? this.#clock.nowMs() - silentMs : undefined;
  }

  /** Leases that were renewed at this agent, and how long ago, ms. */
  heardAgoMs(): ReadonlyMap<string, number> {
    const now = this.#clock.monotonicMs();
    const heard = [...this.entries].flatMap(([id, { heardMs }]) =>
      heardMs === undefined ? [] : [[id, Math.round(now - heardMs)] as const],
    );
    return new Map(heard);
  }
}

/** Must this attempt stop? */
export function canceled(state: TaskState, job: string): boolean {
  const one = state.jobs[job];
  return one !== undefined && isCanceled(state, one);
}

function isOwner(lease: LeaseEntry, { runner, site }: LeaseOwner): boolean {
  return lease.runner === runner && lease.site === site;
}

function leaseId(task: string, job: string): string {
  return `${task} ${job}`;
}

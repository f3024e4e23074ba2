// Keeps the leases of this runner alive, and stops the work of those that it cannot keep. Renewing and fencing are
// independent of each other: a renewal that hangs does not delay the moment at which the work must stop.

import type { Cancel } from "@gantry/runtime/clock.ts";
import { deadlineBy } from "@gantry/runtime/deadline.ts";
import { killWithinMs } from "@gantry/wire/runner/lease-rules.ts";
import type { HeartbeatReply, JobRef, JobSpec, Lease } from "@gantry/wire/runner/protocol.ts";
import type { Link } from "../agent-link/agent-link.ts";
import { type RunnerDeps, untilAborted } from "../ports.ts";
import { refFields, refKey } from "./refs.ts";
import { canceled, fenced, lost, type Stopped } from "./stop.ts";

/** Who does the work under a lease. `stop` may be called more than once; the first reason counts. */
export type Holder = {
  readonly ref: JobRef;
  readonly lease: Lease;
  readonly mode: JobSpec["mode"];
  readonly stop: (reason: Stopped) => void;
  /** JobEvents of every renewal: so long from now on the programs of the job may run, at the very most. */
  readonly onKept?: (ms: number) => void;
};

export type Leases = {
  /** Renews from now on. `sent`: when the request was sent that gave the lease. */
  readonly hold: (holder: Holder, sent: Moment) => Cancel;
  /** Until when the lease is surely held, whatever timers say; undefined when nobody holds it. */
  readonly until: (ref: JobRef) => Moment | undefined;
  /**
   * Resolves when the lease is surely held; where it may not be, because a clock was set or the process was stopped, it is
   * renewed now. Resolves too when nobody holds it any more. Rejects with the signal's reason.
   */
  readonly renewed: (ref: JobRef, signal: AbortSignal) => Promise<void>;
  readonly now: () => Moment;
};

/** One moment on both clocks. */
export type Moment = { readonly monotonicMs: number; readonly wallMs: number };

type Held = Holder & { renewed: Moment; cancelFence: Cancel };

export function createLeases(
  link: Link,
  deps: Pick<RunnerDeps, "clock" | "random" | "logger">,
  signal: AbortSignal,
): Leases {
  const { clock, logger } = deps;
  const held = new Map<string, Held>();
  /** Who waits for leases to be renewed, or to end. */
  const waiting = new Set<() => void>();
  let cancelBeat: Cancel = () => {};
  let beating = false;

  const now = (): Moment => ({ monotonicMs: clock.monotonicMs(), wallMs: clock.nowMs() });
  const everyMs = (): number => Math.min(...[...held.values()].map((one) => one.lease.renewEveryMs));
  const beatIn = (ms: number): void => {
    cancelBeat();
    if (held.size > 0 && !signal.aborted) cancelBeat = clock.after(ms, () => void beat());
  };

  const keep = ({ lease, mode, renewed, onKept }: Held): void =>
    onKept?.(lease.selfFenceMs + killWithinMs(lease, mode) - elapsedMs(renewed, now()));

  const watch = (one: Held): void => {
    const left = one.lease.selfFenceMs - elapsedMs(one.renewed, now());
    if (left <= 0) {
      // Whoever was stopped, or slept, has that much less time to end its programs.
      const graceMs = Math.max(0, killWithinMs(one.lease, one.mode) + left);
      one.stop(fenced(one.lease.selfFenceMs, graceMs));
      return;
    }
    // Looked at more often than needed, because the wall clock may run ahead of the timers after a sleep.
    one.cancelFence = clock.after(Math.min(left, one.lease.renewEveryMs), () => watch(one));
  };

  const beat = async (): Promise<void> => {
    if (beating) return;
    beating = true;
    const [sent, asked, limitMs] = [now(), new Map(held), everyMs()];
    const deadline = deadlineBy(clock, limitMs);
    let nextMs = limitMs;
    let isDone = false;
    try {
      const items = [...asked.values()].map(({ ref }) => ({ ref }));
      const reply = await link.once((client, session, options) => client.heartbeat({ session, items }, options), {
        signal: AbortSignal.any([signal, deadline.signal]),
      });
      for (const item of reply.items) apply(asked.get(refKey(item.ref)), item, sent);
      isDone = true;
    } catch (error) {
      if (!signal.aborted) logger.warn({ err: error, leases: asked.size }, "the leases could not be renewed");
      // Sooner than usual, because time runs; spread, because other runners try as well.
      nextMs = (limitMs / 3) * (0.5 + deps.random());
    } finally {
      deadline.cancel();
      beating = false;
      beatIn(nextMs);
      if (isDone) wake();
    }
  };
  const wake = (): void => {
    for (const one of waiting) one();
    waiting.clear();
  };

  const apply = (one: Held | undefined, item: HeartbeatReply["items"][number], sent: Moment): void => {
    if (!one) return;
    if (item.state === "lost") {
      logger.warn(refFields(one.ref), "the lease is lost");
      one.stop(lost("The task-agent says so."));
      return;
    }
    one.renewed = sent;
    keep(one);
    if (item.state === "cancel") one.stop(canceled(item.reason, item.graceMs));
  };

  return {
    now,
    until: (ref) => {
      const one = held.get(refKey(ref));
      return one && untilOf(one);
    },
    renewed: async (ref, aborted) => {
      for (;;) {
        const one = held.get(refKey(ref));
        if (!one || isAhead(untilOf(one), clock)) return;
        const woken = new Promise<void>((resolve) => void waiting.add(resolve));
        beatIn(0);
        await untilAborted(woken, aborted);
      }
    },
    hold: (holder, sent) => {
      const one: Held = { ...holder, renewed: sent, cancelFence: () => {} };
      const shortest = everyMs();
      held.set(refKey(holder.ref), one);
      keep(one);
      watch(one);
      if (holder.lease.renewEveryMs < shortest) beatIn(holder.lease.renewEveryMs);
      return () => {
        one.cancelFence();
        held.delete(refKey(holder.ref));
        if (held.size === 0) cancelBeat();
        wake();
      };
    },
  };
}

function untilOf({ renewed, lease }: Held): Moment {
  return { monotonicMs: renewed.monotonicMs + lease.selfFenceMs, wallMs: renewed.wallMs + lease.selfFenceMs };
}

/** Has this moment not come yet, on either clock? */
export function isAhead(until: Moment, clock: Pick<RunnerDeps["clock"], "monotonicMs" | "nowMs">): boolean {
  return clock.monotonicMs() < until.monotonicMs && clock.nowMs() < until.wallMs;
}

/** Whichever clock says more: one may stand still while the machine sleeps, the other may be set. */
export function elapsedMs(since: Moment, now: Moment): number {
  return Math.max(now.monotonicMs - since.monotonicMs, now.wallMs - since.wallMs);
}

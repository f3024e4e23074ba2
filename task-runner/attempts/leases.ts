// Renews the leases of this runner, and stops the work of those that it cannot renew. Renewing and fencing are independent:
// a renewal that hangs does not delay the time at which the work must stop.

import type { Cancel } from "@gantry/runtime/clock.ts";
import { deadlineBy } from "@gantry/runtime/deadline.ts";
import { killWithinMs } from "@gantry/wire/runner/lease-rules.ts";
import type {
  HeartbeatReply,
  JobRef,
  JobSpec,
  Lease,
  LogOrder,
  StopOrder,
  Told,
} from "@gantry/wire/runner/protocol.ts";
import type { Link } from "../agent-link/agent-link.ts";
import { type RunnerDeps, untilAborted } from "../ports.ts";
import { elapsedMs, isAhead, type Moment } from "./moment.ts";
import { refKey } from "./refs.ts";
import { canceled, fenced, lost, type Stopped } from "./stop.ts";

/** The holder of a lease. `stop` may be called more than once; the first reason counts. */
export type Holder = {
  readonly ref: JobRef;
  readonly lease: Lease;
  readonly mode: JobSpec["mode"];
  readonly stop: (reason: Stopped) => void;
  /** Called with every renewal: the programs of the job may run at most `ms` longer from now on. */
  readonly onRenewed?: (ms: number) => void;
  /** How far the running step is, as its script says. */
  readonly told?: () => Told | undefined;
};

export type Leases = {
  /** Renews the lease from now on. `sent`: when the request was sent that obtained it. The returned function ends this. */
  readonly hold: (holder: Holder, sent: Moment) => Cancel;
  /** Until when the lease is certainly held, whether or not timers have fired; undefined when it has no holder. */
  readonly until: (ref: JobRef) => Moment | undefined;
  /**
   * Resolves when the lease is certainly held. When that is uncertain, because a clock was set or the process was
   * suspended, it is renewed now. Also resolves when the lease has no holder any more. Rejects with the signal's reason.
   */
  readonly renewed: (ref: JobRef, signal: AbortSignal) => Promise<void>;
  readonly now: () => Moment;
};

type LeasesDeps = Pick<RunnerDeps, "clock" | "random" | "logger"> & {
  /** What an operator asks of this process. May be called repeatedly with the same. */
  readonly onStop?: (stop: StopOrder) => void;
  readonly onLog?: (order: LogOrder) => void;
};
type Held = Holder & { renewed: Moment; cancelFence: Cancel };

export function createLeases(link: Link, deps: LeasesDeps, signal: AbortSignal): Leases {
  const { clock } = deps;
  const held = new Map<string, Held>();
  /** Wakes those that wait for a renewal, or for the end of a lease. */
  const waiting = new Set<() => void>();
  const now = (): Moment => ({ monotonicMs: clock.monotonicMs(), wallMs: clock.nowMs() });
  const wake = (): void => {
    for (const one of waiting) one();
    waiting.clear();
  };
  const { setLimit, watch } = createFence(clock, now);
  const apply = (one: Held | undefined, item: HeartbeatReply["items"][number], sent: Moment): void => {
    if (!one) return;
    if (item.state === "lost") {
      one.stop(lost("The task-agent has ended the lease."));
      return;
    }
    one.renewed = sent;
    setLimit(one);
    if (item.state === "cancel") one.stop(canceled(item.reason, item.graceMs));
  };
  const { beatIn, everyMs, cancel } = createHeartbeats({ link, deps, signal, held, now, apply, onSuccess: wake });

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
      setLimit(one);
      watch(one);
      if (holder.lease.renewEveryMs < shortest) beatIn(holder.lease.renewEveryMs);
      return () => {
        one.cancelFence();
        held.delete(refKey(holder.ref));
        if (held.size === 0) cancel();
        wake();
      };
    },
  };
}

/** `setLimit` reports how long programs may run. `watch` stops the holder when its lease has expired. */
function createFence(clock: LeasesDeps["clock"], now: () => Moment) {
  const setLimit = ({ lease, mode, renewed, onRenewed }: Held): void =>
    onRenewed?.(lease.selfFenceMs + killWithinMs(lease, mode) - elapsedMs(renewed, now()));
  const watch = (one: Held): void => {
    const left = one.lease.selfFenceMs - elapsedMs(one.renewed, now());
    if (left <= 0) {
      // After a suspend, the programs have that much less time to end.
      const graceMs = Math.max(0, killWithinMs(one.lease, one.mode) + left);
      one.stop(fenced(one.lease.selfFenceMs, graceMs));
      return;
    }
    // Checked more often than necessary, because the wall clock may be ahead of the timers after a suspend.
    one.cancelFence = clock.after(Math.min(left, one.lease.renewEveryMs), () => watch(one));
  };
  return { setLimit, watch };
}

type HeartbeatOptions = {
  readonly link: Link;
  readonly deps: LeasesDeps;
  readonly signal: AbortSignal;
  readonly held: ReadonlyMap<string, Held>;
  readonly now: () => Moment;
  /** Called with the reply for one lease, and the time at which the request was sent. */
  readonly apply: (one: Held | undefined, item: HeartbeatReply["items"][number], sent: Moment) => void;
  /** Called after a heartbeat was answered. */
  readonly onSuccess: () => void;
};

type Heartbeats = {
  /** Sends the next heartbeat in `ms`, instead of when it was due. */
  readonly beatIn: (ms: number) => void;
  /** The shortest interval of the leases that are held; infinite when there are none. */
  readonly everyMs: () => number;
  readonly cancel: Cancel;
};

/** One heartbeat renews all leases. At most one is under way. */
function createHeartbeats({ link, deps, signal, held, now, apply, onSuccess }: HeartbeatOptions): Heartbeats {
  const { clock, logger, random } = deps;
  let cancelNext: Cancel = () => {};
  let isBeating = false;
  const everyMs = (): number => Math.min(...[...held.values()].map((one) => one.lease.renewEveryMs));
  const beatIn = (ms: number): void => {
    cancelNext();
    if (held.size > 0 && !signal.aborted) cancelNext = clock.after(ms, () => void beat());
  };
  const beat = async (): Promise<void> => {
    if (isBeating) return;
    isBeating = true;
    const [sent, asked, limitMs] = [now(), new Map(held), everyMs()];
    const deadline = deadlineBy(clock, limitMs);
    let nextMs = limitMs;
    let isDone = false;
    try {
      const items = [...asked.values()].map(({ ref, told }) => ({ ref, told: told?.() }));
      const reply = await link.once((client, session, options) => client.heartbeat({ session, items }, options), {
        signal: AbortSignal.any([signal, deadline.signal]),
      });
      if (reply.log) deps.onLog?.(reply.log);
      if (reply.stop) deps.onStop?.(reply.stop);
      for (const item of reply.items) apply(asked.get(refKey(item.ref)), item, sent);
      isDone = true;
    } catch (error) {
      if (!signal.aborted) logger.warn({ err: error, leases: asked.size }, "the leases could not be renewed");
      // Sooner than usual, because time is short; with jitter, because other runners retry as well.
      nextMs = (limitMs / 3) * (0.5 + random());
    } finally {
      deadline.cancel();
      isBeating = false;
      beatIn(nextMs);
      if (isDone) onSuccess();
    }
  };
  return { beatIn, everyMs, cancel: () => cancelNext() };
}

function untilOf({ renewed, lease }: Held): Moment {
  return { monotonicMs: renewed.monotonicMs + lease.selfFenceMs, wallMs: renewed.wallMs + lease.selfFenceMs };
}

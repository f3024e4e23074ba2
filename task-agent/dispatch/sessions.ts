// The runners that are signed in now. In memory only: after a restart of the agent they register again and tell what
// they hold. The newest process of a runner wins at once; its older session is over.

import { GantryError } from "@gantry/core/errors.ts";
import { type Clock, pause } from "@gantry/runtime/clock.ts";
import type { CancelDirective, Offer, PollReply, SessionRequest } from "@gantry/wire/runner/protocol.ts";
import type { RunnerSettings } from "@gantry/wire/settings/settings.ts";
import type { RunnerFacts } from "./decide-runner.ts";

export type Session = {
  readonly id: string;
  readonly facts: SessionRequest;
  lastHeardMs: number;
  free: number;
  /** It declined although it had said that it had room: it is offered nothing until then. Monotonic. */
  restUntilMs: number;
  readonly offers: Map<string, Offer>;
  readonly cancels: Map<string, CancelDirective>;
  readonly warm: string[];
  /** Wakes the open poll, when there is one. */
  wake: (() => void) | undefined;
};

export type Sessions = {
  readonly open: (facts: SessionRequest) => Session;
  /** The session of this id for the site that the caller's token speaks for; throws `session-gone`. */
  readonly use: (id: string, site: string) => Session;
  /** Ends the session of a runner, when it has one. */
  readonly end: (runner: string) => void;
  readonly byRunner: (runner: string) => Session | undefined;
  readonly bySession: (id: string) => Session | undefined;
  readonly all: () => readonly Session[];
  readonly facts: (session: Session) => RunnerFacts;
  /** Holds the poll open until there is something to say, the time is up or the runner hangs up. */
  readonly poll: (session: Session, free: number, waitMs: number, gone: AbortSignal) => Promise<PollReply>;
};

/** Polls that began at the same moment, as after a restart, end and begin again apart: by so much of their time. */
const SPREAD = 0.2;

/** Silence is measured by the monotonic clock. `onFree` hears of slots that got free, `onGone` of sessions that are over. */
export function openSessions(options: {
  clock: Clock;
  newId: () => string;
  aliveMs: number;
  onFree: (site: string) => void;
  onGone: (session: Session) => void;
  /** What runners are told with every answer, where it is anything. */
  settings?: () => RunnerSettings;
}): Sessions {
  const sessions = new Map<string, Session>();
  const newest = new Map<string, string>();

  const told = (): Pick<PollReply, "settings"> => {
    const settings = options.settings?.() ?? {};
    return Object.keys(settings).length > 0 ? { settings } : {};
  };
  const said = (session: Session): boolean => session.offers.size > 0 || session.cancels.size > 0;
  const answer = (session: Session): PollReply => {
    const cancels = [...session.cancels.values()];
    session.cancels.clear();
    return { offers: [...session.offers.values()], cancels, ...told() };
  };

  const over = (session: Session): void => {
    session.wake?.();
    options.onGone(session);
  };

  return {
    open: (facts) => {
      const older = newest.get(facts.runner);
      const before = older === undefined ? undefined : sessions.get(older);
      const session: Session = {
        id: options.newId(),
        facts,
        lastHeardMs: options.clock.monotonicMs(),
        free: 0,
        restUntilMs: 0,
        offers: new Map(),
        cancels: new Map(),
        warm: before?.warm ?? [],
        wake: undefined,
      };
      if (before) sessions.delete(before.id);
      sessions.set(session.id, session);
      newest.set(facts.runner, session.id);
      if (before) over(before);
      return session;
    },
    use: (id, site) => {
      const session = sessions.get(id);
      if (!session || session.facts.site !== site) throw new GantryError("session-gone");
      session.lastHeardMs = options.clock.monotonicMs();
      return session;
    },
    end: (runner) => {
      const session = sessions.get(newest.get(runner) ?? "");
      newest.delete(runner);
      if (!session) return;
      sessions.delete(session.id);
      over(session);
    },
    byRunner: (runner) => sessions.get(newest.get(runner) ?? ""),
    bySession: (id) => sessions.get(id),
    all: () => [...sessions.values()],
    facts: (session) => {
      const silentMs = options.clock.monotonicMs() - session.lastHeardMs;
      return {
        runner: session.facts.runner,
        session: session.id,
        site: session.facts.site,
        labels: session.facts.labels,
        slots: session.facts.slots,
        free: session.restUntilMs > options.clock.monotonicMs() ? 0 : session.free - session.offers.size,
        alive: session.wake !== undefined || silentMs < options.aliveMs,
        polling: session.wake !== undefined,
        warm: session.warm,
        lastHeard: new Date(options.clock.nowMs() - silentMs).toISOString(),
      };
    },
    poll: async (session, free, waitMs, gone) => {
      session.free = free;
      // Who says that it is full is believed; the rest is for those whose word and deed differ.
      if (free === 0) session.restUntilMs = 0;
      session.wake?.();
      if (said(session)) return answer(session);
      await pause(options.clock, waitMs * (1 - SPREAD * shareOf(session.id)), gone, (wake) => {
        session.wake = wake;
        if (free > 0) options.onFree(session.facts.site);
        return () => {
          if (session.wake === wake) session.wake = undefined;
        };
      });
      session.lastHeardMs = options.clock.monotonicMs();
      if (!sessions.has(session.id)) throw new GantryError("session-gone");
      // Who hung up must not take the cancels along; offers stay open anyway until they are claimed or expire.
      return gone.aborted ? { offers: [], cancels: [] } : answer(session);
    },
  };
}

/** From 0 to 1, the same for the same id: ids of sessions are random and begin with hexadecimal digits. */
function shareOf(id: string): number {
  const digits = Number.parseInt(id.slice(0, 4), 16);
  return Number.isNaN(digits) ? 0 : digits / 0xffff;
}

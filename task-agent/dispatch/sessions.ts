// The runners that are signed in now. In memory only: after a restart of the agent, runners register again and list the
// jobs that they hold. The newest process of a runner takes over at once, and its older session ends.

import { GantryError } from "@gantry/core/errors.ts";
import { type Clock, pause } from "@gantry/runtime/clock.ts";
import type {
  CancelDirective,
  LogOrder,
  Offer,
  PollReply,
  SessionRequest,
  StopOrder,
} from "@gantry/wire/runner/protocol.ts";
import type { RunnerSettings } from "@gantry/wire/settings/settings.ts";
import { mayRegister, type RunnerIdentity } from "../identity/decide-identity.ts";
import { type Asked, stopOf } from "./decide-asked.ts";
import type { RunnerFacts } from "./decide-runner.ts";

export type Session = {
  readonly id: string;
  readonly facts: SessionRequest;
  /** Of the runner that opened it; undefined for one with a site token. */
  publicKey: string | undefined;
  /** Monotonic, ms. The end of an open poll counts, too. */
  lastHeardMs: number;
  /** When its newest request arrived. Monotonic, ms. */
  lastRequestMs: number;
  /** As the runner last reported, less what it has claimed since. */
  freeSlots: number;
  /** It declined although it had reported free slots: it is offered nothing until then. Monotonic, ms. */
  cooldownUntilMs: number;
  readonly offers: Map<string, Offer>;
  readonly cancels: Map<string, CancelDirective>;
  /** Apps whose repositories the runner has mirrored, newest first. */
  readonly warm: string[];
  /** It lost a job because it was silent, and has sent nothing since. */
  isDoubtful: boolean;
  /** What an operator asks of this process. */
  asked: Asked | undefined;
  /** An operator waits for its log. `isSent`: a poll was answered with this. */
  log: { readonly order: LogOrder; isSent: boolean } | undefined;
  /** Wakes the open poll, when there is one. */
  wake: (() => void) | undefined;
};

export type Sessions = {
  /** `asked`: what an operator has asked of this process. */
  readonly open: (facts: SessionRequest, asked?: Asked) => Session;
  /** The session with this id, which must belong to the site of the caller's token. Counts as a sign of life. Throws `session-gone`. */
  readonly use: (id: string, site: string) => Session;
  /** From now on only who has this key may use the session. */
  readonly bind: (id: string, publicKey: string | undefined) => void;
  /**
   * Throws `session-gone` unless the sender could have opened this session: its id alone, which is in the addresses of log
   * uploads, gives no rights. An unknown id is left to `use`.
   */
  readonly checkSender: (id: string, sender: RunnerIdentity) => void;
  /** Ends the session of a runner, when it has one. */
  readonly end: (runner: string) => void;
  /**
   * The runner has lost a job because it was silent. It does not count as alive until its next request, even if its poll is
   * open, unless a request arrived after `untilMs` (monotonic).
   */
  readonly doubt: (runner: string, untilMs: number) => void;
  /** An operator asks this of a runner, or nothing more. A session learns it with the answer to its open poll. */
  readonly ask: (runner: string, asked: Asked | undefined) => void;
  /** An operator wants lines of its log, or waits no longer. False when the runner is not signed in here. */
  readonly askLog: (runner: string, order: LogOrder | undefined) => boolean;
  readonly byRunner: (runner: string) => Session | undefined;
  readonly bySession: (id: string) => Session | undefined;
  readonly all: () => readonly Session[];
  /** When a runner whose session has ended sent its last request, RFC 3339; undefined when this process does not know. */
  readonly lastHeard: (runner: string) => string | undefined;
  readonly facts: (session: Session) => RunnerFacts;
  /**
   * Holds the poll open until there is an offer or a cancel, `waitMs` has passed or `gone` aborts, because the runner closed
   * the connection. Throws `session-gone` when the session ended while the poll was open.
   */
  readonly poll: (session: Session, freeSlots: number, waitMs: number, gone: AbortSignal) => Promise<PollReply>;
};

/** Polls that began at the same moment, as after a restart, end spread over this share of their time. */
const SPREAD = 0.2;

export type SessionsDeps = {
  readonly clock: Clock;
  readonly newId: () => string;
  /** A runner that has been silent for longer is not alive. Measured on the monotonic clock. */
  readonly aliveMs: number;
  /** A runner of the site has free slots and an open poll. */
  readonly onSlotsFree: (site: string) => void;
  readonly onEnded: (session: Session) => void;
  /** Settings that runners receive with every reply to a poll. Default: none. */
  readonly settings?: () => RunnerSettings;
};

export function openSessions(deps: SessionsDeps): Sessions {
  const { clock } = deps;
  const sessions = new Map<string, Session>();
  const newest = new Map<string, string>();
  /** For runners without a session, as far as this process knows: the time of their last request, on the monotonic clock. */
  const heardBefore = new Map<string, number>();

  const close = (session: Session): void => {
    sessions.delete(session.id);
    heardBefore.set(session.facts.runner, session.lastHeardMs);
    session.wake?.();
    deps.onEnded(session);
  };

  return {
    open: (facts, asked) => {
      const before = sessions.get(newest.get(facts.runner) ?? "");
      const log = before?.log && { order: before.log.order, isSent: false };
      const session = newSession(deps, facts, { warm: before?.warm ?? [], asked, log });
      sessions.set(session.id, session);
      newest.set(facts.runner, session.id);
      if (before) close(before);
      return session;
    },
    use: (id, site) => {
      const session = sessions.get(id);
      if (!session || session.facts.site !== site) throw new GantryError("session-gone");
      return heard(session, clock.monotonicMs());
    },
    bind: (id, publicKey) => {
      const session = sessions.get(id);
      if (session) session.publicKey = publicKey;
    },
    checkSender: (id, sender) => {
      const session = sessions.get(id);
      if (session && !mayRegister(sender, session.facts, session.publicKey)) throw new GantryError("session-gone");
    },
    end: (runner) => {
      const session = sessions.get(newest.get(runner) ?? "");
      newest.delete(runner);
      if (session) close(session);
    },
    doubt: (runner, untilMs) => {
      const session = sessions.get(newest.get(runner) ?? "");
      if (session && session.lastRequestMs <= untilMs) session.isDoubtful = true;
    },
    ...asking((runner) => sessions.get(newest.get(runner) ?? "")),
    byRunner: (runner) => sessions.get(newest.get(runner) ?? ""),
    bySession: (id) => sessions.get(id),
    all: () => [...sessions.values()],
    lastHeard: (runner) => {
      const ms = heardBefore.get(runner);
      return ms === undefined ? undefined : new Date(clock.nowMs() - (clock.monotonicMs() - ms)).toISOString();
    },
    facts: (session) => runnerFacts(deps, session),
    poll: async (session, freeSlots, waitMs, gone) => {
      session.freeSlots = freeSlots;
      // The cooldown is only for a runner that declines although it reports free slots.
      if (freeSlots === 0) session.cooldownUntilMs = 0;
      // One poll per session: an older one ends.
      session.wake?.();
      // A runner that has heard of a stop polls no more.
      const isAsked = stopOf(session) !== undefined || session.log?.isSent === false;
      if (session.offers.size > 0 || session.cancels.size > 0 || isAsked) return replyTo(deps, session);
      await pause(clock, waitMs * (1 - SPREAD * shareOf(session.id)), gone, (wake) => {
        session.wake = wake;
        if (freeSlots > 0) deps.onSlotsFree(session.facts.site);
        return () => {
          if (session.wake === wake) session.wake = undefined;
        };
      });
      session.lastHeardMs = clock.monotonicMs();
      if (!sessions.has(session.id)) throw new GantryError("session-gone");
      // Nobody receives this reply, so the cancels must stay for the next poll. Offers stay open until claimed or expired.
      return gone.aborted ? { offers: [], cancels: [] } : replyTo(deps, session);
    },
  };
}

/** What operators ask of the session of a runner. */
function asking(sessionOf: Sessions["byRunner"]): Pick<Sessions, "ask" | "askLog"> {
  return {
    ask: (runner, asked) => {
      const session = sessionOf(runner);
      if (!session) return;
      session.asked = asked;
      session.wake?.();
    },
    askLog: (runner, order) => {
      const session = sessionOf(runner);
      if (!session) return false;
      session.log = order && { order, isSent: false };
      if (order) session.wake?.();
      return true;
    },
  };
}

/** A request of the runner arrived. */
function heard(session: Session, nowMs: number): Session {
  session.lastHeardMs = nowMs;
  session.lastRequestMs = nowMs;
  session.isDoubtful = false;
  return session;
}

function newSession(
  { newId, clock }: SessionsDeps,
  facts: SessionRequest,
  { warm, asked, log }: Pick<Session, "warm" | "asked" | "log">,
): Session {
  return {
    id: newId(),
    facts,
    publicKey: undefined,
    lastHeardMs: clock.monotonicMs(),
    lastRequestMs: clock.monotonicMs(),
    freeSlots: 0,
    cooldownUntilMs: 0,
    offers: new Map(),
    cancels: new Map(),
    warm,
    isDoubtful: false,
    asked,
    log,
    wake: undefined,
  };
}

function runnerFacts({ clock, aliveMs }: SessionsDeps, session: Session): RunnerFacts {
  const silentMs = clock.monotonicMs() - session.lastHeardMs;
  return {
    runner: session.facts.runner,
    session: session.id,
    site: session.facts.site,
    labels: session.facts.labels,
    slots: session.facts.slots,
    runs: session.facts.runs,
    forks: session.facts.forks,
    free: session.cooldownUntilMs > clock.monotonicMs() ? 0 : session.freeSlots - session.offers.size,
    alive: !session.isDoubtful && (session.wake !== undefined || silentMs < aliveMs),
    ...(session.asked ? { closed: true as const } : {}),
    polling: session.wake !== undefined,
    warm: session.warm,
    lastHeard: new Date(clock.nowMs() - silentMs).toISOString(),
  };
}

/** Takes the cancels out of the session. Offers stay, and are repeated with every reply. */
function replyTo(deps: SessionsDeps, session: Session): PollReply {
  const cancels = [...session.cancels.values()];
  session.cancels.clear();
  const settings = deps.settings?.() ?? {};
  const hasSettings = Object.keys(settings).length > 0;
  const stop: StopOrder | undefined = stopOf(session);
  const log = session.log?.order;
  if (session.log) session.log.isSent = true;
  return {
    offers: [...session.offers.values()],
    cancels,
    ...(hasSettings ? { settings } : {}),
    ...(stop ? { stop } : {}),
    ...(log ? { log } : {}),
  };
}

/** From 0 to 1, always the same for one id. Ids of sessions are random and begin with hexadecimal digits. */
function shareOf(id: string): number {
  const digits = Number.parseInt(id.slice(0, 4), 16);
  return Number.isNaN(digits) ? 0 : digits / 0xffff;
}

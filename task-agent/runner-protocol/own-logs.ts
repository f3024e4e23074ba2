// The runners' own logs: an operator asks, the runner hears of it with the answer to a poll or a renewal, and sends its lines.
// The lines are what a runner says, so they are untrusted. They are not stored, except for as long as an agent needs to pass them
// on to the one that was asked (own-log-letters.ts).

import { GantryError } from "@gantry/core/errors.ts";
import { visibleText } from "@gantry/core/visible-text.ts";
import { type Clock, pause } from "@gantry/runtime/clock.ts";
import { RUNNER_LOG_MS } from "@gantry/wire/agent/sites/runners.ts";
import type { LogOrder, OwnLog } from "@gantry/wire/runner/protocol.ts";
import type { RunnerRegistry } from "../dispatch/runner-registry.ts";
import type { Sessions } from "../dispatch/sessions.ts";

export type ReadOwnLog = Pick<OwnLog, "lines" | "held" | "dropped">;

/** See own-log-letters.ts. */
export type OwnLogLetters = {
  /** False when the runner is signed in at no other agent. */
  readonly ask: (runner: string, order: LogOrder) => Promise<boolean>;
  readonly answer: (runner: string, id: string, answer: ReadOwnLog) => Promise<void>;
  readonly read: (
    runner: string,
  ) => Promise<{ readonly order: LogOrder; readonly answer?: ReadOwnLog | undefined } | undefined>;
  /** Removes the answer. */
  readonly clear: (runner: string, id: string) => Promise<void>;
};

export type OwnLogs = {
  /**
   * Throws `not-found`, `runner-cannot` for a runner that does not send its log, `runner-silent` when it does not answer in
   * time, and `conflict` while somebody else reads it.
   */
  readonly read: (runner: string, asked: Omit<LogOrder, "id">, gone: AbortSignal) => Promise<ReadOwnLog>;
  /** The answer of a runner. Ignored when nobody waits for it. Throws `session-gone`. */
  readonly receive: (message: OwnLog, site: string) => Promise<void>;
  /** Another agent that shares the journal has asked a runner, or has its answer. Rejects when the store fails. */
  readonly onPeerEvent: (runner: string) => Promise<void>;
};

export type OwnLogsDeps = {
  readonly sessions: Pick<Sessions, "askLog" | "byRunner" | "lastHeard" | "facts" | "use">;
  readonly registry: Pick<RunnerRegistry, "find">;
  readonly clock: Clock;
  readonly newId: () => string;
  /** To other agents; absent where there are none. */
  readonly letters?: OwnLogLetters | undefined;
};

const LOG = "log";

type Reading = { readonly runner: string; answer: ReadOwnLog | undefined; wake: () => void };

export function openOwnLogs({ sessions, registry, clock, newId, letters }: OwnLogsDeps): OwnLogs {
  const open = new Map<string, Reading>();
  /** Requests of other agents: until when they wait, on the monotonic clock. */
  const ofPeers = new Map<string, number>();

  const silent = (runner: string): GantryError => {
    const session = sessions.byRunner(runner);
    const heard = session ? sessions.facts(session).lastHeard : sessions.lastHeard(runner);
    const why = heard === undefined ? "It is not signed in at this task-agent." : `It was last heard from at ${heard}.`;
    return new GantryError("runner-silent", { runner, limit: `${RUNNER_LOG_MS / 1_000} s`, why });
  };

  return {
    read: async (runner, asked, gone) => {
      await requireAble(registry, runner);
      if ([...open.values()].some((one) => one.runner === runner)) throw busy(runner);
      const order = { id: newId(), ...asked };
      const reading: Reading = { runner, answer: undefined, wake: () => {} };
      open.set(order.id, reading);
      try {
        if (!sessions.askLog(runner, order) && !(await letters?.ask(runner, order))) throw silent(runner);
        await pause(clock, RUNNER_LOG_MS, gone, (wake) => {
          reading.wake = wake;
          if (reading.answer) wake();
          return () => {};
        });
        if (!reading.answer) throw silent(runner);
        return reading.answer;
      } finally {
        open.delete(order.id);
        sessions.askLog(runner, undefined);
      }
    },
    receive: async ({ session, id, lines, held, dropped }, site) => {
      const { facts, log } = sessions.use(session, site);
      const answer = { lines: lines.map(inOneLine), held, dropped };
      const until = ofPeers.get(id);
      if (until !== undefined && log?.order.id === id) {
        ofPeers.delete(id);
        sessions.askLog(facts.runner, undefined);
        if (clock.monotonicMs() < until) await letters?.answer(facts.runner, id, answer);
        return;
      }
      const reading = open.get(id);
      if (reading?.runner === facts.runner) give(reading, answer);
    },
    onPeerEvent: async (runner) => {
      const letter = await letters?.read(runner);
      if (!letter) return;
      const { order, answer } = letter;
      const reading = open.get(order.id);
      if (answer && reading) {
        give(reading, answer);
        await letters?.clear(runner, order.id);
      } else if (!answer && sessions.askLog(runner, order)) {
        for (const [id, until] of ofPeers) if (until < clock.monotonicMs()) ofPeers.delete(id);
        ofPeers.set(order.id, clock.monotonicMs() + RUNNER_LOG_MS);
      }
    },
  };
}

function give(reading: Reading, answer: ReadOwnLog): void {
  reading.answer = answer;
  reading.wake();
}

async function requireAble(registry: OwnLogsDeps["registry"], runner: string): Promise<void> {
  const known = await registry.find(runner);
  if (known?.facts.runner !== runner || known.removed)
    throw new GantryError("not-found", { kind: "runner", name: runner });
  const { version, obeys = [] } = known.facts;
  if (obeys.includes(LOG)) return;
  const todo = "Read it on its machine: `journalctl -u gantry-runner`, `docker compose logs` or `kubectl logs`.";
  throw new GantryError("runner-cannot", { runner, version, what: "send its log", todo });
}

function busy(runner: string): GantryError {
  const problem = "is being read by someone else";
  const why = "One request at a time is sent to a runner.";
  return new GantryError("conflict", { what: `The log of runner ${runner}`, problem, why, todo: "Try again." });
}

/** A line cannot be mistaken for two, and cannot control a terminal. */
function inOneLine(line: string): string {
  return visibleText(line.replaceAll("\n", "\\n"));
}

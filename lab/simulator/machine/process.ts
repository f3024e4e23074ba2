// Simulated machines and the processes on them. A process acts only when something is delivered to it: a timer, an answer,
// a disk. One that is dead is delivered nothing ever again, one that is paused (SIGSTOP) gets all of it when it goes on.

import type { Clock } from "@gantry/runtime/clock.ts";
import type { Random } from "./random.ts";
import type { Timeline } from "./timeline.ts";
import type { Trace } from "./trace.ts";

/** The day on which all simulations begin. */
const BEGIN_MS = Date.UTC(2026, 0, 5, 8);

/** What survives the processes of a machine: its clock. Rate 2: it counts two seconds in one. */
export type Machine = {
  readonly name: string;
  readonly clock: { readonly nowMs: () => number; readonly monotonicMs: () => number };
  readonly rate: () => number;
  readonly rates: () => readonly [slowest: number, fastest: number];
  readonly setRate: (rate: number) => void;
  readonly jump: (ms: number) => void;
};

export type Process = {
  readonly name: string;
  readonly machine: Machine;
  readonly clock: Clock;
  readonly isAlive: () => boolean;
  readonly isPaused: () => boolean;
  /** Simulated moment at which it went on after its last pause; 0 when there was none. */
  readonly resumedMs: () => number;
  /** Lets it see something now, or when its pause is over. */
  readonly deliver: (run: () => void) => void;
  /** The same after simulated milliseconds. */
  readonly deliverIn: (ms: number, run: () => void) => () => void;
  readonly kill: () => void;
  readonly pause: (ms: number) => void;
  /** Ends a pause now. */
  readonly resume: () => void;
  /** Hears of its death, for what others see of it (connections). The answer takes it back. */
  readonly onDeath: (hear: () => void) => () => void;
};

export type Simulation = { readonly timeline: Timeline; readonly random: Random; readonly trace: Trace };

export function createMachine(timeline: Timeline, name: string): Machine {
  let anchor = { simMs: 0, monotonicMs: 1_000, rate: 1 };
  let wallOffset = BEGIN_MS;
  let [slowest, fastest] = [1, 1];
  const monotonicMs = (): number => anchor.monotonicMs + (timeline.nowMs() - anchor.simMs) * anchor.rate;
  return {
    name,
    clock: { monotonicMs, nowMs: () => Math.floor(wallOffset + monotonicMs()) },
    rate: () => anchor.rate,
    rates: () => [slowest, fastest],
    setRate: (rate) => {
      [slowest, fastest] = [Math.min(slowest, rate), Math.max(fastest, rate)];
      anchor = { simMs: timeline.nowMs(), monotonicMs: monotonicMs(), rate };
    },
    jump: (ms) => {
      wallOffset += ms;
    },
  };
}

export function createProcess({ timeline, random, trace }: Simulation, machine: Machine, name: string): Process {
  let alive = true;
  let pausedUntil: number | undefined;
  let resumedMs = 0;
  let held: { run: () => void; isTimer: boolean }[] = [];
  const deaths = new Set<() => void>();

  const deliver = (run: () => void, isTimer = false): void => {
    if (!alive) return;
    if (pausedUntil === undefined) run();
    else held.push({ run, isTimer });
  };
  const goOn = (): void => {
    if (!alive || pausedUntil === undefined) return;
    pausedUntil = undefined;
    resumedMs = timeline.nowMs();
    trace.line(`${name} goes on`);
    // A process that was stopped while it waited for input sees the input first; one that was stopped at work may see
    // its timers first.
    const timersFirst = random.chance(0.5);
    const sorted = [
      ...held.filter(({ isTimer }) => isTimer === timersFirst),
      ...held.filter(({ isTimer }) => isTimer !== timersFirst),
    ];
    held = [];
    for (const { run } of sorted) timeline.at(resumedMs, () => deliver(run));
  };
  const in_ = (ms: number, run: () => void, isTimer: boolean): (() => void) => {
    let off = false;
    const cancel = timeline.at(timeline.nowMs() + ms, () =>
      deliver(() => {
        if (!off) run();
      }, isTimer),
    );
    return () => {
      off = true;
      cancel();
    };
  };

  return {
    name,
    machine,
    // Timers of Node count whole milliseconds and never fire early.
    clock: { ...machine.clock, after: (ms, run) => in_(Math.max(1, Math.ceil(ms)) / machine.rate(), run, true) },
    isAlive: () => alive,
    isPaused: () => pausedUntil !== undefined,
    resumedMs: () => resumedMs,
    deliver: (run) => deliver(run),
    deliverIn: (ms, run) => in_(ms, run, false),
    kill: () => {
      if (!alive) return;
      alive = false;
      held = [];
      trace.line(`${name} dies`);
      for (const hear of deaths) hear();
      deaths.clear();
    },
    pause: (ms) => {
      if (!alive || pausedUntil !== undefined) return;
      pausedUntil = timeline.nowMs() + ms;
      trace.line(`${name} is stopped for ${Math.round(ms)} ms`);
      timeline.at(pausedUntil, goOn);
    },
    resume: goOn,
    onDeath: (hear) => {
      deaths.add(hear);
      return () => void deaths.delete(hear);
    },
  };
}

// Simulated machines and the processes on them. A process runs only when something is delivered to it: a timer, an answer,
// the end of a disk operation. A dead process gets nothing any more; a paused one (SIGSTOP) gets everything when it resumes.

import type { Clock } from "@gantry/runtime/clock.ts";
import type { Random } from "./random.ts";
import type { Timeline } from "./timeline.ts";
import type { Trace } from "./trace.ts";

/** The wall-clock time at which every simulation begins. */
const BEGIN_MS = Date.UTC(2026, 0, 5, 8);

/** A machine has a clock, which survives its processes. Rate 2: it counts two seconds in one. */
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
  /** Simulated time at which it resumed after its last pause; 0 when there was none. */
  readonly resumedMs: () => number;
  /** Runs something in the process now, or when its pause is over; never when it is dead. */
  readonly deliver: (run: () => void) => void;
  /** The same after simulated milliseconds. The returned function cancels it. */
  readonly deliverIn: (ms: number, run: () => void) => () => void;
  readonly kill: () => void;
  readonly pause: (ms: number) => void;
  /** Ends a pause now. */
  readonly resume: () => void;
  /** Runs when the process dies, for what others notice (connections). The returned function cancels it. */
  readonly onDeath: (run: () => void) => () => void;
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
  const resume = (): void => {
    if (!alive || pausedUntil === undefined) return;
    pausedUntil = undefined;
    resumedMs = timeline.nowMs();
    trace.line(`${name} resumes`);
    // A process that was stopped while it waited for input gets the input first; one that was stopped while it ran may get
    // its timers first.
    const timersFirst = random.chance(0.5);
    const sorted = [
      ...held.filter(({ isTimer }) => isTimer === timersFirst),
      ...held.filter(({ isTimer }) => isTimer !== timersFirst),
    ];
    held = [];
    for (const { run } of sorted) timeline.at(resumedMs, () => deliver(run));
  };
  const deliverAfter = (ms: number, run: () => void, isTimer: boolean): (() => void) => {
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
    clock: {
      ...machine.clock,
      after: (ms, run) => deliverAfter(Math.max(1, Math.ceil(ms)) / machine.rate(), run, true),
    },
    isAlive: () => alive,
    isPaused: () => pausedUntil !== undefined,
    resumedMs: () => resumedMs,
    deliver: (run) => deliver(run),
    deliverIn: (ms, run) => deliverAfter(ms, run, false),
    kill: () => {
      if (!alive) return;
      alive = false;
      held = [];
      trace.line(`${name} dies`);
      for (const run of deaths) run();
      deaths.clear();
    },
    pause: (ms) => {
      if (!alive || pausedUntil !== undefined) return;
      pausedUntil = timeline.nowMs() + ms;
      trace.line(`${name} is stopped for ${Math.round(ms)} ms`);
      timeline.at(pausedUntil, resume);
    },
    resume,
    onDeath: (run) => {
      deaths.add(run);
      return () => void deaths.delete(run);
    },
  };
}

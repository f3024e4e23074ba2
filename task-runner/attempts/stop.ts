// Why work is stopped before its end. A Stopped is the reason of the abort signals of an attempt, so interrupted code can
// report what happened.

import { GantryError } from "@gantry/core/errors.ts";
import { type Failure, failureOf } from "@gantry/core/step/outcome.ts";
import type { Outcome } from "@gantry/core/task/states.ts";

export type StopKind =
  /** A user or a rule canceled it. */
  | "canceled"
  | "timed-out"
  /** The task-agent has ended the lease: no result is accepted any more. */
  | "lost"
  /** The task-agent has not answered for so long that it may give the job away: stop, and report when it answers again. */
  | "fenced"
  /** The runner process ends. */
  | "closing";

export class Stopped extends Error {
  override readonly name = "Stopped";
  readonly kind: StopKind;
  readonly failure: Failure | undefined;
  /** How long programs may take to end after SIGTERM, in milliseconds. */
  readonly graceMs: number;

  constructor(kind: StopKind, message: string, options: { graceMs?: number; failure?: Failure } = {}) {
    super(message);
    this.kind = kind;
    this.failure = options.failure;
    this.graceMs = options.graceMs ?? DEFAULT_GRACE_MS;
  }
}

export const DEFAULT_GRACE_MS = 10_000;
/** Time limit for all cleanup steps together: steps that run after a stop because of their condition. */
export const CLEANUP_MS = 60_000;
/** How long to wait for processes to end after SIGKILL. */
export const KILL_LIMIT_MS = 5_000;
/** A step that ignores its signal is abandoned this long after the grace period of its programs. */
export const ABANDON_MS = 2_000;
/** Programs that do not end are waited for a little longer, so that their survival is reported. */
export const LONGEST_ABANDON_MS = ABANDON_MS + KILL_LIMIT_MS;
/** Short, because another runner may already do the same work. */
const LOST_GRACE_MS = 1_500;
const MAX_GRACE_MS = 120_000;

export function canceled(reason: string, graceMs: number): Stopped {
  return new Stopped("canceled", reason, { graceMs: Math.min(graceMs, MAX_GRACE_MS) });
}

export function timedOut(what: string, limitMs: number): Stopped {
  const error = new GantryError("timed-out", { what, limit: duration(limitMs) });
  return new Stopped("timed-out", error.message, { failure: failureOf(error) });
}

export function lost(problem: string): Stopped {
  return new Stopped("lost", problem, {
    graceMs: LOST_GRACE_MS,
    failure: failureOf(new GantryError("lease-lost", { problem })),
  });
}

export function fenced(silentMs: number, graceMs: number): Stopped {
  const problem = `The task-agent has not answered for ${duration(silentMs)}. It may have given the job to another runner.`;
  return new Stopped("fenced", problem, { graceMs, failure: failureOf(new GantryError("lease-lost", { problem })) });
}

export function closing(): Stopped {
  return new Stopped("closing", "The runner is being stopped.");
}

/** The outcome of a step that was stopped for this reason. */
export function outcomeOf(stopped: Stopped): Outcome {
  if (stopped.kind === "canceled") return "canceled";
  return stopped.kind === "timed-out" ? "timed-out" : "errored";
}

/** `90s`, `5m`, `1h30m`: the format of pipeline files. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  const seconds = Math.round(ms / 1_000);
  const parts: [number, string][] = [
    [Math.floor(seconds / 3_600), "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ];
  return parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join("");
}

// Why work is stopped before its end. It is the reason of the abort signals of an attempt, so whoever is interrupted
// can tell what happened.

import { GantryError } from "@gantry/core/errors.ts";
import { type Failure, failureOf } from "@gantry/core/step/outcome.ts";
import type { Outcome } from "@gantry/core/task/states.ts";

export type StopKind =
  /** A person or a rule canceled it. */
  | "canceled"
  | "timed-out"
  /** The agent says that the lease is over: nothing counts any more. */
  | "lost"
  /** The agent was not heard for so long that it may give the job away: stop, and tell when it is back. */
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
/** Steps that run after a stop, because their condition says so, have so long together. */
export const CLEANUP_MS = 60_000;
/** How long to look for the end of processes that got SIGKILL before giving up. */
export const KILL_LIMIT_MS = 5_000;
/** A step that does not react to its signal is left alone so long after its programs had to be gone. */
export const ABANDON_MS = 2_000;
/** Programs that do not die are waited for a little longer: that they do not is worth knowing. */
export const LONGEST_ABANDON_MS = ABANDON_MS + KILL_LIMIT_MS;
/** Somebody else may be doing the same work already. */
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
  const problem = `The task-agent was not heard for ${duration(silentMs)}; it may have given the job away.`;
  return new Stopped("fenced", problem, { graceMs, failure: failureOf(new GantryError("lease-lost", { problem })) });
}

export function closing(): Stopped {
  return new Stopped("closing", "The runner is being stopped.");
}

/** How a step ends that was interrupted so. */
export function outcomeOf(stopped: Stopped): Outcome {
  if (stopped.kind === "canceled") return "canceled";
  return stopped.kind === "timed-out" ? "timed-out" : "errored";
}

/** `90s`, `5m`, `1h30m`: as it is written in pipeline files. */
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

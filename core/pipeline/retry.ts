// `retry:` of a job or a step: decides whether and when another attempt (for a step: another try) follows.

import type { Outcome } from "../task/states.ts";

/** Outcomes after which another attempt may be made. */
export const RETRY_ON = ["failed", "errored", "timed-out"] as const;
export type RetryOn = (typeof RETRY_ON)[number];

/** Pipelines pinned by an older version lack newer keywords. An absent keyword means the behaviour before it existed. */
export type Retry = {
  /** How many more attempts; 0 is none. */
  readonly max: number;
  readonly delayMs: number;
  /** Always set by the parser. Absent in pipelines that an older version pinned: then `errored` and `timed-out`. */
  readonly on?: readonly RetryOn[];
  /** A script that failed is only tried again after one of these exit codes. */
  readonly exitCodes?: readonly number[];
  /** After `errored`, it is only tried again for one of these error codes. */
  readonly errors?: readonly string[];
  /** `fixed` (default): always `delayMs`. `exponential`: doubled with every attempt up to `maxDelayMs`, with jitter. */
  readonly backoff?: "fixed" | "exponential";
  readonly maxDelayMs?: number;
};

export type End = {
  readonly outcome: Outcome;
  /** The exit code of the script, if a script failed. */
  readonly exitCode?: number | undefined;
  /** The code of the error that it ended with, if there was one. */
  readonly code?: string | undefined;
};

const DEFAULT_ON: readonly RetryOn[] = ["errored", "timed-out"];
const DEFAULT_MAX_DELAY_MS = 600_000;

/**
 * The delay in ms before the next attempt; undefined if there is none. `tries`: ended attempts that count towards `max`,
 * including this one, from 1. `random`: from 0 to 1, for a jitter between half and all of the delay.
 */
export function decideRetry(retry: Retry, end: End, tries: number, random: number): number | undefined {
  const { max, delayMs, on = DEFAULT_ON, backoff = "fixed", maxDelayMs = DEFAULT_MAX_DELAY_MS } = retry;
  if (tries > max || !on.some((outcome) => outcome === end.outcome) || isOtherCode(retry, end)) return undefined;
  if (backoff === "fixed") return delayMs;
  const whole = Math.min(maxDelayMs, delayMs * 2 ** Math.min(tries - 1, 20));
  return Math.round(whole / 2 + (whole / 2) * random);
}

function isOtherCode({ exitCodes, errors }: Retry, { outcome, exitCode, code }: End): boolean {
  if (outcome === "failed") return exitCodes !== undefined && !exitCodes.some((one) => one === exitCode);
  return outcome === "errored" && errors !== undefined && !errors.some((one) => one === code);
}

/**
 * A number from 0 to 1 that depends only on the text (FNV-1a): jitter for pure decisions. Different tasks spread out, and a
 * repeated decision gives the same result.
 */
export function spreadOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash >>> 0) / 0xffffffff;
}

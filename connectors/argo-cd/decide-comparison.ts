// What an error of the comparison means. While an app has one, its target state is unknown: nothing may be synced, no
// difference may be reported, and "Synced" means nothing. Pure.

import type { Application } from "./model.ts";

/** What is kept from one check to the next. */
export type Patience = {
  /** Since when the app is Degraded without a break, ms since 1970. */
  readonly sickSinceMs?: number | undefined;
  /** How many fresh checks in a row found an error of the comparison, and since when, ms since 1970. */
  readonly errors: number;
  readonly errorSinceMs?: number | undefined;
  /** When a hard refresh was last asked for because of it, ms since 1970. */
  readonly hardAtMs?: number | undefined;
  /** Since when the app is healthy with an image that none of its manifests uses, ms since 1970. */
  readonly unusedSinceMs?: number | undefined;
};

/** `normal`: ask git again. `hard`: also forget what is cached for the commit. */
export type Refresh = "normal" | "hard";

export type ComparisonTrouble =
  | {
      readonly kind: "waiting";
      readonly reason: string;
      readonly refresh: Refresh;
      readonly patience: Patience;
      /** The shortest pause between two checks, ms: Argo CD gives up on a commit after three failures. */
      readonly pauseMs: number;
    }
  | { readonly kind: "failed"; readonly problem: string; readonly line: string }
  /** The cause should have passed by itself but has not. A change of the manifests would not help. */
  | { readonly kind: "unavailable"; readonly problem: string };

/** A manifest error must persist after one fresh check, because it may be about the commit before. */
const ERRORS_IN_A_ROW = 2;
const TRANSIENT_LIMIT_MS = 10 * 60_000;
const HARD_REFRESH_EVERY_MS = 30_000;
const [FIRST_PAUSE_MS, MAX_PAUSE_MS] = [2_000, 20_000];

/** Undefined: the app has been compared. `app` was refreshed a moment ago. */
export function decideComparison(app: Application, patience: Patience, nowMs: number): ComparisonTrouble | undefined {
  const found = app.status.conditions?.find(({ type }) => type === "ComparisonError" || type === "InvalidSpecError");
  if (!found) return undefined;
  const line = `${found.type}: ${found.message}`;
  const errors = patience.errors + 1;
  const errorSinceMs = patience.errorSinceMs ?? nowMs;
  const transient = found.type === "ComparisonError" && isTransient(found.message);
  if (transient && nowMs - errorSinceMs >= TRANSIENT_LIMIT_MS) return { kind: "unavailable", problem: line };
  if (!transient && errors >= ERRORS_IN_A_ROW) return { kind: "failed", problem: found.message, line };
  // Argo CD keeps an error for the commit, by default for an hour; only a hard refresh makes it try again.
  const mayBeHard = nowMs - (patience.hardAtMs ?? Number.NEGATIVE_INFINITY) >= HARD_REFRESH_EVERY_MS;
  const refresh = /\(cached\)/.test(found.message) && mayBeHard ? "hard" : "normal";
  return {
    kind: "waiting",
    reason: line,
    refresh,
    patience: { errors, errorSinceMs, hardAtMs: refresh === "hard" ? nowMs : patience.hardAtMs },
    pauseMs: Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(errors - 1, 10)),
  };
}

/** gRPC codes of an unreachable component; errors of the network; overloaded or restarting servers behind Argo CD. */
const TRANSIENT: readonly RegExp[] = [
  /code = (Unavailable|DeadlineExceeded|Canceled|ResourceExhausted|Aborted)\b/,
  /dial tcp|connection (refused|reset|timed out)|broken pipe|i\/o timeout|no route to host|network is unreachable/i,
  /no such host|server misbehaving|temporary failure in name resolution/i,
  /context (deadline exceeded|canceled)|TLS handshake timeout|timeout awaiting|timed? ?out waiting|Client\.Timeout/i,
  /transport is closing|error reading from server|use of closed network connection|http2: (server sent GOAWAY|client connection lost)/i,
  /(status|code|error|http)\D{0,15}(429|50[0234])\b|too many requests|service unavailable|bad gateway|gateway timeout/i,
  /failed to load live state|failed to get cluster info|unable to connect to the server|the server is currently unable|etcdserver/i,
  /signal: killed|rate limit|try again later|temporarily unavailable|leader election/i,
];

/** Whether the cause is temporary, so that it says nothing about the manifests. */
export function isTransient(message: string): boolean {
  if (TRANSIENT.some((pattern) => pattern.test(message))) return true;
  return /\bEOF\b/.test(message) && !/yaml|json|pars|kustomiz/i.test(message);
}

// Keeps a step waiting while the system that it waits for restarts. A server that starts refuses connections, then answers
// 404, 401, 403 or 503 for some seconds or minutes. None of these answers is a verdict about the user's work.

import { explain, GantryError } from "@gantry/core/errors.ts";
import { isJsonObject, type JsonValue } from "@gantry/core/json.ts";
import { type StepOutcome, waiting } from "@gantry/core/step/outcome.ts";
import { backoffMs } from "@gantry/runtime/backoff.ts";
import { z } from "zod";

/** A restart of a small server takes half a minute; an upgrade with a database migration takes minutes. */
const OUTAGE_LIMIT_MS = 10 * 60_000;
/** How long an answer that is also given while starting may last, from a system that has not yet answered properly. */
const FIRST_ANSWER_LIMIT_MS = 10_000;
const PAUSE = { firstMs: 500, maxMs: 5_000, jitter: "none" } as const;

/** Typed as what a step keeps, which is read-only. */
const json: z.core.$ZodType<JsonValue> = z.json();
const memoSchema = z.object({
  /** The memo of the step itself. */
  inner: z.optional(json),
  /** The system has answered properly in this step: its address and credentials are right. */
  answered: z.boolean(),
  /** When the present outage began, ms since 1970, and how many calls have failed in it. */
  outage: z.object({ sinceMs: z.number(), calls: z.number(), down: z.boolean() }).optional(),
});
type OutlastMemo = z.output<typeof memoSchema>;

type Waiter = { readonly memo: JsonValue | undefined; readonly nowMs: () => number };

/**
 * Calls `look` with the step's own memo, and with the length of the outage that this call ends if it succeeds (0: none); a
 * step that measures how long a system takes has to subtract it. Gives its outcome. An error that a restart can cause becomes `waiting`:
 * - `system-unavailable`: for up to 10 minutes without a proper answer;
 * - `credential-refused`, `system-forbidden`, a web page, a redirect, no JSON, and a 404 that `look` did not expect: equally
 *   long if the system has answered properly in this step before or was down in this outage, else for 10 seconds;
 * - `certificate-untrusted`: equally long after a proper answer, because a proxy that starts may have a certificate of its
 *   own; else it is thrown at once.
 * Every other error is thrown at once.
 */
export async function outlastRestart<O>(
  { memo: given, nowMs }: Waiter,
  look: (memo: JsonValue | undefined, outageMs: number) => Promise<StepOutcome<O>>,
): Promise<StepOutcome<O>> {
  const memo = memoOf(given);
  try {
    const outcome = await look(memo.inner, memo.outage === undefined ? 0 : nowMs() - memo.outage.sinceMs);
    if (outcome.kind !== "waiting") return outcome;
    const next = { answered: true, ...(outcome.memo === undefined ? {} : { inner: outcome.memo }) };
    return waiting(outcome.reason, outcome.retryAfterMs, next);
  } catch (error) {
    if (!(error instanceof GantryError) || !mayBeStarting(error)) throw error;
    const since = memo.outage ?? { sinceMs: nowMs(), calls: 0, down: false };
    const down = since.down || error.code === "system-unavailable";
    const limitMs = limitOf(error, memo.answered, down);
    if (nowMs() - since.sinceMs >= limitMs) throw error;
    const { message, why } = explain(error);
    const outage = { sinceMs: since.sinceMs, calls: since.calls + 1, down };
    const pauseMs = backoffMs(PAUSE, outage.calls);
    return waiting(`${message} ${why}`, Math.max(pauseMs, retryAfterOf(error)), { ...memo, outage });
  }
}

function limitOf({ code }: GantryError, answered: boolean, down: boolean): number {
  if (answered) return OUTAGE_LIMIT_MS;
  if (code === "certificate-untrusted") return 0;
  return down ? OUTAGE_LIMIT_MS : FIRST_ANSWER_LIMIT_MS;
}

/** Whether a server that is starting, or a proxy in front of it, can cause this error. */
function mayBeStarting({ code, details }: GantryError): boolean {
  if (code === "system-refused") return details.status === 404;
  // A web page or a redirect of the proxy. Data of another form than expected has no status here, and is final.
  if (code === "system-strange") return typeof details.status === "number";
  // Without a status it is not about our own credentials: the system reports what a third one refused.
  if (code === "credential-refused") return details.status === 401;
  return code === "system-unavailable" || code === "system-forbidden" || code === "certificate-untrusted";
}

function retryAfterOf({ details }: GantryError): number {
  return typeof details.retryAfterMs === "number" ? details.retryAfterMs : 0;
}

/** A memo of an earlier version of the step is kept as the step's own. */
function memoOf(given: JsonValue | undefined): OutlastMemo {
  const parsed = isJsonObject(given) && "answered" in given ? memoSchema.safeParse(given) : undefined;
  if (parsed?.success) return parsed.data;
  return { answered: false, ...(given === undefined ? {} : { inner: given }) };
}

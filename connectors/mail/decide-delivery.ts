// What one attempt to send a mail to several receivers means for its delivery. Pure. Every receiver counts: a mail that one
// server accepted and another one greylisted is not delivered yet.

import { counted } from "@gantry/core/count.ts";
import type { SendResult } from "@gantry/core/notify/channel.ts";

export type Rejection = { readonly receiver: string; readonly code: number; readonly text: string };

/** The server accepted the mail for all but `rejected`; without `messageId` it accepted it for no receiver. */
export type Attempt =
  | { readonly messageId?: string; readonly rejected: readonly Rejection[] }
  /** The attempt ended before the receivers were decided on. */
  | { readonly failure: SendResult };

export type DeliveryDecision = {
  readonly result: SendResult;
  /** Who has got the mail, or never will: they are left out of the next attempt. */
  readonly reached: ReadonlySet<string>;
};

const SECOND_MS = 1_000;
const MAX_WAIT_MS = 3_600_000;

/** `before`: who was reached by earlier attempts; `open`: to whom this attempt was made. */
export function decideDelivery({
  before,
  open,
  attempt,
}: {
  readonly before: ReadonlySet<string>;
  readonly open: readonly string[];
  readonly attempt: Attempt;
}): DeliveryDecision {
  if ("failure" in attempt) return { result: attempt.failure, reached: before };
  const { rejected } = attempt;
  const later = rejected.filter(({ code }) => code < 500);
  const never = rejected.filter(({ code }) => code >= 500);
  const waiting = new Set(later.map(({ receiver }) => receiver));
  const reached = new Set([...before, ...open.filter((one) => !waiting.has(one))]);
  if (later.length > 0) {
    const problem = `${later.length} of ${counted(before.size + open.length, "receiver")}: ${later[0]?.text ?? ""}`;
    const afterMs = waitOf(later);
    return { result: { kind: "retry", problem, ...(afterMs === undefined ? {} : { afterMs }) }, reached };
  }
  const [first] = never;
  if (first && never.length === open.length && before.size === 0) {
    return { result: { kind: "refused", problem: first.text }, reached };
  }
  const refused = first ? ` (${never.length} of ${counted(before.size + open.length, "receiver")} refused)` : "";
  return { result: { kind: "delivered", ref: `${attempt.messageId ?? ""}${refused}`.trim() }, reached };
}

/** "Greylisted, try again in 300 seconds": the longest time that one of them asks for. */
function waitOf(later: readonly Rejection[]): number | undefined {
  const times = later.flatMap(({ text }) => {
    const match = /\b(\d{1,5})\s*(s|secs?|seconds?|m|mins?|minutes?)\b/i.exec(text);
    if (!match) return [];
    return [Number(match[1]) * SECOND_MS * (/^m/i.test(match[2] ?? "") ? 60 : 1)];
  });
  return times.length === 0 ? undefined : Math.min(Math.max(...times), MAX_WAIT_MS);
}

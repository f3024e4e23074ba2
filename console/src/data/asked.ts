// The approvals that wait for this person.

import { signal } from "@preact/signals";
import { v1 } from "./api.ts";

/** How many there are. main.tsx keeps it up to date. */
export const askedCount = signal(0);

export const askedOfMe = v1.approvals({ mine: "true" });

const KINDS: readonly unknown[] = [
  "ApprovalRequested",
  "ApprovalReminded",
  "ApprovalEscalated",
  "ApprovalAnswered",
  "ApprovalExpired",
  "PolicyOverridden",
  "JobEnded",
];

/** Whether an event may change what waits. */
export function changesAsked({ data }: { readonly data: { readonly event: { readonly kind?: unknown } } }): boolean {
  return KINDS.includes(data.event.kind);
}

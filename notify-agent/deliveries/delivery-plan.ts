// Which deliveries the rules require for a page of events. Pure.

import type { CompiledRule } from "@gantry/core/notify/compile-rules.ts";
import { matchRules, type RuleProblem } from "@gantry/core/notify/match.ts";
import type { FeedEvent } from "@gantry/wire/agent/views.ts";
import { renderNotice } from "../messages.ts";
import { type Delivery, INBOX } from "./delivery.ts";

/** A delivery without an id: ids are made from the time of the store. */
export type PlannedDelivery = Omit<Delivery, "id">;

export type DeliveryPlan = {
  /** With distinct keys. When several events have the same key, the first one is used. */
  readonly wanted: readonly PlannedDelivery[];
  readonly problems: readonly RuleProblem[];
  /** The number of events that are too old. */
  readonly old: number;
};

export type PlanOptions = {
  readonly rules: readonly CompiledRule[];
  readonly nowMs: number;
  /** Older events are ignored, so that a new notify-agent does not send messages about the past. */
  readonly maxAgeMs: number;
  readonly portalUrl: string | undefined;
};

export function planDeliveries(events: readonly FeedEvent[], terms: PlanOptions): DeliveryPlan {
  const wanted = new Map<string, PlannedDelivery>();
  const problems: RuleProblem[] = [];
  let old = 0;
  for (const event of events) {
    const atMs = Date.parse(event.time);
    if (atMs < terms.nowMs - terms.maxAgeMs) {
      old += 1;
      continue;
    }
    const matched = matchRules(terms.rules, event);
    problems.push(...matched.problems);
    for (const match of matched.matches) {
      if (wanted.has(match.key)) continue;
      const toInbox = match.channel === INBOX;
      wanted.set(match.key, {
        key: match.key,
        rule: match.rule,
        channel: match.channel,
        to: match.to ?? null,
        event: event.id,
        task: event.data.task,
        app: event.data.app ?? null,
        content: renderNotice(event, terms.portalUrl),
        atMs,
        createdMs: terms.nowMs,
        state: toInbox ? "delivered" : "pending",
        tries: toInbox ? 1 : 0,
        nextTryMs: toInbox ? null : terms.nowMs,
        deliveredMs: toInbox ? terms.nowMs : null,
        problem: null,
        ref: null,
      });
    }
  }
  return { wanted: [...wanted.values()], problems, old };
}

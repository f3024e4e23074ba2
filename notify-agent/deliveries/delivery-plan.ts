// Which deliveries a page of the feed asks for. Pure.

import type { CompiledRule } from "@gantry/core/notify/compile-rules.ts";
import { matchRules, type RuleProblem } from "@gantry/core/notify/match.ts";
import type { FeedEvent } from "@gantry/wire/agent/views.ts";
import { renderNotice } from "../messages.ts";
import { type Delivery, INBOX } from "./delivery.ts";

/** A delivery that has no id yet: ids are store time. */
export type Wanted = Omit<Delivery, "id">;

export type Decision = {
  /** No two have the same key; the first event that asks for a key has it. */
  readonly wanted: readonly Wanted[];
  readonly problems: readonly RuleProblem[];
  /** Events that are too old to be news. */
  readonly old: number;
};

export type Terms = {
  readonly rules: readonly CompiledRule[];
  readonly nowMs: number;
  /** An event that is older is passed over: a new notify-agent does not tell the whole past. */
  readonly maxAgeMs: number;
  readonly portalUrl: string | undefined;
};

export function planDeliveries(events: readonly FeedEvent[], terms: Terms): Decision {
  const wanted = new Map<string, Wanted>();
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

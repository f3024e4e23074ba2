// Which deliveries the rules require for a page of events. Pure.

import type { CompiledRule } from "@gantry/core/notify/compile-rules.ts";
import { matchRules, type RuleProblem } from "@gantry/core/notify/match.ts";
import type { FeedEvent } from "@gantry/wire/agent/views.ts";
import { callbackPayload, renderNotice } from "../messages.ts";
import { CALLBACK, type Delivery, INBOX } from "./delivery.ts";

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
  /** Whether the configuration has `callbacks`. */
  readonly hasCallbacks: boolean;
};

const NO_CALLBACKS = "callbacks are not set up: the configuration of the notify-agent has no `callbacks`";

export function planDeliveries(events: readonly FeedEvent[], terms: PlanOptions): DeliveryPlan {
  const wanted = new Map<string, PlannedDelivery>();
  const problems: RuleProblem[] = [];
  let old = 0;
  const add = (one: PlannedDelivery): void => {
    if (!wanted.has(one.key)) wanted.set(one.key, one);
  };
  for (const event of events) {
    if (Date.parse(event.time) < terms.nowMs - terms.maxAgeMs) {
      old += 1;
      continue;
    }
    for (const callback of callbacksOf(event, terms)) add(callback);
    const matched = matchRules(terms.rules, event);
    problems.push(...matched.problems);
    for (const { key, rule, channel, to = null } of matched.matches) {
      const addressed = { key, rule, channel, to };
      add(channel === INBOX ? shown(addressed, event, terms) : pending(addressed, event, terms));
    }
  }
  return { wanted: [...wanted.values()], problems, old };
}

type Addressed = Pick<PlannedDelivery, "key" | "rule" | "channel" | "to">;

function pending(addressed: Addressed, event: FeedEvent, { nowMs, portalUrl }: PlanOptions): PlannedDelivery {
  return {
    ...addressed,
    event: event.id,
    task: event.data.task,
    app: event.data.app ?? null,
    content: renderNotice(event, portalUrl),
    atMs: Date.parse(event.time),
    createdMs: nowMs,
    state: "pending",
    tries: 0,
    nextTryMs: nowMs,
    deliveredMs: null,
    problem: null,
    ref: null,
  };
}

/** In the inbox, recording is delivering. */
function shown(addressed: Addressed, event: FeedEvent, terms: PlanOptions): PlannedDelivery {
  const delivered = { state: "delivered", tries: 1, nextTryMs: null, deliveredMs: terms.nowMs } as const;
  return { ...pending(addressed, event, terms), ...delivered };
}

/** The addresses that the task itself wants to be told of its end. Nobody is told twice of one end. */
function callbacksOf(event: FeedEvent, terms: PlanOptions): readonly PlannedDelivery[] {
  const { task, event: fact } = event.data;
  const told = fact.kind === "TaskEnded" && Array.isArray(fact.told) ? fact.told : [];
  const addresses = told.filter((one) => typeof one === "string");
  return addresses.map((to, index) => {
    const addressed = { key: `${CALLBACK}/${task}/${index}/${CALLBACK}`, rule: CALLBACK, channel: CALLBACK, to };
    const planned = { ...pending(addressed, event, terms), payload: callbackPayload(event, terms.portalUrl) };
    return terms.hasCallbacks ? planned : { ...planned, state: "refused", nextTryMs: null, problem: NO_CALLBACKS };
  });
}

// A delivery: one message on one channel, from its creation until it is delivered, refused or given up. How it is stored in
// the journal, and how the API shows it.

import { createHash } from "node:crypto";
import type { JsonObject } from "@gantry/core/json.ts";
import type { EarlierMessage, Message } from "@gantry/core/notify/channel.ts";
import type { Journal, StreamAppend } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
import type { CallbackView, DeliveryView, InboxItem } from "@gantry/wire/notify/views.ts";
import { type Content, withoutLinks } from "../messages.ts";

export type DeliveryState = "pending" | "delivered" | "refused" | "given-up";

export type Delivery = {
  /** `<rule>/<once-per value>/<channel>` */
  readonly key: string;
  /** Store time in microseconds, 16 digits: sorts by age. */
  readonly id: string;
  readonly rule: string;
  readonly channel: string;
  readonly to: string | null;
  /** Id of the event. */
  readonly event: string;
  readonly task: string;
  readonly app: string | null;
  readonly content: Content;
  /** What a callback sends. Absent: it is a message to people. */
  readonly payload?: JsonObject;
  /** Time of the event, which is the date of the message. */
  readonly atMs: number;
  readonly createdMs: number;
  readonly state: DeliveryState;
  readonly tries: number;
  /** Set while pending. */
  readonly nextTryMs: number | null;
  readonly deliveredMs: number | null;
  readonly problem: string | null;
  /** The id that the other side gave the message. */
  readonly ref: string | null;
};

/** The built-in channel: its messages are shown in the portal, so recording them is delivering them. */
export const INBOX = "inbox";

/** The rule and the channel of callbacks, which no configuration may use: what a task itself asks to be told. */
export const CALLBACK = "callback";

/**
 * `callbacks`: by task, then id. `deliveries` and `inbox`: by id. `pending`: by channel, then id. `threads`: what the other side has given an id, by channel
 * and task, then id.
 */
export const NOTIFY_INDEXES = ["deliveries", "pending", "inbox", "threads", "callbacks"] as const;

/** One stream per delivery. Its id is made by `streamIdOf`. */
export const DELIVERY_STREAMS = defineStream<Delivery>({
  prefix: "delivery/",
  index: ({ id, channel, state, task, ref }) => ({
    deliveries: [id],
    ...(channel === INBOX ? { inbox: [id] } : {}),
    ...(channel === CALLBACK ? { callbacks: [`${task}/${id}`] } : {}),
    ...(state === "pending" ? { pending: [`${channel}/${id}`] } : {}),
    ...(state === "delivered" && ref !== null ? { threads: [`${channel}/${task}/${id}`] } : {}),
  }),
});

/** A key may contain any characters, the name of a stream may not. */
export function streamIdOf(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

export function deliveryId(micros: number): string {
  return String(micros).padStart(16, "0");
}

/** The append that records a delivery. `expected`: the version of the stream that the decision was based on. */
export function recordDelivery(delivery: Delivery, expected: number, event: JsonObject): StreamAppend {
  return DELIVERY_STREAMS.append(streamIdOf(delivery.key), { expected, events: [event], state: delivery });
}

export function messageOf(delivery: Delivery, earlier: readonly EarlierMessage[]): Message {
  const { key, to, content, atMs, payload } = delivery;
  const message = {
    ...content,
    link: content.link ?? undefined,
    key,
    to: to ?? undefined,
    at: new Date(atMs),
    earlier,
  };
  return payload === undefined ? message : { ...message, payload };
}

/** For a longer thread, the first ones count. */
const MAX_EARLIER = 50;

/** What the channel of a delivery has delivered about the same task. */
export async function earlierThan(journal: Journal, { channel, task }: Delivery): Promise<readonly EarlierMessage[]> {
  const page = await journal.find({ index: "threads", prefix: `${channel}/${task}/`, limit: MAX_EARLIER });
  return page.items
    .map((item) => DELIVERY_STREAMS.stateOf(item))
    .sort((a, b) => (a.deliveredMs ?? 0) - (b.deliveredMs ?? 0))
    .flatMap(({ ref, to, content }) => (ref === null ? [] : [{ ref, to: to ?? undefined, title: content.title }]));
}

export function deliveryView(delivery: Delivery): DeliveryView {
  return {
    key: delivery.key,
    rule: delivery.rule,
    channel: delivery.channel,
    event: delivery.event,
    task: delivery.task,
    title: delivery.content.title,
    state: delivery.state,
    tries: delivery.tries,
    createdAt: iso(delivery.createdMs),
    ...(delivery.deliveredMs === null ? {} : { deliveredAt: iso(delivery.deliveredMs) }),
    ...(delivery.nextTryMs === null ? {} : { nextTryAt: iso(delivery.nextTryMs) }),
    ...(delivery.problem === null ? {} : { problem: delivery.problem }),
  };
}

export function callbackView(delivery: Delivery): CallbackView {
  const { state, tries, createdAt, deliveredAt, nextTryAt, problem } = deliveryView(delivery);
  const rest = Object.entries({ deliveredAt, nextTryAt, problem }).filter(([, value]) => value !== undefined);
  return { url: delivery.to ?? "", state, tries, createdAt, ...Object.fromEntries(rest) };
}

export function inboxView(delivery: Delivery): InboxItem {
  const { id, content } = delivery;
  return {
    id,
    at: iso(delivery.atMs),
    rule: delivery.rule,
    state: content.state,
    title: content.title,
    text: withoutLinks(content),
    facts: content.facts.map(([name, value]) => [name, value]),
    task: delivery.task,
    ...(delivery.app === null ? {} : { app: delivery.app }),
    ...(content.link ? { url: content.link.url } : {}),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

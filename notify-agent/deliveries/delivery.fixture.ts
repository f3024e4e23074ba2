// A delivery as the journal has it.

import { type Delivery, deliveryId } from "./delivery.ts";

const content = { title: "t", text: "", state: "succeeded", facts: [], link: null } as unknown as Delivery["content"];

/** Delivered on the channel ops, about the event 9 of `task`. The first part of the key is the rule. */
export function delivered(key: string, task: string, createdMs: number, change: Partial<Delivery> = {}): Delivery {
  return {
    key,
    id: deliveryId(createdMs * 1_000),
    rule: key.slice(0, key.indexOf("/")),
    channel: "ops",
    to: null,
    event: `${task}/9`,
    task,
    app: null,
    content,
    atMs: createdMs,
    createdMs,
    state: "delivered",
    tries: 1,
    nextTryMs: null,
    deliveredMs: createdMs,
    problem: null,
    ref: null,
    ...change,
  };
}

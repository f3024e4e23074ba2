// An event of a task on the bus: a CloudEvent 1.0 in structured form; its data is a CDEvent where one exists. The key is the
// task. (task, taskseq) is the same in every delivery; readers use it to drop repeats.

import type { JsonObject } from "@gantry/core/json.ts";
import { z } from "zod";
import { type FeedEvent, feedEvent } from "../agent/views.ts";
import { type BusMessage, messageBytes } from "./bus.ts";
import { cdEventOf, type FactContext } from "./cdevents.ts";

/** A larger event is reduced to its short members: a broker that refuses one event would block all later ones. */
export const MAX_EVENT_BYTES = 500_000;
const MAX_SHORT_TEXT = 1_000;
const MAX_READ_CHARS = 4_000_000;

const CLOUD_EVENTS = "application/cloudevents+json; charset=UTF-8";

export function encodeEvent(event: FeedEvent, context: FactContext): BusMessage {
  const message = toMessage(event, context);
  if (messageBytes(message) <= MAX_EVENT_BYTES) return message;
  return toMessage({ ...event, data: { ...event.data, event: shortened(event.data.event) } }, context);
}

/** The inverse of `encodeEvent`; undefined for a message of another publisher. */
export function decodeEvent({ value }: BusMessage): FeedEvent | undefined {
  if (value.length > MAX_READ_CHARS) return undefined;
  const cloud = parseJson(value);
  const plain = feedEvent.safeParse(cloud);
  if (plain.success) return plain.data;
  const dressed = cdCloudEvent.safeParse(cloud);
  if (!dressed.success) return undefined;
  const { data, ...envelope } = dressed.data;
  const { type, ...fact } = data.customData;
  const bare = feedEvent.safeParse({ ...envelope, type, subject: fact.task, data: fact });
  return bare.success ? bare.data : undefined;
}

const cdCloudEvent = z.looseObject({
  type: z.string().startsWith("dev.cdevents."),
  data: z.object({ customData: z.looseObject({ type: z.string(), task: z.string() }) }),
});

function toMessage(event: FeedEvent, context: FactContext): BusMessage {
  const cd = cdEventOf(event, context);
  const cloud = cd === undefined ? event : { ...event, type: cd.type, subject: cd.subject.id, data: dress(event, cd) };
  return {
    key: event.data.task,
    value: JSON.stringify(cloud),
    headers: {
      "content-type": CLOUD_EVENTS,
      id: event.id,
      type: cloud.type,
      seq: String(event.seq),
      taskseq: String(event.taskseq),
    },
  };
}

function dress(event: FeedEvent, { type, subject }: NonNullable<ReturnType<typeof cdEventOf>>): JsonObject {
  const { app, ...data } = event.data;
  return {
    context: { specversion: "0.5.1", id: event.id, source: event.source, type, timestamp: event.time },
    subject: { id: subject.id, source: event.source, content: subject.content },
    customData: { type: event.type, ...data, ...(app === undefined ? {} : { app }) },
    customDataContentType: "application/json",
  };
}

function shortened(fact: FeedEvent["data"]["event"]): FeedEvent["data"]["event"] {
  const short = Object.entries(fact).filter(([, value]) =>
    typeof value === "string" ? value.length <= MAX_SHORT_TEXT : typeof value !== "object" || value === null,
  );
  return { ...Object.fromEntries(short), shortened: true };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Not JSON: from another publisher.
  }
}

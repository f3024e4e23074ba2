// Views of the notify-agent: messages of the inbox, deliveries and channels.

import { z } from "zod";
import { time } from "../agent/deployed-views.ts";
import { state } from "../agent/views.ts";

export const inboxItem = z
  .object({
    id: z.string(),
    at: time,
    rule: z.string(),
    state,
    title: z.string(),
    text: z.string(),
    facts: z.array(z.tuple([z.string(), z.string()])),
    task: z.string().optional(),
    app: z.string().optional(),
    url: z.string().optional(),
  })
  .meta({ id: "InboxItem" });
export type InboxItem = z.infer<typeof inboxItem>;

export const deliveryView = z
  .object({
    key: z.string().describe("`<rule>/<once-per value>/<channel>`, unique"),
    rule: z.string(),
    channel: z.string(),
    event: z.string(),
    task: z.string().optional(),
    title: z.string(),
    state: z.enum(["pending", "delivered", "refused", "given-up"]),
    tries: z.int(),
    createdAt: time,
    deliveredAt: time.optional(),
    nextTryAt: time.optional(),
    problem: z.string().optional(),
  })
  .meta({ id: "Delivery" });
export type DeliveryView = z.infer<typeof deliveryView>;

export const callbackView = z
  .object({
    url: z.string(),
    state: z.enum(["pending", "delivered", "refused", "given-up"]),
    tries: z.int(),
    createdAt: time,
    deliveredAt: time.optional(),
    nextTryAt: time.optional(),
    problem: z.string().optional().describe("Why the last try, or the callback as a whole, did not succeed"),
  })
  .meta({ id: "Callback" });
export type CallbackView = z.infer<typeof callbackView>;

export const channelView = z
  .object({
    name: z.string(),
    kind: z.string(),
    insecureSkipVerify: z.boolean().optional().describe("The certificate of the other side is not checked"),
  })
  .meta({ id: "Channel" });
export type ChannelView = z.infer<typeof channelView>;

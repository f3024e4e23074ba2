// What portal-api asks of the notify-agent: GET /notify/v1/inbox and /notify/v1/deliveries, newest first, in pages.

import type { Page, PageQuery } from "../agent/agent-client.ts";
import { type DeliveryView, deliveryView, type InboxItem, inboxItem, page } from "../agent/views.ts";
import { type CallerOptions, makeCaller } from "../http-client.ts";

export type NotifyClient = {
  readonly inbox: (query: PageQuery) => Promise<Page<InboxItem>>;
  readonly deliveries: (query: PageQuery) => Promise<Page<DeliveryView>>;
};

export function makeNotifyClient(options: Omit<CallerOptions, "what" | "prefix">): NotifyClient {
  const { json } = makeCaller({ ...options, what: "notify-agent", prefix: "/notify/v1" });
  return {
    inbox: (query) => json("GET", ["inbox"], page(inboxItem), { query }),
    deliveries: (query) => json("GET", ["deliveries"], page(deliveryView), { query }),
  };
}

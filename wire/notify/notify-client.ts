// What portal-api asks of the notify-agent. Errors are those of `Caller`.

import type { Page, PageQuery } from "../agent/agent-client.ts";
import type { ChannelView, DeliveryView, InboxItem } from "../agent/views.ts";
import { type CallerOptions, makeCaller } from "../http-client.ts";
import { NOTIFY_PREFIX, NOTIFY_ROUTES } from "./routes.ts";

export type NotifyClient = {
  /** Newest first, in pages. */
  readonly inbox: (query: PageQuery) => Promise<Page<InboxItem>>;
  /** Newest first, in pages. */
  readonly deliveries: (query: PageQuery) => Promise<Page<DeliveryView>>;
  readonly channels: () => Promise<Page<ChannelView>>;
};

export function makeNotifyClient(options: Omit<CallerOptions, "what" | "prefix">): NotifyClient {
  const { call } = makeCaller({ ...options, what: "notify-agent", prefix: NOTIFY_PREFIX });
  return {
    inbox: (query) => call(NOTIFY_ROUTES.inbox, { params: {}, query }),
    deliveries: (query) => call(NOTIFY_ROUTES.deliveries, { params: {}, query }),
    channels: () => call(NOTIFY_ROUTES.channels, { params: {} }),
  };
}

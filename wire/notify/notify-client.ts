// What portal-api asks of the notify-agent. Errors are those of `Caller`.

import type { Page, PageQuery } from "../agent/agent-client.ts";
import type { DeliveryView, InboxItem } from "../agent/views.ts";
import { type CallerOptions, makeCaller } from "../http-client.ts";
import { NOTIFY_PREFIX, NOTIFY_ROUTES } from "./routes.ts";

/** Both newest first, in pages. */
export type NotifyClient = {
  readonly inbox: (query: PageQuery) => Promise<Page<InboxItem>>;
  readonly deliveries: (query: PageQuery) => Promise<Page<DeliveryView>>;
};

export function makeNotifyClient(options: Omit<CallerOptions, "what" | "prefix">): NotifyClient {
  const { call } = makeCaller({ ...options, what: "notify-agent", prefix: NOTIFY_PREFIX });
  return {
    inbox: (query) => call(NOTIFY_ROUTES.inbox, { params: {}, query }),
    deliveries: (query) => call(NOTIFY_ROUTES.deliveries, { params: {}, query }),
  };
}

// What portal-api asks of the notify-agent. Errors are those of `Caller`.

import type { z } from "zod";
import type { Page, PageQuery } from "../agent/agent-client.ts";
import { type CallerOptions, makeCaller } from "../http-client.ts";
import { type checkResult, NOTIFY_PREFIX, NOTIFY_ROUTES } from "./routes.ts";
import type { CallbackView, ChannelView, DeliveryView, InboxItem } from "./views.ts";

export type NotifyClient = {
  /** Newest first, in pages. */
  readonly inbox: (query: PageQuery) => Promise<Page<InboxItem>>;
  /** Newest first, in pages. */
  readonly deliveries: (query: PageQuery) => Promise<Page<DeliveryView>>;
  /** Of a task, oldest first. Throws `not-found` from a notify-agent of an older version. */
  readonly callbacks: (task: string) => Promise<Page<CallbackView>>;
  readonly channels: () => Promise<Page<ChannelView>>;
  /** Without a message. Throws `not-found`. */
  readonly checkChannel: (name: string) => Promise<z.infer<typeof checkResult>>;
  /** Sends a test message. Throws `not-found`. */
  readonly testChannel: (name: string) => Promise<{ readonly kind: string; readonly problem?: string | undefined }>;
};

export function makeNotifyClient(options: Omit<CallerOptions, "what" | "prefix">): NotifyClient {
  const { call } = makeCaller({ ...options, what: "notify-agent", prefix: NOTIFY_PREFIX });
  return {
    inbox: (query) => call(NOTIFY_ROUTES.inbox, { params: {}, query }),
    deliveries: (query) => call(NOTIFY_ROUTES.deliveries, { params: {}, query }),
    callbacks: (task) => call(NOTIFY_ROUTES.callbacks, { params: { task } }),
    channels: () => call(NOTIFY_ROUTES.channels, { params: {} }),
    checkChannel: (name) => call(NOTIFY_ROUTES.checkChannel, { params: { name } }),
    testChannel: (name) => call(NOTIFY_ROUTES.testChannel, { params: { name } }),
  };
}

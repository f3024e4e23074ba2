// `/notify/v1`: wire/notify/routes.ts declares the routes, this file answers them.

import { GantryError } from "@gantry/core/errors.ts";
import type { CheckResult, SendResult } from "@gantry/core/notify/channel.ts";
import { truncate } from "@gantry/core/truncate.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { requireBearer } from "@gantry/runtime/http/bearer.ts";
import { clientGoneSignal } from "@gantry/runtime/http/client-gone.ts";
import { addRoutes, type RouteHandlers } from "@gantry/runtime/http/serve-routes.ts";
import type { Page } from "@gantry/wire/agent/agent-client.ts";
import { NOTIFY_PREFIX, NOTIFY_ROUTES } from "@gantry/wire/notify/routes.ts";
import type { ChannelView, DeliveryView, InboxItem } from "@gantry/wire/notify/views.ts";
import { requireProtocol } from "@gantry/wire/protocol-version.ts";
import Router from "@koa/router";
import type Koa from "koa";
import { callbackView, DELIVERY_STREAMS, type Delivery, deliveryView, inboxView } from "../deliveries/delivery.ts";
import type { Metrics } from "../metrics.ts";

export type ServeDeps = {
  readonly journal: Journal;
  readonly token: string;
  readonly metrics: Metrics;
  readonly channels: readonly ChannelView[];
  /** Without a message; undefined when there is no such channel. */
  readonly checkChannel: (name: string) => Promise<CheckResult> | undefined;
  /** Sends a test message; undefined when there is no such channel. */
  readonly testChannel: (name: string) => Promise<SendResult> | undefined;
};

/** A pipeline names one, and so does each request that led to the task. */
const MAX_CALLBACKS = 200;

export function notifyRoutes({ journal, token, channels, checkChannel, testChannel }: ServeDeps): Koa.Middleware {
  const router = new Router({ prefix: NOTIFY_PREFIX });
  router.use(requireBearer([token]));
  router.use(requireProtocol("the notify-agent"));
  const handlers: RouteHandlers<typeof NOTIFY_ROUTES> = {
    inbox: ({ ctx, query: { after, ...query } }) =>
      after === undefined
        ? newestFirst(journal, "inbox", query, inboxView)
        : inboxAfter(journal, { ...query, after }, clientGoneSignal(ctx)),
    deliveries: ({ query }) => newestFirst(journal, "deliveries", query, deliveryView),
    callbacks: async ({ params: { task } }) => {
      const page = await journal.find({ index: "callbacks", prefix: `${task}/`, limit: MAX_CALLBACKS });
      return { items: page.items.map((item) => callbackView(DELIVERY_STREAMS.stateOf(item))) };
    },
    channels: () => ({ items: channels }),
    checkChannel: async ({ params: { name } }) => (await checkChannel(name)) ?? noChannel(name),
    testChannel: async ({ params: { name } }) => (await testChannel(name)) ?? noChannel(name),
  };
  addRoutes(router, NOTIFY_ROUTES, handlers);
  return router.routes() as Koa.Middleware;
}

function noChannel(name: string): never {
  throw new GantryError("not-found", { kind: "channel", name: truncate(name, 100) });
}

async function newestFirst<T extends InboxItem | DeliveryView>(
  journal: Journal,
  index: "inbox" | "deliveries",
  query: { readonly limit: number; readonly cursor?: string | undefined },
  view: (delivery: Delivery) => T,
): Promise<Page<T>> {
  const { limit, cursor } = query;
  const page = await journal.find({ index, limit, order: "descending", ...(cursor === undefined ? {} : { cursor }) });
  const items = page.items.map((item) => view(DELIVERY_STREAMS.stateOf(item)));
  return page.cursor === undefined ? { items } : { items, nextCursor: page.cursor };
}

async function inboxAfter(
  journal: Journal,
  query: { readonly after: string; readonly limit: number; readonly wait: number },
  gone: AbortSignal,
): Promise<Page<InboxItem>> {
  const until = performance.now() + query.wait;
  while (true) {
    // Read before the items, so that no item that is added in between is missed. An empty append changes nothing.
    const newest = await journal.append([]);
    const page = await journal.find({ index: "inbox", after: query.after, limit: query.limit });
    const leftMs = until - performance.now();
    if (page.items.length > 0 || leftMs <= 0 || gone.aborted || !newest.ok) {
      return { items: page.items.map((item) => inboxView(DELIVERY_STREAMS.stateOf(item))) };
    }
    await journal.feed({ after: newest.seq, limit: 1, waitMs: leftMs, signal: gone });
  }
}

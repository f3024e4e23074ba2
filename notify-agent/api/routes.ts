// The HTTP API of the notify-agent: the inbox, the deliveries, and a test of a channel.
//
//   GET  /notify/v1/inbox?limit=&cursor=        page, newest first
//   GET  /notify/v1/inbox?after=<id>&wait=<ms>  items after an id, oldest first; waits while there are none
//   GET  /notify/v1/deliveries?limit=&cursor=   page, newest first
//   POST /notify/v1/channels/{name}/test        sends a test message: {kind, problem?}

import { GantryError } from "@gantry/core/errors.ts";
import type { SendResult } from "@gantry/core/notify/channel.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { requireBearer } from "@gantry/runtime/http/bearer.ts";
import { clientGoneSignal } from "@gantry/runtime/http/client-gone.ts";
import { readQuery } from "@gantry/runtime/http/read-request.ts";
import type { DeliveryView, InboxItem } from "@gantry/wire/agent/views.ts";
import { requireProtocol } from "@gantry/wire/protocol-version.ts";
import Router from "@koa/router";
import type Koa from "koa";
import { z } from "zod";
import { type Delivery, deliveryView, inboxView, readDelivery } from "../deliveries/delivery.ts";
import type { Metrics } from "../metrics.ts";

export type ServeDeps = {
  readonly journal: Journal;
  readonly token: string;
  readonly metrics: Metrics;
  /** Sends a test message; undefined when there is no such channel. */
  readonly testChannel: (name: string) => Promise<SendResult> | undefined;
};

type Page<T> = { readonly items: readonly T[]; readonly nextCursor?: string };

const limit = z.coerce.number().pipe(z.int().min(1).max(500)).default(50);
const pageQuery = z.strictObject({ limit, cursor: z.string().max(2_000).optional() });
const inboxQuery = pageQuery
  .extend({
    after: z
      .string()
      .regex(/^\d{0,16}$/, "must be the id of an item")
      .optional(),
    wait: z.coerce.number().pipe(z.int().min(0).max(30_000)).default(0),
  })
  .refine(({ after, cursor, wait }) => (after === undefined ? wait === 0 : cursor === undefined), {
    error: "`after` cannot be combined with `cursor`, and `wait` requires `after`",
  });

export function notifyRoutes({ journal, token, testChannel }: ServeDeps): Koa.Middleware {
  const router = new Router({ prefix: "/notify/v1" });
  router.use(requireBearer([token]));
  router.use(requireProtocol("the notify-agent"));

  router.get("/inbox", async (ctx) => {
    const query = readQuery(ctx, inboxQuery);
    ctx.body =
      query.after === undefined
        ? await newestFirst(journal, "inbox", query, inboxView)
        : await inboxAfter(journal, { ...query, after: query.after }, clientGoneSignal(ctx));
  });

  router.get("/deliveries", async (ctx) => {
    ctx.body = await newestFirst(journal, "deliveries", readQuery(ctx, pageQuery), deliveryView);
  });

  router.post("/channels/:name/test", async (ctx) => {
    const name = ctx.params.name ?? "";
    const result = await testChannel(name);
    if (result === undefined) throw new GantryError("not-found", { kind: "channel", name: name.slice(0, 100) });
    ctx.body = result;
  });
  return router.routes() as Koa.Middleware;
}

async function newestFirst<T extends InboxItem | DeliveryView>(
  journal: Journal,
  index: "inbox" | "deliveries",
  query: { readonly limit: number; readonly cursor?: string | undefined },
  view: (delivery: Delivery) => T,
): Promise<Page<T>> {
  const { limit, cursor } = query;
  const page = await journal.find({ index, limit, order: "descending", ...(cursor === undefined ? {} : { cursor }) });
  const items = page.items.map((item) => view(readDelivery(item.snapshot)));
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
      return { items: page.items.map((item) => inboxView(readDelivery(item.snapshot))) };
    }
    await journal.feed({ after: newest.seq, limit: 1, waitMs: leftMs, signal: gone });
  }
}

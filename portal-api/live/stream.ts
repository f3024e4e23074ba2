// An event stream to a browser (Server-Sent Events). A source says what there is to send and how to wait for more; this
// file sends it, keeps the line alive, and ends the stream when its caller may no longer read.

import { Readable } from "node:stream";
import { GantryError } from "@gantry/core/errors.ts";
import { requestIdOf } from "@gantry/runtime/http/app.ts";
import { clientGoneSignal } from "@gantry/runtime/http/client-gone.ts";
import type Koa from "koa";
import type { Caller } from "../access/decide-access.ts";
import { type Portal, stillHolds } from "../portal.ts";

export type Source = {
  /** Frames to send now, perhaps none; undefined ends the stream. */
  readonly next: (signal: AbortSignal) => Promise<readonly string[] | undefined>;
  /** Resolves when `next` may have something, or after `ms`, or when the signal aborts. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Where a client that loses the line now should go on: sent with every ping. */
  readonly position?: () => string | number | undefined;
};

export type Frame = { readonly id?: string | number; readonly event?: string; readonly data: unknown };

/** JSON has no line breaks outside of texts, where they are escaped: one data line is enough. */
export function frame({ id, event, data }: Frame): string {
  return textFrame(JSON.stringify(data), id, event);
}

/** For data that is JSON text already. */
export function textFrame(text: string, id?: string | number, event?: string): string {
  const head = `${id === undefined ? "" : `id: ${id}\n`}${event === undefined ? "" : `event: ${event}\n`}`;
  return `${head}data: ${text}\n\n`;
}

/** Where the client says that it stands. It may send anything here; what is no number says nothing. */
export function lastEventId(ctx: Koa.Context): number | undefined {
  const header = ctx.get("last-event-id");
  return /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}

/** Answers the request with a stream. Throws nothing later: a source that fails ends the stream, and clients return. */
export function sendStream(
  request: { readonly ctx: Koa.Context; readonly portal: Portal; readonly caller: Caller },
  source: Source,
): void {
  const { ctx, portal } = request;
  const signal = AbortSignal.any([clientGoneSignal(ctx), portal.closing]);
  portal.metrics.streams.opened();
  ctx.res.once("close", () => portal.metrics.streams.closed());
  ctx.status = 200;
  ctx.type = "text/event-stream";
  ctx.set("Cache-Control", "no-store");
  ctx.set("X-Accel-Buffering", "no");
  ctx.body = Readable.from(frames(request, source, signal), { objectMode: false });
}

async function* frames(
  { ctx, portal, caller }: Parameters<typeof sendStream>[0],
  source: Source,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const { pingMs, recheckMs, retryMs } = portal.config.live;
  yield `retry: ${retryMs}\n\n`;
  let checkedAt = portal.clock.nowMs();
  let sentAt = checkedAt;
  try {
    while (!signal.aborted) {
      const news = await source.next(signal);
      if (!news) return;
      if (news.length > 0) {
        yield news.join("");
        sentAt = portal.clock.nowMs();
      } else if (portal.clock.nowMs() - sentAt >= pingMs) {
        const position = source.position?.();
        yield `${position === undefined ? "" : `id: ${position}\n`}: ping\n\n`;
        sentAt = portal.clock.nowMs();
      }
      if (portal.clock.nowMs() - checkedAt >= recheckMs) {
        if (!(await stillHolds(portal, caller))) return;
        checkedAt = portal.clock.nowMs();
      }
      await source.wait(Math.min(pingMs, recheckMs), signal);
    }
  } catch (error) {
    if (signal.aborted) return;
    const level = error instanceof GantryError ? "warn" : "error";
    portal.logger[level]({ request_id: requestIdOf(ctx), err: error }, "a stream ended early");
  }
}

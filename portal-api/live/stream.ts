// An event stream to a browser (Server-Sent Events). A source provides the frames and waits for more; this file sends them,
// keeps the connection alive, and ends the stream when the caller is no longer authorised.

import { Readable } from "node:stream";
import { type ErrorCode, GantryError } from "@gantry/core/errors.ts";
import type { Cancel } from "@gantry/runtime/clock.ts";
import { requestIdOf } from "@gantry/runtime/http/app.ts";
import { clientGoneSignal } from "@gantry/runtime/http/client-gone.ts";
import type Koa from "koa";
import { type Caller, haveSameRights } from "../access/decide-access.ts";
import { callerNow, type Portal } from "../portal.ts";

export type Source = {
  /** The frames to send now, possibly none; undefined ends the stream. */
  readonly next: (signal: AbortSignal) => Promise<readonly string[] | undefined>;
  /** Resolves when `next` may have something, or after `ms`, or when the signal aborts. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** The id after which a client that loses the connection now should continue. It is sent with every ping. */
  readonly position?: () => string | number | undefined;
};

export type Frame = { readonly id?: string | number; readonly event?: string; readonly data: unknown };

/** One `data:` line is enough: JSON.stringify writes no line breaks. */
export function frame({ id, event, data }: Frame): string {
  return textFrame(JSON.stringify(data), id, event);
}

/** For data that is serialised already. */
export function textFrame(text: string, id?: string | number, event?: string): string {
  const head = `${id === undefined ? "" : `id: ${id}\n`}${event === undefined ? "" : `event: ${event}\n`}`;
  return `${head}data: ${text}\n\n`;
}

/** The number in Last-Event-ID; undefined when there is none or it is not a number. */
export function lastEventId(ctx: Koa.Context): number | undefined {
  const header = ctx.get("last-event-id");
  return /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}

export type StreamRequest = {
  readonly ctx: Koa.Context;
  readonly portal: Portal;
  readonly caller: Caller;
  /** Throws when the caller no longer has the right that the stream needs. */
  readonly authorise: () => Promise<void>;
};

/** Responds with a stream, or throws `limit-reached`. When the source fails, the stream ends and is logged; clients reconnect. */
export function sendStream(request: StreamRequest, source: Source): void {
  const { ctx, portal } = request;
  // The client has already disconnected, so no event would end the stream.
  if (ctx.res.destroyed) return;
  const end = portal.limits.openStream(request.caller.name);
  const revoked = watchAccess(request);
  const signal = AbortSignal.any([clientGoneSignal(ctx), portal.closing, revoked.signal]);
  portal.metrics.streams.opened();
  ctx.res.once("close", () => {
    end();
    revoked.forget();
    portal.metrics.streams.closed();
  });
  ctx.status = 200;
  ctx.type = "text/event-stream";
  ctx.set("Cache-Control", "no-store");
  ctx.set("X-Accel-Buffering", "no");
  ctx.body = Readable.from(frames(request, source, signal), { objectMode: false });
}

/** The signal aborts as soon as the caller is no longer authorised by a change in this process. */
function watchAccess(request: StreamRequest): {
  readonly signal: AbortSignal;
  readonly forget: Cancel;
} {
  const { ctx, portal, caller } = request;
  const revoked = new AbortController();
  const check = async (): Promise<void> => {
    if (!(await isStillAllowed(request))) revoked.abort();
  };
  const forget = portal.changes.watch(caller.name, () => {
    check().catch((error: unknown) => {
      // Without an answer, the stream must not continue.
      portal.logger.warn({ request_id: requestIdOf(ctx), err: error }, "a caller could not be authorised again");
      revoked.abort();
    });
  });
  return { signal: revoked.signal, forget };
}

async function* frames(request: StreamRequest, source: Source, signal: AbortSignal): AsyncGenerator<string> {
  const { ctx, portal } = request;
  const { pingMs, recheckMs, retryMs } = portal.config.live;
  yield `retry: ${retryMs}\n\n`;
  let checkedAt = portal.clock.nowMs();
  let checkedVersion = portal.rights.version();
  let sentAt = checkedAt;
  try {
    while (!signal.aborted) {
      if (portal.clock.nowMs() - checkedAt >= recheckMs || portal.rights.version() !== checkedVersion) {
        checkedVersion = portal.rights.version();
        if (!(await isStillAllowed(request))) return;
        checkedAt = portal.clock.nowMs();
      }
      const next = await source.next(signal);
      if (!next) return;
      if (next.length > 0) {
        yield next.join("");
        sentAt = portal.clock.nowMs();
      } else if (portal.clock.nowMs() - sentAt >= pingMs) {
        const position = source.position?.();
        yield `${position === undefined ? "" : `id: ${position}\n`}: ping\n\n`;
        sentAt = portal.clock.nowMs();
      }
      await source.wait(Math.min(pingMs, recheckMs), signal);
    }
  } catch (error) {
    if (signal.aborted) return;
    const level = error instanceof GantryError ? "warn" : "error";
    portal.logger[level]({ request_id: requestIdOf(ctx), err: error }, "an event stream ended because of an error");
  }
}

async function isStillAllowed({ portal, caller, authorise }: StreamRequest): Promise<boolean> {
  const now = await callerNow(portal, caller);
  // With other rights the client must reconnect, because what it may see has changed.
  if (!now || !haveSameRights(now, caller)) return false;
  return authorise().then(
    () => true,
    (error: unknown) => {
      if (error instanceof GantryError && REFUSALS.includes(error.code)) return false;
      throw error;
    },
  );
}

const REFUSALS: readonly ErrorCode[] = ["forbidden", "not-found", "unauthenticated"];

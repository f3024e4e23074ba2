// When a handler that waits should stop waiting: its client has left, or the server is closing.

import type { ServerResponse } from "node:http";
import type Koa from "koa";

/** Emitted by the answers that are still open when their server closes. */
const CLOSING = "gantry-closing";
/** Answers for which it was emitted: a handler that begins to wait afterwards must answer too. */
const ENDING = new WeakSet<ServerResponse>();
/** Created once: every request ends with it, and a new error each time would cost more than the rest of the request. */
const LEFT = new DOMException("The client has left.", "AbortError");

/**
 * One per request. Aborted when the connection closes, before or after the answer was sent, and when the server begins to
 * close: a handler that waits should then answer with what it has.
 */
export function clientGoneSignal(ctx: Koa.Context): AbortSignal {
  const known: unknown = ctx.state.gone;
  if (known instanceof AbortSignal) return known;
  const gone = new AbortController();
  ctx.state.gone = gone.signal;
  ctx.res.once("close", () => gone.abort(LEFT));
  ctx.res.once(CLOSING, () => gone.abort(LEFT));
  if (ENDING.has(ctx.res)) gone.abort(LEFT);
  return gone.signal;
}

/** Throws an AbortError when nobody is left to answer: for work that begins later than its request. */
export function throwIfClientLeft(ctx: Koa.Context): void {
  if (ctx.req.socket.destroyed) throw LEFT;
}

/** The server is closing: the handler of this answer should stop waiting and answer with what there is. */
export function stopWaiting(response: ServerResponse): void {
  ENDING.add(response);
  response.emit(CLOSING);
}

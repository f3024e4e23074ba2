// When a handler that waits should stop waiting: its client has left, or the server is closing.

import type { ServerResponse } from "node:http";
import type Koa from "koa";

/** Emitted by the answers that are still open when their server closes. */
const CLOSING = "gantry-closing";
/** Answers for which it was emitted: a handler that begins to wait afterwards must answer too. */
const ENDING = new WeakSet<ServerResponse>();
/** Made once: every request ends with it, and an error of its own costs more than the rest of the request. */
const LEFT = new DOMException("The client has left.", "AbortError");

/**
 * Aborted when the connection closes, before or after the answer was sent: whoever waited has left; and when the server
 * closes: whoever waits is to be answered with what there is. One per request.
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

/** The server is closing: the handler of this answer should stop waiting and answer with what there is. */
export function stopWaiting(response: ServerResponse): void {
  ENDING.add(response);
  response.emit(CLOSING);
}

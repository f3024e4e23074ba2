// The polling twin of a stream: holds a request until there is something to answer, or its time is over.

import { clientGoneSignal } from "@gantry/runtime/http/client-gone.ts";
import type Koa from "koa";
import type { Portal } from "../portal.ts";

export type Tried<T> = {
  readonly value: T;
  /** There is something to answer. */
  readonly isDone: boolean;
  /** There is nothing more to read before the feed has moved. */
  readonly isDry: boolean;
};

/** Tries again after every movement of the feed, for `ms`; answers what the last try gave, perhaps nothing. */
export async function waitFor<T>(
  portal: Portal,
  ctx: Koa.Context,
  ms: number,
  attempt: (signal: AbortSignal) => Promise<Tried<T>>,
): Promise<T> {
  const signal = AbortSignal.any([clientGoneSignal(ctx), portal.closing]);
  const until = portal.clock.nowMs() + ms;
  for (;;) {
    const seen = portal.hub.version();
    const { value, isDone, isDry } = await attempt(signal);
    const left = until - portal.clock.nowMs();
    if (isDone || left <= 0 || signal.aborted) return value;
    if (isDry) await portal.hub.wait(seen, left, signal);
  }
}

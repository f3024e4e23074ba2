// The polling alternative to a stream: holds a request until there is something to return, or until its time is over.

import { clientGoneSignal } from "@gantry/runtime/http/client-gone.ts";
import type Koa from "koa";
import type { Portal } from "../portal.ts";

export type PollAttempt<T> = {
  readonly value: T;
  /** There is something to return. */
  readonly isDone: boolean;
  /** Nothing more can be read until the feed has changed. */
  readonly isExhausted: boolean;
};

/** Tries again after every change of the feed, for at most `ms`. Returns the value of the last attempt. */
export async function longPoll<T>(
  portal: Portal,
  ctx: Koa.Context,
  ms: number,
  attempt: (signal: AbortSignal) => Promise<PollAttempt<T>>,
): Promise<T> {
  const signal = AbortSignal.any([clientGoneSignal(ctx), portal.closing]);
  const until = portal.clock.nowMs() + ms;
  for (;;) {
    const version = portal.hub.version();
    const { value, isDone, isExhausted } = await attempt(signal);
    const left = until - portal.clock.nowMs();
    if (isDone || left <= 0 || signal.aborted) return value;
    if (isExhausted) await portal.hub.wait(version, left, signal);
  }
}

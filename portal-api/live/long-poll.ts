// The polling alternative to a stream: holds a request until there is something to return, or until its time is over.

import { GantryError } from "@gantry/core/errors.ts";
import { clientGoneSignal } from "@gantry/runtime/http/client-gone.ts";
import type Koa from "koa";
import { type Caller, haveSameRights } from "../access/decide-access.ts";
import { callerNow, type Portal } from "../portal.ts";

export type PollAttempt<T> = {
  readonly value: T;
  /** There is something to return. */
  readonly isDone: boolean;
  /** Nothing more can be read until the feed has changed. */
  readonly isExhausted: boolean;
};

/**
 * Tries again after every change of the feed, for at most `ms`. Returns the value of the last attempt, also when the caller has
 * other rights meanwhile. Throws `unauthenticated` when the session or token of the caller has ended.
 */
export async function longPoll<T>(
  { ctx, portal, caller }: { readonly ctx: Koa.Context; readonly portal: Portal; readonly caller: Caller },
  ms: number,
  attempt: (signal: AbortSignal) => Promise<PollAttempt<T>>,
): Promise<T> {
  const signal = AbortSignal.any([clientGoneSignal(ctx), portal.closing]);
  const until = portal.clock.nowMs() + ms;
  for (;;) {
    const version = portal.hub.version();
    const { value, isDone, isExhausted } = await portal.turns(caller.name, () => attempt(signal));
    const left = until - portal.clock.nowMs();
    if (isDone || left <= 0 || signal.aborted) return value;
    if (!isExhausted) continue;
    await portal.hub.wait(version, left, signal);
    const now = await callerNow(portal, caller);
    if (!now) throw new GantryError("unauthenticated");
    if (!haveSameRights(now, caller)) return value;
  }
}

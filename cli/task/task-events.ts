// The events of a task, from its beginning to its end.

import { setTimeout } from "node:timers/promises";
import { GantryError } from "@gantry/core/errors.ts";
import { type FeedEvent, feedEvent, page } from "@gantry/wire/agent/views.ts";
import type { PortalClient } from "../client.ts";
import { taskPath } from "./task-of.ts";

const WAIT_MS = 20_000;
export const RETRY_MS = 2_000;
/** Longer than a portal takes to be replaced by a new version. */
const PATIENCE_MS = 5 * 60_000;
const events = page(feedEvent);

/** `onLost`: called once each time when the portal cannot be reached; it is then tried again for five minutes. */
export type Patience = {
  readonly signal: AbortSignal;
  readonly onLost: (error: GantryError) => void;
  /** Rejects when the signal aborts. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
};

/** Ends after the event that ends the task. Without `patience`, an unreachable portal is an error at once. */
export async function* taskEvents(portal: PortalClient, id: string, patience?: Patience): AsyncGenerator<FeedEvent> {
  let lostAt: number | undefined;
  for (let after = 0; ; ) {
    try {
      const { items } = await portal.get(`${taskPath(id)}/events?after=${after}&wait=${WAIT_MS}`, events);
      lostAt = undefined;
      for (const event of items) {
        after = event.taskseq;
        yield event;
        if (event.data.event.kind === "TaskEnded") return;
      }
    } catch (error) {
      if (!patience || !isLost(error)) throw error;
      if (lostAt === undefined) patience.onLost(error);
      lostAt ??= performance.now();
      if (performance.now() - lostAt > PATIENCE_MS) throw error;
      const { signal, pause = sleep } = patience;
      await pause(RETRY_MS, signal);
    }
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return setTimeout(ms, undefined, { signal });
}

/** Also a portal that is stopping may answer with one of these. */
export function isLost(error: unknown): error is GantryError {
  return error instanceof GantryError && error.entry.status >= 500;
}

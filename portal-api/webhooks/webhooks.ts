// What webhooks of git hosts may do: ask for the synchronisation that the schedule asks for as well. Each portal remembers for
// itself what it has received.

import { GantryError } from "@gantry/core/errors.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import { openRequestLimit } from "@gantry/runtime/http/request-limit.ts";
import { keysOfDelivery, type Received } from "./signature.ts";

export type Webhooks = {
  /**
   * Whether this is a new delivery. Throws `limit-reached` for a sender with too many requests, `not-found` when no secret is
   * configured, and `unauthenticated` for a wrong signature.
   */
  readonly accept: (received: Received, address: string) => boolean;
};

/** Requests that one address may send per second. */
const PER_SECOND = 5;
const REMEMBERED_MS = 3_600_000;
const MAX_REMEMBERED = 10_000;

export function openWebhooks(secret: string | undefined, clock: Pick<Clock, "nowMs" | "monotonicMs">): Webhooks {
  const count = openRequestLimit(clock, PER_SECOND);
  /** Key of a delivery → when it may be forgotten, oldest first. */
  const seen = new Map<string, number>();
  return {
    accept: (received, address) => {
      if (secret === undefined) throw new GantryError("not-found", { kind: "webhook", name: "definitions" });
      count(address);
      const nowMs = clock.monotonicMs();
      const keys = keysOfDelivery(received, secret, clock.nowMs());
      if (!keys) throw new GantryError("unauthenticated");
      for (const [key, untilMs] of seen) {
        if (untilMs > nowMs && seen.size < MAX_REMEMBERED) break;
        seen.delete(key);
      }
      const isNew = !keys.some((key) => seen.has(key));
      if (isNew) for (const key of keys) seen.set(key, nowMs + REMEMBERED_MS);
      return isNew;
    },
  };
}

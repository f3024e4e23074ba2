// What webhooks of git hosts may do: ask for the synchronisation that the schedule asks for as well. Each portal remembers for
// itself what it has received.

import { GantryError } from "@gantry/core/errors.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import { openConcurrencyLimit } from "@gantry/runtime/http/concurrency-limit.ts";
import { openRequestLimit } from "@gantry/runtime/http/request-limit.ts";
import { keysOfDelivery, type Received } from "./signature.ts";

export type Webhooks = {
  /**
   * Runs `act` for a new delivery, and resolves with whether it was one. Rejects as `act` does, and then the delivery may come
   * again. Rejects with `limit-reached` for a sender with too many requests, `not-found` when no secret is configured, both
   * before the body is read, and `unauthenticated` for a wrong signature. The same delivery may come again while `act` runs: it
   * is not new.
   */
  readonly accept: (sent: Sent, act: () => Promise<void>) => Promise<boolean>;
};

export type Sent = Pick<Received, "header"> & {
  /** Of the client. */
  readonly address: string;
  readonly readBody: () => Promise<Buffer>;
};

/** Requests that one address may send per second. */
const PER_SECOND = 5;
/** Bodies that are read at the same time: their senders are not known yet, and may send slowly. */
const BODIES = { perCaller: 5, inAll: 50, what: "open deliveries" };
const REMEMBERED_MS = 3_600_000;
const MAX_REMEMBERED = 10_000;

export function openWebhooks(secret: string | undefined, clock: Pick<Clock, "nowMs" | "monotonicMs">): Webhooks {
  const count = openRequestLimit(clock, PER_SECOND);
  const openBody = openConcurrencyLimit(BODIES);
  const readFrom = async ({ address, readBody }: Sent): Promise<Buffer> => {
    const end = openBody(address);
    try {
      return await readBody();
    } finally {
      end();
    }
  };
  /** Key of a delivery → when it may be forgotten, oldest first. */
  const seen = new Map<string, number>();
  return {
    accept: async (sent, act) => {
      if (secret === undefined) throw new GantryError("not-found", { kind: "webhook", name: "definitions" });
      count(sent.address);
      const body = await readFrom(sent);
      const nowMs = clock.monotonicMs();
      const keys = keysOfDelivery({ header: sent.header, body }, secret, clock.nowMs());
      if (!keys) throw new GantryError("unauthenticated");
      for (const [key, untilMs] of seen) {
        if (untilMs > nowMs && seen.size < MAX_REMEMBERED) break;
        seen.delete(key);
      }
      if (keys.some((key) => seen.has(key))) return false;
      for (const key of keys) seen.set(key, nowMs + REMEMBERED_MS);
      try {
        await act();
      } catch (error) {
        // Hosts send a delivery again when it was not accepted.
        for (const key of keys) seen.delete(key);
        throw error;
      }
      return true;
    },
  };
}

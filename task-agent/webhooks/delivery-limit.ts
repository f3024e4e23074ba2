// Limits what one sender may have kept: each delivery stays for weeks, and whoever has the secret of a webhook can send any
// number. Each agent counts alone.

import { GantryError } from "@gantry/core/errors.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Alarms } from "../alarms.ts";
import type { Limits } from "../limits.ts";

const WINDOW_MS = 60_000;
const MIB = 1_048_576;

type Window = { readonly sinceMs: number; count: number; bytes: number };

/** The answer counts a delivery of this many bytes, or raises an alarm and throws `limit-reached`. */
export function openDeliveryLimit(
  clock: Pick<Clock, "monotonicMs">,
  { deliveriesPerMinute, deliveryBytesPerMinute }: Pick<Limits, "deliveriesPerMinute" | "deliveryBytesPerMinute">,
  alarms: Pick<Alarms, "raise">,
): (who: string, bytes: number) => void {
  const windows = new Map<string, Window>();
  return (who, bytes) => {
    const nowMs = clock.monotonicMs();
    for (const [one, { sinceMs }] of windows) if (nowMs - sinceMs >= WINDOW_MS) windows.delete(one);
    const window = windows.get(who) ?? { sinceMs: nowMs, count: 0, bytes: 0 };
    windows.set(who, window);
    const isTooMany = window.count >= deliveriesPerMinute;
    // One delivery is always taken: it is smaller than a limit of its own.
    if (isTooMany || (window.count > 0 && window.bytes + bytes > deliveryBytesPerMinute)) {
      alarms.raise("deliveries-limited", { who }, "a sender of webhooks has reached its limit: deliveries are refused");
      throw new GantryError("limit-reached", {
        who,
        limit: isTooMany ? deliveriesPerMinute : Math.floor(deliveryBytesPerMinute / MIB),
        what: `${isTooMany ? "deliveries" : "MiB of deliveries"} in a minute`,
        retryAfterS: Math.ceil((window.sinceMs + WINDOW_MS - nowMs) / 1_000),
      });
    }
    window.count += 1;
    window.bytes += bytes;
  };
}

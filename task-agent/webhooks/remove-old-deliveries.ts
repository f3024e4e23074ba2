// Old deliveries are removed, with what is needed to recognise a copy of them.

import type { Journal } from "@gantry/journal/journal.ts";
import type { SweepDeps } from "../builds/remove-old-builds.ts";
import { DAY_MS } from "../retention/decide-retention.ts";
import { bodyStream, deliveryKeyStream, deliveryStream } from "./delivery-stream.ts";

const PAGE = 20;

/**
 * Removes the deliveries that were decided more than `days` ago. Returns how many. May be interrupted and repeated, also by several
 * agents at once.
 */
export async function sweepDeliveries(
  journal: Pick<Journal, "find" | "remove">,
  days: number,
  { nowMs, rest, isStopping }: SweepDeps,
): Promise<number> {
  let count = 0;
  for (let cursor: string | undefined; !isStopping(); ) {
    const page = await journal.find({ index: "deliveries", limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    for (const item of page.items) {
      const { id, receivedAt, decision, keys } = deliveryStream.stateOf(item);
      if (receivedAt > nowMs - days * DAY_MS) return count;
      // One that could not be decided for so long is kept: somebody has to see it.
      if (!decision || decision.at > nowMs - days * DAY_MS) continue;
      const { ok } = await journal.remove([
        { stream: item.stream, expected: item.version },
        { stream: bodyStream.name(id), expected: 0 },
        ...keys.map((key) => ({ stream: deliveryKeyStream.name(key), expected: 1 })),
      ]);
      if (ok) count += 1;
    }
    cursor = page.cursor;
    if (cursor === undefined) break;
    await rest();
  }
  return count;
}

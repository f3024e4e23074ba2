// The time of the store in the unit of views and events.

import type { Journal } from "@gantry/journal/journal.ts";

/** ms since 1970. Rejects when the store fails. */
export async function storeMs(journal: Pick<Journal, "now">): Promise<number> {
  return Math.floor((await journal.now()) / 1_000);
}

// Removes sessions, sign-in links and tokens that nobody can use any more. The audit log keeps who had them.

import type { Journal } from "@gantry/journal/journal.ts";
import { ACCESS_END, endTime } from "./records.ts";

/** A journal asks for one day without a change. */
const DAY_MICROS = 86_400_000_000;
const PAGE = 100;

/** How many were removed. One that changes meanwhile stays until the next time. */
export async function removeEnded(journal: Journal): Promise<number> {
  const now = await journal.now();
  let count = 0;
  for (let cursor: string | undefined; ; ) {
    const page = await journal.find({ index: ACCESS_END, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    for (const { key, stream, version } of page.items) {
      if (key.slice(0, 17) > endTime(now - DAY_MICROS)) return count;
      if ((await journal.remove([{ stream, expected: version }])).ok) count += 1;
    }
    cursor = page.cursor;
    if (cursor === undefined) return count;
  }
}

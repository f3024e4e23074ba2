// Lists of the API, which come in pages.

import { page } from "@gantry/wire/agent/views.ts";
import type { z } from "zod";
import type { PortalClient } from "../client.ts";

/** The most items that the API has in a page. */
const PAGE = 200;

/**
 * The first items of a list. A page may be short of items that match, or empty, and yet not the last: this goes on until
 * there are enough.
 */
export async function firstItems<T extends z.core.$ZodType>(
  portal: PortalClient,
  path: string,
  item: T,
  limit: number,
  filters: Readonly<Record<string, string | undefined>> = {},
): Promise<readonly z.infer<T>[]> {
  const query = new URLSearchParams({ limit: String(Math.min(limit, PAGE)) });
  for (const [name, value] of Object.entries(filters)) if (value !== undefined) query.set(name, value);
  const items: z.infer<T>[] = [];
  for (;;) {
    const answer = await portal.get(`${path}?${query}`, page(item));
    items.push(...answer.items);
    if (items.length >= limit || answer.nextCursor === undefined) return items.slice(0, limit);
    query.set("cursor", answer.nextCursor);
  }
}

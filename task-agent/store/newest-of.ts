// A page of the newest entries of several lists in one index.

import type { IndexPage, Journal } from "@gantry/journal/journal.ts";

export type Found = Pick<IndexPage, "items" | "cursor">;

/**
 * Newest first: a page of each list, merged. The keys of the index are `<list>/<key>`, where `<key>` begins with a time and is
 * in no other list. The cursor is the key of the last entry without its list.
 */
export async function newestOf(
  journal: Pick<Journal, "find">,
  index: string,
  lists: readonly string[],
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<Found> {
  const pages = await Promise.all(
    [...new Set(lists)].map(async (list) => {
      const after = cursor === undefined ? {} : { after: `${list}/${cursor}` };
      const page = await journal.find({ index, prefix: `${list}/`, order: "descending", limit, ...after });
      return page.items.map((item) => ({ ...item, key: item.key.slice(list.length + 1) }));
    }),
  );
  const all = pages.flat().toSorted((a, b) => (a.key < b.key ? 1 : -1));
  const items = all.slice(0, limit);
  const last = items.at(-1)?.key;
  const hasMore = all.length > items.length || pages.some((page) => page.length === limit);
  return { items, ...(hasMore && last !== undefined ? { cursor: last } : {}) };
}

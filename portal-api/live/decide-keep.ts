// What stays in memory of the feed after another page of it was read.

import type { FeedPage } from "@gantry/wire/agent/agent-api.ts";
import type { FeedEvent } from "@gantry/wire/agent/views.ts";

export type Kept = {
  /** Oldest first; every event after `floor` up to `last`. */
  readonly events: readonly FeedEvent[];
  readonly floor: number;
  readonly last: number | undefined;
};

export const NOTHING_KEPT: Kept = { events: [], floor: 0, last: undefined };

/**
 * A page that asked for the position only (`isPosition`) starts the memory, or keeps it: events that were missed are
 * read next. A position behind ours means that the feed began anew: all that was kept is of another history.
 */
export function decideKeep(kept: Kept, page: FeedPage, rule: { isPosition: boolean; keep: number }): Kept {
  if (rule.isPosition && (kept.last === undefined || page.last < kept.last)) {
    return { events: [], floor: page.last, last: page.last };
  }
  if (rule.isPosition || kept.last === undefined) return kept;
  const before = kept.last;
  const fresh = page.events.filter((event) => event.seq > before);
  const last = Math.max(before, page.last, fresh.at(-1)?.seq ?? 0);
  if (last === before) return kept;
  const all = [...kept.events, ...fresh];
  const dropped = all.length - rule.keep;
  if (dropped <= 0) return { events: all, floor: kept.floor, last };
  return { events: all.slice(dropped), floor: all[dropped - 1]?.seq ?? kept.floor, last };
}

// Which events of the feed stay in memory after another page has been read.

import type { FeedPage } from "@gantry/wire/agent/agent-api.ts";
import type { FeedEvent } from "@gantry/wire/agent/views.ts";

export type EventBuffer = {
  /** Oldest first; every event after `floor` up to `last`. */
  readonly events: readonly FeedEvent[];
  readonly floor: number;
  readonly last: number | undefined;
};

export const EMPTY_BUFFER: EventBuffer = { events: [], floor: 0, last: undefined };

/**
 * `isPosition`: the page was read only to find the newest number. It starts an empty buffer and leaves a filled one
 * unchanged: missed events are read next. A number below that of the buffer means that the feed was replaced (a task-agent
 * with a new data folder), so the buffer has events of another history and is emptied.
 */
export function decideBuffer(
  buffer: EventBuffer,
  page: FeedPage,
  { isPosition, maxEvents }: { readonly isPosition: boolean; readonly maxEvents: number },
): EventBuffer {
  if (isPosition && (buffer.last === undefined || page.last < buffer.last)) {
    return { events: [], floor: page.last, last: page.last };
  }
  if (isPosition || buffer.last === undefined) return buffer;
  const before = buffer.last;
  const added = page.events.filter((event) => event.seq > before);
  const last = Math.max(before, page.last, added.at(-1)?.seq ?? 0);
  if (last === before) return buffer;
  const all = [...buffer.events, ...added];
  const dropped = all.length - maxEvents;
  if (dropped <= 0) return { events: all, floor: buffer.floor, last };
  return { events: all.slice(dropped), floor: all[dropped - 1]?.seq ?? buffer.floor, last };
}

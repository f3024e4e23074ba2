// The events of all tasks, as a stream and as pages. Event ids are the numbers of the feed (`seq`).

import type { FeedEvent } from "@gantry/wire/agent/views.ts";
import { filterVisible, type Visibility } from "../access/visible.ts";
import type { Portal } from "../portal.ts";
import { frame, type Source, textFrame } from "./stream.ts";

export type FeedFilter = { readonly app?: string | undefined; readonly task?: string | undefined };

export type FeedPart = { readonly items: readonly FeedEvent[]; readonly last: number };

const PAGE = 500;

function matches(event: FeedEvent, { app, task }: FeedFilter): boolean {
  return (app === undefined || event.data.app === app) && (task === undefined || event.data.task === task);
}

/** Events after a number, at most `limit` before filtering: from memory, or from the task-agent when they are older. */
export async function readFeed(
  portal: Portal,
  after: number,
  limit: number,
  filter: FeedFilter,
  visibility: Pick<Visibility, "task">,
  signal?: AbortSignal,
): Promise<FeedPart> {
  const buffered = portal.hub.since(after);
  const call = signal ? { signal } : {};
  const { events, last } = buffered
    ? { events: buffered.slice(0, limit), last: buffered.length > limit ? undefined : portal.hub.last() }
    : await portal.agent.feed({ after, limit }, call);
  const wanted = events.filter((event) => matches(event, filter));
  const items = await filterVisible(wanted, ({ data: { task, app, pipeline } }) =>
    visibility.task({ task, app, pipeline }),
  );
  return { items, last: Math.max(after, last ?? 0, events.at(-1)?.seq ?? 0) };
}

/**
 * A stream of the events after `start`, or of new events when it is undefined. `event: reset` asks a client to read its
 * views again, because it missed too many events or has a number of another history; the stream continues with the newest
 * event. `event: link` says whether the portal is connected to the feed. `visibility` is called for each read, because the rights
 * of the caller may change.
 */
export function feedSource(
  portal: Portal,
  start: number | undefined,
  filter: FeedFilter,
  visibility: () => Visibility,
): Source {
  const { hub } = portal;
  let cursor = start;
  let seen = hub.version();
  let isFirst = true;
  let wasUp: boolean | undefined;
  let more = false;

  const resetOf = async (at: number, signal: AbortSignal): Promise<number | undefined> => {
    const last = hub.last() ?? at;
    if (last - at > portal.config.live.replay) return last;
    // A number ahead of ours may come from another portal that has read further. Only the feed itself shows whether it is
    // valid.
    if (at <= last || !hub.isUp()) return undefined;
    const position = await portal.agent.feed({ limit: 1 }, { signal });
    return at > position.last ? position.last : undefined;
  };

  return {
    next: async (signal) => {
      const frames: string[] = [];
      seen = hub.version();
      if (hub.isUp() !== wasUp) {
        wasUp = hub.isUp();
        frames.push(frame({ event: "link", data: { up: wasUp } }));
      }
      cursor ??= hub.last();
      if (cursor === undefined) return frames;
      const reset = isFirst || cursor > (hub.last() ?? cursor) ? await resetOf(cursor, signal) : undefined;
      isFirst = false;
      if (reset !== undefined) {
        cursor = reset;
        frames.push(frame({ id: reset, event: "reset", data: { last: reset } }));
      }
      const now = visibility();
      const part: FeedPart = await readFeed(portal, cursor, PAGE, filter, now, signal);
      more = part.last > cursor && part.last < (hub.last() ?? 0);
      cursor = part.last;
      for (const event of part.items) frames.push(textFrame(await now.redact(hub.text(event)), event.seq));
      return frames;
    },
    wait: (ms, signal) => (more ? Promise.resolve() : hub.wait(seen, ms, signal)),
    position: () => cursor,
  };
}

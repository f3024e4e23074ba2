// GET /v1/events: the events of all tasks, as a stream or as pages.

import { z } from "zod";
import { listOf } from "../access/guards/guards.ts";
import { type Visibility, visibilityOf } from "../access/visible.ts";
import { sendUncachedText } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { limitQuery, name, seqQuery, taskId, waitQuery } from "../http/schemas.ts";
import { eventPages } from "../live/event-page.ts";
import { type FeedPart, feedSource, readFeed } from "../live/feed-source.ts";
import { longPoll } from "../live/long-poll.ts";
import { lastEventId, sendStream } from "../live/stream.ts";

/**
 * The most reads of one request before the end of the history is reached. The client then asks again, and each request
 * counts towards its limit.
 */
const MAX_READS = 20;

export const watchEvents = route({
  method: "GET",
  path: "/v1/events",
  id: "watchEvents",
  tag: "events",
  summary: "Follow the events of all tasks",
  description:
    "With `Accept: text/event-stream` a stream. The id of an event is its `seq`; `Last-Event-ID` (or `after`) resumes " +
    "after it. `event: reset` says that too many events were missed and views must be read again; `event: link` says " +
    "whether the portal is connected to the feed. Otherwise a page of events, which may be empty; get the next one " +
    "with `after` = `last`.",
  right: listOf("view"),
  verb: "see events",
  waits: true,
  query: z.strictObject({
    after: seqQuery.optional().describe("Events after this `seq`. Default: only new events"),
    wait: waitQuery.optional(),
    limit: limitQuery.optional(),
    app: name.optional(),
    task: taskId.optional(),
  }),
  responses: eventPages,
  handle: async (call) => {
    const { ctx, portal, query } = call;
    const { after, wait = 0, limit = 200, ...filter } = query;
    const caller = callerOf(call);
    const visibility = (): Visibility => visibilityOf(portal, caller);
    ctx.vary("Accept");
    if (ctx.accepts("json", "text/event-stream") === "text/event-stream") {
      const start = lastEventId(ctx) ?? after;
      sendStream({ ...call, caller }, feedSource(portal, start, filter, visibility));
      return;
    }
    let reads = 0;
    let at = after ?? portal.hub.last() ?? (await portal.agent.feed({ limit: 1 })).last;
    const part = await longPoll<FeedPart>({ ctx, portal, caller }, wait, async (signal) => {
      const value = await readFeed(portal, at, limit, filter, visibility(), signal);
      const isExhausted = value.last === at;
      at = value.last;
      reads = isExhausted ? 0 : reads + 1;
      return { value, isDone: value.items.length > 0 || reads >= MAX_READS, isExhausted };
    });
    sendUncachedText(ctx, await visibility().redact(JSON.stringify(part)));
  },
});

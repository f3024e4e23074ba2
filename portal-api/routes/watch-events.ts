// GET /v1/events: the feed of all tasks, as a stream or as a page of the same.

import { feedEvent } from "@gantry/wire/agent/views.ts";
import { z } from "zod";
import { sendFresh } from "../http/answer.ts";
import { callerOf, route } from "../http/route.ts";
import { limitQuery, name, seqQuery, taskId, waitQuery } from "../http/schemas.ts";
import { type FeedPart, feedSource, readFeed } from "../live/feed-source.ts";
import { lastEventId, sendStream } from "../live/stream.ts";
import { waitFor } from "../live/wait-for.ts";

export const watchEvents = route({
  method: "GET",
  path: "/v1/events",
  id: "watchEvents",
  tag: "events",
  summary: "What happens, of all tasks",
  description:
    "With `Accept: text/event-stream` a stream: the id of an event is its `seq`, `Last-Event-ID` (or `after`) goes on " +
    "after it, `event: reset` says that too much was missed and views must be read again, `event: link` whether the " +
    "portal itself is up to date. Otherwise a page of the same events; ask for the next one with `after` = `last`.",
  access: "viewer",
  verb: "see events",
  query: z.strictObject({
    after: seqQuery.optional().describe("Events after this `seq`; absent: what comes from now on"),
    wait: waitQuery.optional(),
    limit: limitQuery.optional(),
    app: name.optional(),
    task: taskId.optional(),
  }),
  answers: {
    200: {
      description: "Events, oldest first",
      content: {
        "application/json": z.object({ items: z.array(feedEvent), last: z.int().describe("`after` of the next page") }),
        "text/event-stream": z.string(),
      },
    },
  },
  handle: async (call) => {
    const { ctx, portal, query } = call;
    const { after, wait = 0, limit = 200, ...filter } = query;
    ctx.vary("Accept");
    if (ctx.accepts("json", "text/event-stream") === "text/event-stream") {
      const start = lastEventId(ctx) ?? after;
      sendStream({ ctx, portal, caller: callerOf(call) }, feedSource(portal, start, filter));
      return;
    }
    let at = after ?? portal.hub.last() ?? (await portal.agent.feed({ limit: 1 })).last;
    const part = await waitFor<FeedPart>(portal, ctx, wait, async (signal) => {
      const value = await readFeed(portal, at, limit, filter, signal);
      const isDry = value.last === at;
      at = value.last;
      return { value, isDone: value.items.length > 0, isDry };
    });
    sendFresh(ctx, part);
  },
});

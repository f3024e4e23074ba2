// GET /v1/tasks/{id}/events: the events of one task, as a stream or as pages.

import { z } from "zod";
import { onTask } from "../access/guards/guards.ts";
import { type Visibility, visibilityOf } from "../access/visible.ts";
import { sendUncachedText } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { inTask, limitQuery, seqQuery, waitQuery } from "../http/schemas.ts";
import { eventPages } from "../live/event-page.ts";
import { longPoll } from "../live/long-poll.ts";
import { lastEventId, sendStream } from "../live/stream.ts";
import { taskSource } from "../live/task-source.ts";

export const watchTask = route({
  method: "GET",
  path: "/v1/tasks/{id}/events",
  id: "watchTask",
  tag: "tasks",
  summary: "Follow the events of one task",
  description:
    "With `Accept: text/event-stream` a stream. The id of an event is its `taskseq`; `Last-Event-ID` (or `after`) " +
    "resumes after it. Otherwise a page of events; get the next one with `after` = `last`.",
  right: onTask("view"),
  verb: "see tasks",
  params: inTask,
  waits: true,
  query: z.strictObject({
    after: seqQuery.optional().describe("Events after this `taskseq`. Default: all"),
    wait: waitQuery.optional(),
    limit: limitQuery.optional(),
  }),
  responses: eventPages,
  handle: async (call) => {
    const { ctx, portal, params, query } = call;
    const caller = callerOf(call);
    const visibility = (): Visibility => visibilityOf(portal, caller);
    ctx.vary("Accept");
    const isStream = ctx.accepts("json", "text/event-stream") === "text/event-stream";
    const after = (isStream ? lastEventId(ctx) : undefined) ?? query.after ?? 0;
    const limit = query.limit ?? 200;
    if (isStream) {
      const first = await portal.agent.taskEvents(params.id, after, limit);
      sendStream({ ...call, caller }, taskSource(portal, params.id, after, first, visibility));
      return;
    }
    const items = await longPoll({ ctx, portal, caller }, query.wait ?? 0, async (signal) => {
      // The request may have been held for half a minute.
      await call.authorise();
      const value = await portal.agent.taskEvents(params.id, after, limit, { signal });
      return { value, isDone: value.length > 0, isExhausted: true };
    });
    const page = { items, last: items.at(-1)?.taskseq ?? after };
    sendUncachedText(ctx, await visibility().redact(JSON.stringify(page)));
  },
});

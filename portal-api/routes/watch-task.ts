// GET /v1/tasks/{id}/events: what happened to one task, as a stream or as a page of the same.

import { feedEvent } from "@gantry/wire/agent/views.ts";
import { z } from "zod";
import { sendFresh } from "../http/answer.ts";
import { callerOf, route } from "../http/route.ts";
import { inTask, limitQuery, seqQuery, waitQuery } from "../http/schemas.ts";
import { lastEventId, sendStream } from "../live/stream.ts";
import { taskSource } from "../live/task-source.ts";
import { waitFor } from "../live/wait-for.ts";

export const watchTask = route({
  method: "GET",
  path: "/v1/tasks/{id}/events",
  id: "watchTask",
  tag: "tasks",
  summary: "What happened to one task",
  description:
    "With `Accept: text/event-stream` a stream: the id of an event is its `taskseq`, `Last-Event-ID` (or `after`) goes " +
    "on after it. Otherwise a page of the same events; ask for the next one with `after` = `last`.",
  access: "viewer",
  verb: "see tasks",
  params: inTask,
  query: z.strictObject({
    after: seqQuery.optional().describe("Events after this `taskseq`; absent: all"),
    wait: waitQuery.optional(),
    limit: limitQuery.optional(),
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
    const { ctx, portal, params, query } = call;
    ctx.vary("Accept");
    const isStream = ctx.accepts("json", "text/event-stream") === "text/event-stream";
    const after = (isStream ? lastEventId(ctx) : undefined) ?? query.after ?? 0;
    const limit = query.limit ?? 200;
    if (isStream) {
      const first = await portal.agent.taskEvents(params.id, after, limit);
      sendStream({ ctx, portal, caller: callerOf(call) }, taskSource(portal, params.id, after, first));
      return;
    }
    const items = await waitFor(portal, ctx, query.wait ?? 0, async (signal) => {
      const value = await portal.agent.taskEvents(params.id, after, limit, { signal });
      return { value, isDone: value.length > 0, isDry: true };
    });
    sendFresh(ctx, { items, last: items.at(-1)?.taskseq ?? after });
  },
});

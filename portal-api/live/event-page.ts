// The answer of the two routes of events.

import { feedEvent } from "@gantry/wire/agent/views.ts";
import { z } from "zod";

export const eventPages = {
  200: {
    description: "Events, oldest first",
    content: {
      "application/json": z.object({ items: z.array(feedEvent), last: z.int().describe("`after` of the next page") }),
      "text/event-stream": z.string(),
    },
  },
};

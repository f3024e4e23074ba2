// Views of tasks for those who ask again and again. A view is kept with its tag; whoever asks for it makes the portal ask
// the task-agent for the tag as it is now, many tasks in one question. So an answer is never older than its request.

import { GantryError } from "@gantry/core/errors.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import { MAX_TAGS } from "@gantry/wire/agent/agent-api.ts";
import type { AgentClient } from "@gantry/wire/agent/agent-client.ts";
import { taskTag } from "@gantry/wire/agent/views.ts";
import { etagOf } from "../http/answer.ts";
import { gather } from "./batch-loader.ts";

export type TaskViews = {
  /** The view as JSON text with its ETag. Throws `not-found` and `unavailable`. */
  readonly read: (id: string) => Promise<{ readonly text: string; readonly etag: string }>;
  /** The task-agent was away: what it tells now may be of another history. */
  readonly forgetAll: () => void;
};

type Kept = { readonly tag: string; readonly text: string; readonly etag: string };

/** Between two questions to the task-agent when many are waiting. */
const REST_MS = 1;
/** Characters of all kept views together. */
const KEEP = 8 * 1_048_576;
export function makeTaskViews(agent: Pick<AgentClient, "task" | "taskTags">, clock: Clock): TaskViews {
  const rest = (): Promise<void> => new Promise((resolve) => void clock.after(REST_MS, resolve));
  const kept = new Map<string, Kept>();
  let size = 0;
  const tagNow = gather({ most: MAX_TAGS, rest }, (ids) => agent.taskTags(ids).catch(noTags));

  const forget = (id: string): void => {
    size -= kept.get(id)?.text.length ?? 0;
    kept.delete(id);
  };
  const keep = (id: string, view: Kept): void => {
    forget(id);
    kept.set(id, view);
    size += view.text.length;
    for (const oldest of kept.keys()) {
      if (size <= KEEP) return;
      forget(oldest);
    }
  };

  return {
    read: async (id) => {
      const known = kept.get(id);
      if (known && known.tag === (await tagNow(id))) return known;
      const view = await agent.task(id);
      const text = JSON.stringify(view);
      const fresh = { tag: taskTag(view), text, etag: etagOf(text) };
      keep(id, fresh);
      return fresh;
    },
    forgetAll: () => {
      kept.clear();
      size = 0;
    },
  };
}

/** A task-agent of the version before does not know the question: then nothing is known to be as it was. */
function noTags(error: unknown): ReadonlyMap<string, string> {
  if (error instanceof GantryError && error.code === "not-found") return new Map();
  throw error;
}

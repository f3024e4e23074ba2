// A cache of task views, for clients that poll. Every request asks the task-agent for the current tag of the task, many
// tasks in one call, and a cached view is returned only when its tag is current: a response is never out of date.

import { GantryError } from "@gantry/core/errors.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import { MAX_TAGS } from "@gantry/wire/agent/agent-api.ts";
import type { AgentClient } from "@gantry/wire/agent/agent-client.ts";
import { taskTag } from "@gantry/wire/agent/views.ts";
import type { TaskFacts } from "../access/facts.ts";
import { etagOf } from "../http/respond.ts";
import { batchLoader } from "./batch-loader.ts";

export type TaskViews = {
  /** The view as JSON text with its ETag. Throws `not-found` and `unavailable`. */
  readonly read: (id: string) => Promise<Omit<CachedView, "tag">>;
  /** Must be called after an outage: the task-agent may have another history now. */
  readonly clear: () => void;
};

type CachedView = {
  readonly tag: string;
  readonly text: string;
  readonly etag: string;
  /** For decisions. */
  readonly facts: TaskFacts;
  readonly sites: readonly string[];
  /** The names of the pipelines that its jobs run. */
  readonly children: readonly string[];
};

/** Pause between two calls to the task-agent while clients wait, in ms. */
const PAUSE_MS = 1;
/** Characters of all cached views together. */
const MAX_SIZE = 8 * 1_048_576;

export function makeTaskViews(agent: Pick<AgentClient, "task" | "taskTags">, clock: Clock): TaskViews {
  const pauseBetween = (): Promise<void> => new Promise((resolve) => void clock.after(PAUSE_MS, resolve));
  const cached = new Map<string, CachedView>();
  let size = 0;
  const currentTag = batchLoader({ maxKeys: MAX_TAGS, pauseBetween }, (ids) => agent.taskTags(ids).catch(noTags));

  const remove = (id: string): void => {
    size -= cached.get(id)?.text.length ?? 0;
    cached.delete(id);
  };
  const store = (id: string, view: CachedView): void => {
    remove(id);
    cached.set(id, view);
    size += view.text.length;
    for (const oldest of cached.keys()) {
      if (size <= MAX_SIZE) return;
      remove(oldest);
    }
  };

  return {
    read: async (id) => {
      const known = cached.get(id);
      if (known && known.tag === (await currentTag(id))) return known;
      const view = await agent.task(id);
      const text = JSON.stringify(view);
      const facts = { app: view.app, pipeline: view.pipeline };
      const current = {
        tag: taskTag(view),
        text,
        etag: etagOf(text),
        facts,
        sites: view.sites,
        children: view.children ?? [],
      };
      store(id, current);
      return current;
    },
    clear: () => {
      cached.clear();
      size = 0;
    },
  };
}

/** A task-agent of an older version has no tags: then every view is read again. */
function noTags(error: unknown): ReadonlyMap<string, string> {
  if (error instanceof GantryError && error.code === "not-found") return new Map();
  throw error;
}

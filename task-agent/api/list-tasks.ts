// Pages of the list of tasks, newest first.

import type { TaskState } from "@gantry/core/task/model.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { Parsed, Sent } from "@gantry/runtime/http/route.ts";
import type { Page } from "@gantry/wire/agent/agent-client.ts";
import type { AgentRoutes } from "@gantry/wire/agent/routes.ts";
import type { TaskSummary } from "@gantry/wire/agent/views.ts";
import { numberMadeBy } from "../builds/build-stream.ts";
import { type Found, newestOf } from "../store/newest-of.ts";
import type { Definitions } from "../tasks/definitions.ts";
import { taskStream } from "../tasks/task-stream.ts";
import { taskSummary } from "./view.ts";

type ListDeps = { readonly journal: Pick<Journal, "find">; readonly definitions: Pick<Definitions, "pinned"> };
type Query = Parsed<AgentRoutes["tasks"]["query"]>;

/**
 * `app` and `state` are read from an index. The other filters apply to what was read, so a page may have fewer tasks than
 * `limit` although there are more.
 */
export async function listTasks(deps: ListDeps, query: Query): Promise<Sent<Page<TaskSummary>>> {
  const found =
    query.apps && query.app === undefined
      ? await newestOf(deps.journal, "tasks-by-app", query.apps, query)
      : await byIndex(deps, query);
  const wanted = found.items.map(taskStream.stateOf).filter((state) => isWanted(state, query));
  // The snapshots of the page are as recent as a separate read of each task.
  const items = wanted.map(async (state) => {
    const made = state.result?.build && (await numberMadeBy(deps.journal, state.id));
    return taskSummary(state, await deps.definitions.pinned(state.definition), made);
  });
  return {
    items: await Promise.all(items),
    ...(found.cursor === undefined ? {} : { nextCursor: found.cursor }),
  };
}

function isWanted(state: TaskState, { app, apps, pipeline, state: outcome }: Query): boolean {
  if (pipeline !== undefined && state.pipeline !== pipeline) return false;
  if (apps && (state.app === undefined || !apps.includes(state.app))) return false;
  return (app === undefined && apps === undefined) || outcome === undefined || (state.outcome ?? "open") === outcome;
}

function byIndex({ journal }: ListDeps, query: Query): Promise<Found> {
  const by = query.app === undefined ? (query.state === undefined ? undefined : "tasks-by-state") : "tasks-by-app";
  const prefix = query.app ?? query.state;
  return journal.find({
    index: by ?? "tasks",
    ...(prefix === undefined ? {} : { prefix: `${prefix}/` }),
    limit: query.limit,
    order: "descending",
    ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
  });
}

// A page of the tasks that a caller may see.

import { GantryError } from "@gantry/core/errors.ts";
import { MAX_APPS } from "@gantry/wire/agent/agent-api.ts";
import type { Page, TaskQuery } from "@gantry/wire/agent/agent-client.ts";
import type { TaskSummary } from "@gantry/wire/agent/views.ts";
import type { Portal } from "../portal.ts";
import { type Visibility, visiblePage } from "./visible.ts";

type Query = TaskQuery & { readonly limit: number };

/**
 * Asks the task-agent for the tasks of the visible apps if there are few; otherwise reads all tasks. Both results are
 * filtered here, so the task-agent's answer never determines who sees what.
 */
export async function visibleTasks(portal: Portal, visibility: Visibility, query: Query): Promise<Page<TaskSummary>> {
  if (visibility.none || (query.app !== undefined && !(await visibility.app(query.app)))) return { items: [] };
  const read = (part: Query): Promise<Page<TaskSummary>> => portal.agent.tasks(part);
  if (visibility.all) return read(query);
  const isVisible = ({ id, app, pipeline }: TaskSummary): Promise<boolean> =>
    visibility.task({ task: id, app, pipeline });
  const apps = query.app === undefined ? await fewVisibleApps(visibility) : undefined;
  if (apps?.length === 0) return { items: [] };
  return visiblePage(visibility, { ...query, apps }, read, isVisible).catch((error: unknown) => {
    // A task-agent of an older version does not know `apps`.
    if (apps === undefined || !(error instanceof GantryError) || error.code !== "bad-request") throw error;
    return visiblePage(visibility, query, read, isVisible);
  });
}

/** Undefined when the caller sees tasks without an app, or more apps than one request may name. */
export async function fewVisibleApps(visibility: Visibility): Promise<readonly string[] | undefined> {
  const apps = visibility.byApp ? await visibility.apps() : undefined;
  return apps && apps.length <= MAX_APPS ? apps : undefined;
}

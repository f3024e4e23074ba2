// Which task a command is about.

import { GantryError } from "@gantry/core/errors.ts";
import { page, type TaskView, taskSummary, taskView } from "@gantry/wire/agent/views.ts";
import type { PortalClient } from "../client.ts";

export function taskPath(id: string): string {
  return `/v1/tasks/${encodeURIComponent(id)}`;
}

/** Without an id, the newest task that the caller may see. Throws `not-found`. */
export async function taskOf(portal: PortalClient, id: string | undefined): Promise<TaskView> {
  return portal.get(taskPath(id ?? (await newest(portal))), taskView);
}

async function newest(portal: PortalClient): Promise<string> {
  const { items } = await portal.get("/v1/tasks?limit=1", page(taskSummary));
  const [task] = items;
  if (!task) throw new GantryError("not-found", { kind: "task", name: "yet" });
  return task.id;
}

// Which task a command is about.

import { GantryError } from "@gantry/core/errors.ts";
import { type TaskView, taskSummary, taskView } from "@gantry/wire/agent/views.ts";
import type { PortalClient } from "../client.ts";
import { firstItems } from "../portal/pages.ts";

export function taskPath(id: string): string {
  return `/v1/tasks/${encodeURIComponent(id)}`;
}

/** Without an id, the newest task that the caller may see. Throws `not-found`. */
export async function taskOf(portal: PortalClient, id: string | undefined): Promise<TaskView> {
  return portal.get(taskPath(id ?? (await newest(portal))), taskView);
}

async function newest(portal: PortalClient): Promise<string> {
  const [task] = await firstItems(portal, "/v1/tasks", taskSummary, 1);
  if (!task) throw new GantryError("not-found", { kind: "task", name: "yet" });
  return task.id;
}

// What a person can do after a task has not succeeded.

import { GantryError } from "@gantry/core/errors.ts";
import { appView, type TaskView } from "@gantry/wire/agent/views.ts";
import type { PortalClient } from "../client.ts";

/** Lines with commands. Asks the portal whether the task was a creation of which something is left. */
export async function afterFailure(portal: PortalClient, task: TaskView): Promise<string> {
  const { id, app } = task;
  const undo = (await isFailedCreation(portal, task)) ? `Delete what it made: gantry app forget ${app} --undo\n` : "";
  return `Logs: gantry task logs ${id} --failed\nRun it again: gantry task rerun ${id} --follow\n${undo}`;
}

async function isFailedCreation(portal: PortalClient, { id, app }: TaskView): Promise<boolean> {
  if (app === undefined) return false;
  try {
    const { state, task } = await portal.get(`/v1/apps/${encodeURIComponent(app)}`, appView);
    return state === "failed" && task === id;
  } catch (error) {
    // It is only a hint: an app that is gone, or that this person may not see, has none.
    if (error instanceof GantryError) return false;
    throw error;
  }
}

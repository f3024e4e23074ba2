// The demo: creates, builds and deploys an app through the public API of the portal. The idempotency keys are fixed, so a
// second start finds the same tasks and follows them.

import { type TaskView, taskView } from "@gantry/wire/agent/views.ts";
import type { PortalClient } from "./client.ts";
import type { Io } from "./io.ts";
import { LivePrinter } from "./print/live-printer.ts";
import { taskEvents } from "./task/task-events.ts";

export type DemoOptions = {
  readonly io: Io;
  readonly signal: AbortSignal;
  /** In JSON mode: prints one object per line. */
  readonly printJson: ((value: object) => void) | undefined;
};

const APP = "orders";
const RUNS = [
  { key: "demo-create-orders", path: "/v1/apps", body: { params: { name: APP, title: "Orders", jiraKey: "ORD" } } },
  { key: "demo-ci-orders", path: `/v1/apps/${APP}/ci`, body: {} },
  { key: "demo-cd-orders", path: `/v1/apps/${APP}/cd`, body: {} },
] as const;

/** True when all three tasks succeeded. Stops after the first one that did not. */
export async function runDemo(portal: PortalClient, options: DemoOptions): Promise<boolean> {
  for (const { key, path, body } of RUNS) {
    const task = await portal.post(path, body, taskView, key);
    const ended = await follow(portal, task, options);
    if (ended.state !== "succeeded") return false;
  }
  return true;
}

async function follow(portal: PortalClient, task: TaskView, { io, printJson }: DemoOptions): Promise<TaskView> {
  const printer = printJson ? undefined : new LivePrinter(io, task);
  for await (const event of taskEvents(portal, task.id)) {
    printJson?.(event);
    printer?.show(event);
  }
  const ended = await portal.get(`/v1/tasks/${task.id}`, taskView);
  printer?.end(ended);
  return ended;
}

// The first app: created, built, deployed, each through the portal's API as anybody would. The idempotency keys are
// fixed, so a second start finds the same tasks and goes on with them.

import { type FeedEvent, feedEvent, page, type TaskView, taskView } from "@gantry/wire/agent/views.ts";
import type { PortalClient } from "./client.ts";
import type { Io } from "./io.ts";
import { LivePrinter } from "./print.ts";

export type DemoOptions = {
  readonly io: Io;
  readonly signal: AbortSignal;
  /** Given in JSON mode: takes one fact per line. */
  readonly say: ((fact: object) => void) | undefined;
};

const APP = "orders";
const PRESSES = [
  { key: "demo-create-orders", path: "/v1/apps", body: { params: { name: APP, title: "Orders", jiraKey: "ORD" } } },
  { key: "demo-ci-orders", path: `/v1/apps/${APP}/ci`, body: {} },
  { key: "demo-cd-orders", path: `/v1/apps/${APP}/cd`, body: {} },
] as const;
const WAIT_MS = 20_000;

/** True when all three tasks succeeded; stops after the first that did not. */
export async function runDemo(portal: PortalClient, options: DemoOptions): Promise<boolean> {
  for (const { key, path, body } of PRESSES) {
    const task = await portal.post(path, body, taskView, key);
    const ended = await follow(portal, task, options);
    if (ended.state !== "succeeded") return false;
  }
  return true;
}

async function follow(portal: PortalClient, task: TaskView, { io, say }: DemoOptions): Promise<TaskView> {
  const printer = say ? undefined : new LivePrinter(io, task);
  const events = page(feedEvent);
  for (let after = 0, over = false; !over; ) {
    const { items } = await portal.get(`/v1/tasks/${task.id}/events?after=${after}&wait=${WAIT_MS}`, events);
    for (const event of items) {
      after = event.taskseq;
      over ||= isEnd(event);
      say?.(event);
      printer?.show(event);
    }
  }
  const ended = await portal.get(`/v1/tasks/${task.id}`, taskView);
  printer?.end(ended);
  return ended;
}

function isEnd(event: FeedEvent): boolean {
  return event.data.event.kind === "TaskEnded";
}

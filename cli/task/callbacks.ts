// `gantry task callbacks`: the addresses that are told of the end of a task, and what happened.

import { page, type TaskView } from "@gantry/wire/agent/views.ts";
import { type CallbackView, callbackView } from "@gantry/wire/notify/views.ts";
import { shortTime, textTable } from "../print/text-table.ts";
import type { Call, Outcome } from "../table/command.ts";
import { taskOf, taskPath } from "./task-of.ts";

export async function taskCallbacks({
  portal,
  args: [id],
}: Call<object, readonly [string | undefined]>): Promise<Outcome> {
  const client = portal();
  const task = await taskOf(client, id);
  const { items } = await client.get(`${taskPath(task.id)}/callbacks`, page(callbackView));
  return { value: items, text: items.length === 0 ? plannedText(task) : listText(items) };
}

function plannedText({ callbacks = [] }: TaskView): string {
  if (callbacks.length === 0) return "Nobody is told of the end of this task.\n";
  const rows = callbacks.map(({ url, on }) => [url, on?.join(", ") ?? "however it ends"]);
  return textTable(["ADDRESS", "IS TOLD"], rows);
}

function listText(items: readonly CallbackView[]): string {
  const rows = items.map(({ url, state, tries, deliveredAt, nextTryAt, problem }) => [
    ...[url, state, String(tries)],
    deliveredAt === undefined ? "" : shortTime(deliveredAt),
    [problem, nextTryAt && `next try at ${shortTime(nextTryAt)}`].filter(Boolean).join("; "),
  ]);
  return textTable(["ADDRESS", "STATE", "TRIES", "DELIVERED (UTC)", ""], rows);
}

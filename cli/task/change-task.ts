// `gantry task cancel`, `rerun` and `resolve`

import { randomUUID } from "node:crypto";
import { taskView } from "@gantry/wire/agent/views.ts";
import { checkOneOf } from "../line/parse-line.ts";
import type { Call, Outcome } from "../table/command.ts";
import { startedTask } from "./start-task.ts";
import { taskPath } from "./task-of.ts";

type Reason = { readonly reason: string | undefined };

export async function cancelTask({
  portal,
  flags: { reason },
  args: [id],
}: Call<Reason, readonly [string]>): Promise<Outcome> {
  const body = reason === undefined ? {} : { reason };
  const task = await portal().post(`${taskPath(id)}/cancel`, body, taskView);
  return { value: task, text: `${task.id}  ${task.headline}\n` };
}

type Rerun = { readonly all: boolean; readonly newest: boolean; readonly follow: boolean };

export async function rerunTask(call: Call<Rerun, readonly [string]>): Promise<Outcome | number> {
  const { all, newest } = call.flags;
  const body = { from: all ? "all" : "failed", definition: newest ? "newest" : "pinned" };
  const portal = call.portal();
  const task = await portal.post(`${taskPath(call.args[0])}/rerun`, body, taskView, randomUUID());
  return startedTask(call, task, portal.url);
}

const ANSWERS = ["run-again", "mark-done", "fail"];

export async function resolveTask({
  portal,
  flags: { reason },
  args: [id, job, answer],
}: Call<Reason, readonly [string, string, string]>): Promise<Outcome> {
  checkOneOf("The answer", answer, ANSWERS);
  const body = { job, answer, ...(reason === undefined ? {} : { reason }) };
  const task = await portal().post(`${taskPath(id)}/resolve`, body, taskView);
  return { value: task, text: `${task.id}  ${task.headline}\n` };
}

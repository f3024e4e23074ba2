// `gantry task cancel`, `rerun` and `resolve`

import { randomUUID } from "node:crypto";
import { rerunPlanView } from "@gantry/wire/agent/rerun-plan.ts";
import { taskView } from "@gantry/wire/agent/views.ts";
import { checkOneOf } from "../line/parse-line.ts";
import { readParams } from "../params.ts";
import { textTable } from "../print/text-table.ts";
import { type Call, type Outcome, UsageError } from "../table/command.ts";
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

type Rerun = {
  readonly all: boolean;
  readonly job: string | undefined;
  readonly param: readonly string[];
  readonly newest: boolean;
  readonly plan: boolean;
  readonly follow: boolean;
};

export async function rerunTask(call: Call<Rerun, readonly [string]>): Promise<Outcome | number> {
  const { all, job, param, newest, plan } = call.flags;
  if (job !== undefined && (all || param.length > 0))
    throw new UsageError("--job cannot be given together with --all or --param: with them, every job runs again");
  const body = {
    ...(all ? { from: "all" } : {}),
    ...(job === undefined ? {} : { job }),
    ...(param.length === 0 ? {} : { params: readParams(param, call.io) }),
    definition: newest ? "newest" : "pinned",
  };
  const portal = call.portal();
  if (plan) {
    const planned = await portal.post(`${taskPath(call.args[0])}/rerun-plan`, body, rerunPlanView);
    const rows = planned.jobs.map(({ key, does, because }) => [key, does, because]);
    return { value: planned, text: `${textTable(["JOB", "DOES", "BECAUSE"], rows)}` };
  }
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

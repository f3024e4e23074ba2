// `gantry trigger`: lists what starts pipelines by itself, pauses and resumes it, and runs a schedule now.

import { randomUUID } from "node:crypto";
import { type TriggerView, triggerView } from "@gantry/wire/agent/triggers/triggers.ts";
import { page, taskView } from "@gantry/wire/agent/views.ts";
import { shortTime, textTable } from "../print/text-table.ts";
import type { Call, Outcome } from "../table/command.ts";

type OfTrigger<F = object> = Call<F, readonly [id: string]>;

export async function listTriggers({
  portal,
  args: [app],
}: Call<object, readonly [string | undefined]>): Promise<Outcome> {
  const query = app === undefined ? "" : `?app=${encodeURIComponent(app)}`;
  const { items } = await portal().get(`/v1/triggers${query}`, page(triggerView));
  const heads = ["TRIGGER", "WAITS FOR", "NEXT", "LAST (UTC)", ""];
  const text = textTable(heads, items.map(rowOf));
  return { value: items, text: items.length === 0 ? "Nothing starts by itself.\n" : text };
}

function rowOf({ id, text, nextAt, nextInZone, paused, last }: TriggerView): readonly string[] {
  const reason = paused?.reason === undefined ? "" : `: ${paused.reason}`;
  const next = paused ? `paused by ${paused.by}${reason}` : nextAt === undefined ? "" : (nextInZone ?? nextAt);
  return [id, text, next, last ? shortTime(last.at) : "", last?.task ?? last?.nothing ?? ""];
}

export async function pauseTrigger({
  portal,
  flags,
  args: [id],
}: OfTrigger<{ readonly reason: string | undefined }>): Promise<Outcome> {
  const body = flags.reason === undefined ? {} : { reason: flags.reason };
  const trigger = await portal().post(`/v1/triggers/${encodeURIComponent(id)}/pause`, body, triggerView);
  return { value: trigger, text: `${id} is paused. \`gantry trigger resume ${id}\` ends it.\n` };
}

export async function resumeTrigger({ portal, args: [id] }: OfTrigger): Promise<Outcome> {
  const trigger = await portal().post(`/v1/triggers/${encodeURIComponent(id)}/resume`, {}, triggerView);
  const { nextInZone } = trigger;
  return { value: trigger, text: `${id} is resumed.${nextInZone === undefined ? "" : ` Next: ${nextInZone}.`}\n` };
}

export async function runTrigger({ portal, args: [id] }: OfTrigger): Promise<Outcome> {
  const client = portal();
  const task = await client.post(`/v1/triggers/${encodeURIComponent(id)}/run`, {}, taskView, randomUUID());
  return { value: task, text: `Task ${task.id} was started.   ${client.url}/tasks/${task.id}\n` };
}

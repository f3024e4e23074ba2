// `gantry task show`: a task, its jobs, and what failed.

import { duration } from "@gantry/core/task/messages.ts";
import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { JobView, TaskView } from "@gantry/wire/agent/views.ts";
import { shortTime, textTable } from "../print/text-table.ts";
import type { Call, Outcome } from "../table/command.ts";
import { starterOf } from "./starter.ts";
import { taskOf } from "./task-of.ts";

export async function showTask({ portal, args: [id] }: Call<object, readonly [string | undefined]>): Promise<Outcome> {
  const client = portal();
  const task = await taskOf(client, id);
  return { value: task, text: inWords(task, client.url) };
}

function inWords(task: TaskView, url: string): string {
  const { id, title, state, headline, requestedAt, jobs, failure } = task;
  const what =
    failure === undefined ? "" : `\n${[failure.message, failure.why, failure.todo].filter(Boolean).join("\n")}\n`;
  return `${title}   ${id}
${STATE_LOOKS[state].glyph} ${headline}
asked for by ${starterOf(task)} at ${shortTime(requestedAt)} UTC   ${url}/tasks/${id}

${textTable(["JOB", "SITE", "STATE", "TOOK", "STEPS", ""], jobs.map(rowOf))}${what}${nextInWords(task)}`;
}

function rowOf({ key, site, state, durationMs, steps, waiting, failure }: JobView): readonly string[] {
  const ended = steps.filter((step) => STATE_LOOKS[step.state].ended).length;
  return [
    key,
    site,
    `${STATE_LOOKS[state].glyph} ${STATE_LOOKS[state].word}`,
    durationMs === undefined ? "" : duration(durationMs),
    `${ended}/${steps.length}`,
    failure?.message ?? waiting?.text ?? steps.find((step) => step.waiting)?.waiting?.text ?? "",
  ];
}

function nextInWords({ id, state, jobs }: TaskView): string {
  const held = jobs.find((job) => job.state === "held");
  if (held) return `\nA person has to decide: gantry task resolve ${id} '${held.key}' run-again|mark-done|fail\n`;
  if (!STATE_LOOKS[state].ended) return `\nFollow it: gantry task watch ${id}\n`;
  if (state === "succeeded") return "";
  return `\nLogs: gantry task logs ${id} --failed\nRun it again: gantry task rerun ${id} --follow\n`;
}

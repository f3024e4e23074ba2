// `gantry task show`: a task, its jobs, and what failed.

import { duration } from "@gantry/core/task/messages.ts";
import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { JobView, TaskView } from "@gantry/wire/agent/views.ts";
import { shortTime, textTable } from "../print/text-table.ts";
import type { Call, Outcome } from "../table/command.ts";
import { afterFailure } from "./after-failure.ts";
import { annotationTable } from "./annotation-table.ts";
import { starterOf } from "./starter.ts";
import { summariesInShort } from "./summaries.ts";
import { taskOf } from "./task-of.ts";

export async function showTask({ portal, args: [id] }: Call<object, readonly [string | undefined]>): Promise<Outcome> {
  const client = portal();
  const task = await taskOf(client, id);
  const summaries = await summariesInShort(client, task);
  const isBad = STATE_LOOKS[task.state].ended && task.state !== "succeeded";
  const next = isBad ? `\n${await afterFailure(client, task)}` : nextInWords(task);
  return { value: task, text: inWords(task, client.url, `${summaries}${next}`) };
}

function inWords(task: TaskView, url: string, rest: string): string {
  const { id, title, state, headline, requestedAt, jobs, failure } = task;
  const what =
    failure === undefined ? "" : `\n${[failure.message, failure.why, failure.todo].filter(Boolean).join("\n")}\n`;
  return `${title}   ${id}
${STATE_LOOKS[state].glyph} ${headline}
asked for by ${starterOf(task)} at ${shortTime(requestedAt)} UTC   ${url}/tasks/${id}${parentInWords(task)}

${textTable(["JOB", "SITE", "STATE", "TOOK", "STEPS", ""], jobs.map(rowOf))}${what}${annotationTable(task)}${rest}`;
}

function parentInWords({ parent }: TaskView): string {
  return parent === undefined ? "" : `\npart of task ${parent.task}, job ${parent.job}`;
}

function rowOf(job: JobView): readonly string[] {
  const { key, site, state, durationMs, steps, waiting, failure, canceledBecause, child } = job;
  const tolerated = failure && job.continueOnError ? ", tolerated" : "";
  const ended = steps.filter((step) => STATE_LOOKS[step.state].ended).length;
  return [
    key,
    site,
    `${STATE_LOOKS[state].glyph} ${STATE_LOOKS[state].word}${tolerated}`,
    durationMs === undefined ? "" : duration(durationMs),
    child === undefined ? `${ended}/${steps.length}` : (child.task ?? child.pipeline),
    failure?.message ??
      canceledBecause ??
      waiting?.text ??
      steps.find((step) => step.waiting)?.waiting?.text ??
      toldOf(job) ??
      "",
  ];
}

/** How far the running step is, as its script says. */
function toldOf({ steps }: JobView): string | undefined {
  const { told } = steps.find((step) => step.told) ?? {};
  return told && `${told.done} of ${told.total}${told.text === undefined ? "" : `, ${told.text}`}`;
}

function nextInWords({ id, state, jobs }: TaskView): string {
  const held = jobs.find((job) => job.state === "held");
  if (held) return `\nA person has to decide: gantry task resolve ${id} '${held.key}' run-again|mark-done|fail\n`;
  const asking = jobs.find(({ state, approval }) => state === "waiting" && approval?.state === "asked");
  if (asking?.approval)
    return `\n${asking.approval.question}\nApprove it: gantry task approve ${id} '${asking.key}'\nReject it:  gantry task reject ${id} '${asking.key}' --reason TEXT\n`;
  return STATE_LOOKS[state].ended ? "" : `\nFollow it: gantry task watch ${id}\n`;
}

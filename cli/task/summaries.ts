// The summaries that scripts wrote: all of them with `gantry task summary`, the beginning with `gantry task show`.

import { GantryError } from "@gantry/core/errors.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import type { PortalClient } from "../client.ts";
import type { Call, Outcome } from "../table/command.ts";
import { taskOf, taskPath } from "./task-of.ts";

export type Summary = { readonly job: string; readonly step: string; readonly title: string; readonly text: string };

type Names = readonly [task: string | undefined, job: string | undefined, step: string | undefined];
type Place = Omit<Summary, "text">;

export async function showSummaries({ portal, args: [id, job, step] }: Call<object, Names>): Promise<Outcome> {
  const client = portal();
  const task = await taskOf(client, id);
  const places = placesOf(task).filter(
    (one) => (job === undefined || one.job === job) && (step === undefined || one.step === step),
  );
  const summaries = await readSummaries(client, task.id, places);
  const text = summaries.map((one) => `── ${one.job} › ${one.title}\n${one.text.trimEnd()}\n`).join("\n");
  return { value: summaries, text: text === "" ? "No step wrote a summary.\n" : text };
}

const MAX_SHOWN = 10;
const MAX_LINES = 20;

/** The beginning of each; empty when no step wrote one. */
export async function summariesInShort(client: PortalClient, task: TaskView): Promise<string> {
  const places = placesOf(task);
  const summaries = await readSummaries(client, task.id, places.slice(0, MAX_SHOWN));
  const parts = summaries.map(({ job, step, title, text }) => {
    const lines = text.trimEnd().split("\n");
    const rest = lines.length - MAX_LINES;
    const more = rest > 0 ? `… ${rest} more lines: gantry task summary ${task.id} '${job}' ${step}\n` : "";
    return `\nSummary of ${job} › ${title}\n${lines.slice(0, MAX_LINES).join("\n")}\n${more}`;
  });
  const others = places.length - MAX_SHOWN;
  return parts.join("") + (others > 0 ? `\n${others} more summaries: gantry task summary ${task.id}\n` : "");
}

function placesOf({ jobs }: TaskView): readonly Place[] {
  return jobs.flatMap(({ key, steps }) =>
    steps.flatMap(({ id, title, summaryBytes }) => (summaryBytes === undefined ? [] : [{ job: key, step: id, title }])),
  );
}

async function readSummaries(client: PortalClient, task: string, places: readonly Place[]): Promise<Summary[]> {
  const summaries: Summary[] = [];
  for (const place of places) {
    const path = `${taskPath(task)}/jobs/${encodeURIComponent(place.job)}/steps/${encodeURIComponent(place.step)}/summary`;
    const text = await textAt(client, path);
    if (text !== undefined) summaries.push({ ...place, text });
  }
  return summaries;
}

/** Undefined when it is gone: summaries are kept as long as logs. */
async function textAt(client: PortalClient, path: string): Promise<string | undefined> {
  try {
    return await (await client.open({ method: "GET", path, headers: { accept: "text/markdown" } })).text();
  } catch (error) {
    if (error instanceof GantryError && error.code === "not-found") return undefined;
    throw error;
  }
}

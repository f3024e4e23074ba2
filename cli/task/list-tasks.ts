// `gantry task list`

import { duration } from "@gantry/core/task/messages.ts";
import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import { page, taskSummary } from "@gantry/wire/agent/views.ts";
import { numberOf } from "../line/parse-line.ts";
import type { Call, Outcome } from "../table/command.ts";
import { shortTime, textTable } from "../text-table.ts";

type Flags = {
  readonly state: string | undefined;
  readonly app: string | undefined;
  readonly pipeline: string | undefined;
  readonly limit: string | undefined;
};

export async function listTasks({ portal, flags }: Call<Flags>): Promise<Outcome> {
  const limit = numberOf("limit", flags.limit ?? "20", 1, 200);
  const query = new URLSearchParams({ limit: String(limit) });
  for (const name of ["state", "app", "pipeline"] as const) {
    const value = flags[name];
    if (value !== undefined) query.set(name, value);
  }
  const { items } = await portal().get(`/v1/tasks?${query}`, page(taskSummary));
  const rows = items.map(({ id, title, state, requestedAt, requestedBy, durationMs }) => [
    id,
    `${STATE_LOOKS[state].glyph} ${STATE_LOOKS[state].word}`,
    title,
    shortTime(requestedAt),
    durationMs === undefined ? "" : duration(durationMs),
    requestedBy,
  ]);
  const text = textTable(["TASK", "STATE", "WHAT", "ASKED (UTC)", "TOOK", "BY"], rows);
  return { value: items, text: rows.length === 0 ? "No task matches.\n" : text };
}

// `gantry task list`

import { duration } from "@gantry/core/task/messages.ts";
import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import { type TaskSummary, taskSummary } from "@gantry/wire/agent/views.ts";
import { numberOf } from "../line/parse-line.ts";
import { firstItems } from "../portal/pages.ts";
import { shortTime, textTable } from "../print/text-table.ts";
import type { Call, Outcome } from "../table/command.ts";
import { starterOf } from "./starter.ts";

type Flags = {
  readonly state: string | undefined;
  readonly app: string | undefined;
  readonly pipeline: string | undefined;
  readonly limit: string | undefined;
};

export async function listTasks({ portal, flags }: Call<Flags>): Promise<Outcome> {
  const limit = numberOf("limit", flags.limit ?? "20", 1, 200);
  const { state, app, pipeline } = flags;
  const items = await firstItems(portal(), "/v1/tasks", taskSummary, limit, { state, app, pipeline });
  const rows = items.map(({ id, title, state: now, requestedAt, durationMs, ...rest }) => [
    id,
    `${STATE_LOOKS[now].glyph} ${STATE_LOOKS[now].word}`,
    title,
    aboutOf(rest),
    shortTime(requestedAt),
    durationMs === undefined ? "" : duration(durationMs),
    starterOf(rest),
  ]);
  const text = textTable(["TASK", "STATE", "WHAT", "ABOUT", "ASKED (UTC)", "TOOK", "BY"], rows);
  return { value: items, text: rows.length === 0 ? "No task matches.\n" : text };
}

/** "#12 a1b2c3d main Mend the till → seoul, tokyo": which of many tasks with the same title it is. */
function aboutOf({ about }: Pick<TaskSummary, "about">): string {
  if (!about) return "";
  const { build, commit, branch, subject, targets = [] } = about;
  const parts = [build === undefined ? undefined : `#${build}`, commit?.slice(0, 7), branch, subject?.slice(0, 40)];
  const where = targets.length === 0 ? "" : ` → ${targets.join(", ")}`;
  return `${parts.filter((one) => one !== undefined).join(" ")}${where}`.trim();
}

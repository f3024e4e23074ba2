// `gantry webhook polling`

import { pollingView } from "@gantry/wire/agent/triggers/polling.ts";
import { page } from "@gantry/wire/agent/views.ts";
import { shortTime, textTable } from "../print/text-table.ts";
import type { Call, Outcome } from "../table/command.ts";

export async function listPolling({ portal }: Call<object, readonly []>): Promise<Outcome> {
  const { items } = await portal().get("/v1/polling", page(pollingView));
  if (items.length === 0)
    return { value: items, text: "Nothing is polled. docs/webhooks.md says how to configure it.\n" };
  const rows = items.map(({ source, site, system = "", every, lookedAt, nextAt, problem, task }) => [
    ...[source, site, system, every],
    lookedAt === undefined ? "never" : shortTime(lookedAt),
    nextAt === undefined ? `now, task ${task ?? ""}`.trim() : shortTime(nextAt),
    problem ?? "",
  ]);
  const table = textTable(["SOURCE", "SITE", "GIT HOST", "EVERY", "LOOKED (UTC)", "NEXT (UTC)", "PROBLEM"], rows);
  const failed = items.flatMap((one) => one.failed.map(({ repository, problem }) => `  ${repository}: ${problem}\n`));
  return { value: items, text: `${table}${failed.length === 0 ? "" : `\nNot read:\n${failed.join("")}`}` };
}

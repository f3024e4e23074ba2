// `gantry inbox`

import { inboxItem } from "@gantry/wire/notify/views.ts";
import { numberOf } from "../line/parse-line.ts";
import { firstItems } from "../portal/pages.ts";
import { shortTime, textTable } from "../print/text-table.ts";
import type { Call, Outcome } from "../table/command.ts";

export async function inbox({ portal, flags }: Call<{ readonly limit: string | undefined }>): Promise<Outcome> {
  const limit = numberOf("limit", flags.limit ?? "20", 1, 200);
  const items = await firstItems(portal(), "/v1/inbox", inboxItem, limit);
  // The title begins with the glyph of the state.
  const rows = items.map(({ at, title, task = "" }) => [shortTime(at), title, task]);
  const text = textTable(["WHEN (UTC)", "WHAT", "TASK"], rows);
  return { value: items, text: rows.length === 0 ? "There are no messages.\n" : text };
}

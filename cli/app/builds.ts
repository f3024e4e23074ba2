// `gantry build list`

import { type BuildView, buildView } from "@gantry/wire/agent/views.ts";
import { numberOf } from "../line/parse-line.ts";
import { firstItems } from "../portal/pages.ts";
import { shortTime, textTable } from "../print/text-table.ts";
import type { Call, Outcome } from "../table/command.ts";

type Flags = { readonly limit: string | undefined };

export async function listBuilds({ portal, flags, args: [app] }: Call<Flags, readonly [string]>): Promise<Outcome> {
  const limit = numberOf("limit", flags.limit ?? "20", 1, 200);
  const path = `/v1/apps/${encodeURIComponent(app)}/builds`;
  const items = await firstItems(portal(), path, buildView, limit);
  if (items.length === 0)
    return { value: items, text: `${app} has no builds yet. \`gantry ci ${app} --follow\` makes one.\n` };
  const rows = items.map((build) => [
    build.number === 0 ? "–" : `#${build.number}`,
    build.commit.slice(0, 9),
    build.isRelease ? build.branch : `${build.branch} (not the release branch)`,
    shortTime(build.at),
    build.by,
    build.runsIn.join(", "),
    (build.subject ?? "").slice(0, 60),
  ]);
  const table = textTable(["BUILD", "COMMIT", "BRANCH", "BUILT (UTC)", "BY", "RUNS IN", "SUBJECT"], rows);
  const next = `\`gantry cd ${app} --build ${items[0]?.number} --follow\` deploys the newest.\n`;
  return { value: items, text: `${table}${items.map(unmetInWords).join("")}\n${next}` };
}

/** What the policies of environments still demand of a build. */
function unmetInWords({ number, unmet }: BuildView): string {
  return Object.entries(unmet)
    .map(([target, lacks]) => `  #${number} may not go to ${target}: ${lacks.join("; ")}\n`)
    .join("");
}

// `gantry build list`

import { type BuildView, buildView } from "@gantry/wire/agent/views.ts";
import { numberOf } from "../line/parse-line.ts";
import { firstItems } from "../portal/pages.ts";
import { shortTime, textTable } from "../print/text-table.ts";
import type { Call, Outcome } from "../table/command.ts";

type Flags = { readonly branch: string | undefined; readonly limit: string | undefined };

/** Of one app, or of all apps. Throws `app-unknown`. */
export async function listBuilds(call: Call<Flags, readonly [string | undefined]>): Promise<Outcome> {
  const { portal, flags, args } = call;
  const [app] = args;
  const { branch } = flags;
  const limit = numberOf("limit", flags.limit ?? "20", 1, 200);
  const ofApp = (name: string, most: number): Promise<readonly BuildView[]> =>
    firstItems(portal(), `/v1/apps/${encodeURIComponent(name)}/builds`, buildView, most);
  if (app === undefined || branch !== undefined) {
    // The list of all apps has no error for an app that does not exist.
    if (app !== undefined) await ofApp(app, 1);
    return newestBuilds(await firstItems(portal(), "/v1/builds", buildView, limit, { app, branch }));
  }
  const items = await ofApp(app, limit);
  if (items.length === 0)
    return { value: items, text: `${app} has no builds yet. \`gantry ci ${app} --follow\` makes one.\n` };
  const table = textTable(["BUILD", ...HEADS], items.map(rowOf));
  return { value: items, text: `${table}${items.map(unmetInWords).join("")}\n${nextOf(app, items)}` };
}

/** Builds of other branches are refused by default. */
function nextOf(app: string, items: readonly BuildView[]): string {
  const newest = items.find(({ isRelease, held }) => isRelease && held === undefined);
  if (newest) return `\`gantry cd ${app} --build ${newest.number} --follow\` deploys the newest of ${newest.branch}.\n`;
  if (items.some(({ isRelease }) => isRelease)) return `\`gantry build release ${app} N\` lets a held build go.\n`;
  return `None of these is of the release branch. \`gantry ci ${app} --follow\` makes one.\n`;
}

function newestBuilds(items: readonly BuildView[]): Outcome {
  if (items.length === 0) return { value: items, text: "No build matches. `gantry ci APP --follow` makes one.\n" };
  const table = textTable(
    ["APP", "BUILD", ...HEADS],
    items.map((build) => [build.app, ...rowOf(build)]),
  );
  return { value: items, text: `${table}\n\`gantry build list APP\` shows what the builds of one app lack.\n` };
}

const HEADS = ["COMMIT", "BRANCH", "BUILT (UTC)", "BY", "RUNS IN", "SUBJECT"] as const;

function rowOf(build: BuildView): readonly string[] {
  return [
    build.number === 0 ? "–" : `#${build.number}`,
    build.commit.slice(0, 9),
    build.isRelease ? build.branch : `${build.branch} (not the release branch)`,
    shortTime(build.at),
    build.by,
    build.runsIn.join(", "),
    (build.subject ?? "").slice(0, 60),
  ];
}

/** Why CD does not choose it by itself, and what the policies of environments still demand of it. */
function unmetInWords({ number, unmet, held }: BuildView): string {
  const hold = held ? `  #${number} is held by ${held.by}: ${held.reason}\n` : "";
  const lacking = Object.entries(unmet).map(
    ([target, lacks]) => `  #${number} may not go to ${target}: ${lacks.join("; ")}\n`,
  );
  return `${hold}${lacking.join("")}`;
}

// `gantry fleet`: what runs where, and how it is now.

import { LIVE_LOOKS, LIVE_STATES, type LiveState } from "@gantry/core/fleet/live-states.ts";
import { type FleetView, fleetView, type TargetView } from "@gantry/wire/agent/fleet.ts";
import type { PortalClient } from "../client.ts";
import { numberOf } from "../line/parse-line.ts";
import { shortTime, textTable } from "../print/text-table.ts";
import { type Call, type Outcome, UsageError } from "../table/command.ts";

const FILTERS = ["team", "environment", "site", "cluster", "state"] as const;
type Flags = { readonly [F in (typeof FILTERS)[number] | "limit"]: string | undefined };

/** The most items that the API has in a page. */
const PAGE = 200;

export async function showFleet({
  portal,
  args: [app],
  flags,
}: Call<Flags, readonly [string | undefined]>): Promise<Outcome> {
  const { limit, state, ...others } = flags;
  if (state !== undefined && !LIVE_STATES.some((one) => one === state))
    throw new UsageError(`--state must be one of ${LIVE_STATES.toReversed().join(", ")}`);
  const fleet = await readFleet(portal(), { app, state, ...others }, numberOf("limit", limit ?? "100", 1, 100_000));
  return { value: fleet, text: inWords(fleet) };
}

async function readFleet(
  portal: PortalClient,
  filters: Readonly<Record<string, string | undefined>>,
  limit: number,
): Promise<FleetView> {
  const query = new URLSearchParams({ limit: String(Math.min(limit, PAGE)) });
  for (const [name, value] of Object.entries(filters)) if (value !== undefined) query.set(name, value);
  const first = await portal.get(`/v1/fleet?${query}`, fleetView);
  const items = [...first.items];
  for (let cursor = first.nextCursor; cursor !== undefined && items.length < limit; ) {
    query.set("cursor", cursor);
    const next = await portal.get(`/v1/fleet?${query}`, fleetView);
    items.push(...next.items);
    cursor = next.nextCursor;
  }
  const { nextCursor: _, ...rest } = first;
  return { ...rest, items: items.slice(0, limit) };
}

function inWords({ items, total, counts, sources }: FleetView): string {
  const silent = sources.flatMap(({ site, system, notHeardSince, problem }) =>
    notHeardSince === undefined && problem === undefined
      ? []
      : [`${system} at ${site}: not heard from${sinceInWords(notHeardSince)}. ${problem ?? ""}`.trim()],
  );
  if (total === 0) return "No target matches. `gantry app list` lists the apps.\n";
  const table = textTable(HEADS, items.map(rowOf));
  const more = total > items.length ? `${items.length} of ${total} targets; --limit shows more.\n` : "";
  return `${table}\n${countsInWords(counts)}\n${more}${silent.map((line) => `${line}\n`).join("")}`;
}

function sinceInWords(time: string | undefined): string {
  return time === undefined ? "" : ` since ${shortTime(time)} UTC`;
}

const HEADS = ["APP", "TARGET", "SITE", "CLUSTER", "ENVIRONMENT", "STATE", "RUNS", "SINCE (UTC)", "WHY"] as const;

function rowOf(target: TargetView): readonly string[] {
  const { app, target: name, site, cluster, environment = "", state, since, reason = "", notHeardSince } = target;
  return [
    app,
    name,
    site,
    cluster,
    environment,
    `${LIVE_LOOKS[state].ascii} ${LIVE_LOOKS[state].word}`,
    versionOf(target),
    shortTime(notHeardSince ?? since ?? ""),
    reason.slice(0, 100),
  ];
}

function versionOf({ running, images: [image = ""] }: TargetView): string {
  if (running) return `#${running.build} ${running.commit.slice(0, 8)}`;
  return /@sha256:([0-9a-f]{12})/.exec(image)?.[1] ?? image.split("/").at(-1) ?? "";
}

/** The worst first. */
function countsInWords(counts: FleetView["counts"]): string {
  const some = LIVE_STATES.toReversed().filter((state: LiveState) => (counts[state] ?? 0) > 0);
  return some.map((state) => `${counts[state]} ${LIVE_LOOKS[state].word}`).join(", ");
}

// A page of the fleet: which targets fit, how many of each state, in which groups. Pure.

import { GantryError } from "@gantry/core/errors.ts";
import type { FleetTarget } from "@gantry/core/fleet/fleet-targets.ts";
import type { LiveState } from "@gantry/core/fleet/live-states.ts";
import type { FleetQuery, FleetView, Grouping } from "@gantry/wire/agent/fleet.ts";
import { type Seen, stateOf } from "./decide-target.ts";

export type FleetPage = {
  readonly items: readonly Seen[];
  readonly cursor?: string;
} & Pick<FleetView, "total" | "counts" | "groups">;

type Counts = { [S in LiveState]?: number };

/** More groups are not answered. */
const MAX_GROUPS = 500;

/** `targets` are sorted, and `see` is called for each that may fit. */
export function decidePage(
  targets: readonly FleetTarget[],
  see: (target: FleetTarget) => Seen,
  query: FleetQuery & { readonly limit: number },
  now: number,
): FleetPage {
  const apps = query.apps && new Set(query.apps);
  const counts: Counts = {};
  const groups = new Map<string, { total: number; counts: Counts }>();
  const items: Seen[] = [];
  let total = 0;
  let hasMore = false;
  const place = query.cursor === undefined ? undefined : placeOf(query.cursor);
  for (const target of targets) {
    if (apps?.has(target.app) === false || !isAt(target, query)) continue;
    const seen = see(target);
    const state = stateOf(seen, now);
    // The counts are those of all states, so that they can be chosen from.
    const isCounted = isAs(seen, query);
    if (isCounted) {
      count(counts, state);
      if (query.group) countIn(groups, groupOf(target, query.group), state);
    }
    if (!isCounted || (query.state !== undefined && query.state !== state)) continue;
    total += 1;
    if (place && !comesAfter(target, place)) continue;
    if (items.length < query.limit) items.push(seen);
    else hasMore = true;
  }
  const last = items.at(-1)?.target;
  return {
    items,
    total,
    counts,
    ...(query.group ? { groups: largestFirst(groups) } : {}),
    ...(hasMore && last ? { cursor: cursorOf(last) } : {}),
  };
}

function isAt(target: FleetTarget, { app, team, environment, site, cluster }: FleetQuery): boolean {
  return (
    (app === undefined || target.app === app) &&
    (team === undefined || target.team === team) &&
    (environment === undefined || target.environment === environment) &&
    (site === undefined || target.site === site) &&
    (cluster === undefined || target.cluster === cluster)
  );
}

function isAs({ observation }: Seen, { health, sync }: FleetQuery): boolean {
  return (
    (health === undefined || observation?.application.health === health) &&
    (sync === undefined || observation?.application.sync === sync)
  );
}

/** The place in the list. */
function cursorOf({ app, site, cluster, name }: FleetTarget): string {
  return Buffer.from(JSON.stringify([app, site, cluster, name])).toString("base64url");
}

/** Throws `bad-request` for what is no cursor. */
function placeOf(cursor: string): readonly string[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    if (Array.isArray(parts) && parts.length === 4) return parts.map(String);
  } catch {
    // Answered below, like every other text that is no cursor.
  }
  throw new GantryError("bad-request", { problem: "cursor is not one of this list" });
}

function comesAfter({ app, site, cluster, name }: FleetTarget, place: readonly string[]): boolean {
  for (const [at, part] of [app, site, cluster, name].entries()) {
    const there = place[at] ?? "";
    if (part !== there) return part > there;
  }
  return false;
}

function groupOf(target: FleetTarget, by: Grouping): string {
  return target[by] ?? "";
}

function count(counts: Counts, state: LiveState): void {
  counts[state] = (counts[state] ?? 0) + 1;
}

function countIn(groups: Map<string, { total: number; counts: Counts }>, name: string, state: LiveState): void {
  const group = groups.get(name) ?? { total: 0, counts: {} };
  group.total += 1;
  count(group.counts, state);
  groups.set(name, group);
}

function largestFirst(groups: ReadonlyMap<string, { readonly total: number; readonly counts: Counts }>) {
  return [...groups]
    .map(([name, group]) => ({ name, ...group }))
    .toSorted((a, b) => b.total - a.total || (a.name < b.name ? -1 : 1))
    .slice(0, MAX_GROUPS);
}

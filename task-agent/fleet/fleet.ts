// The live state of the fleet: what runners report of their Argo CDs, joined with the targets of apps.

import type { FleetTarget } from "@gantry/core/fleet/fleet-targets.ts";
import { type LiveState, worstOf } from "@gantry/core/fleet/live-states.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type {
  FleetChanges as ChangesView,
  FleetQuery,
  FleetSource,
  FleetView,
  TargetView,
} from "@gantry/wire/agent/fleet.ts";
import type { AppView } from "@gantry/wire/agent/views.ts";
import type { ObserveReply, ObserveRequest } from "@gantry/wire/runner/fleet.ts";
import type { SessionRequest } from "@gantry/wire/runner/protocol.ts";
import { iso } from "../api/iso.ts";
import { storeMs } from "../store/store-time.ts";
import { decidePage } from "./decide-page.ts";
import { isHeard } from "./decide-report.ts";
import { type Seen, stateOf, targetView } from "./decide-target.ts";
import { openRunningBuilds } from "./fleet-builds.ts";
import { openFleetChanges } from "./fleet-changes.ts";
import { type FleetMemory, openFleetMemory } from "./fleet-memory.ts";
import { openReports } from "./fleet-reports.ts";
import { type Source, sourceId } from "./fleet-streams.ts";
import { openFollowing } from "./follow-store.ts";

export type Fleet = {
  /** A report of a runner; see `openReports`. */
  readonly observe: (request: ObserveRequest, facts: SessionRequest) => Promise<ObserveReply>;
  /** Reads what other agents and tasks have changed. To be called every second. Rejects when the store fails. */
  readonly tick: () => Promise<void>;
  /** Throws `bad-request` for a cursor of another list. */
  readonly page: (query: FleetQuery & { readonly limit: number }) => Promise<FleetView>;
  readonly changes: (after: string | undefined, waitMs: number, signal: AbortSignal) => Promise<ChangesView>;
  /** How an app is: as its worst target. Undefined for one without targets. */
  readonly ofApp: (name: string) => Promise<AppView["live"]>;
};

export type FleetDeps = {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly newId: () => string;
};

/** Unmatched applications that are named. */
const NAMED = 20;

export function openFleet(deps: FleetDeps): Fleet {
  const { journal, clock, newId } = deps;
  const memory = openFleetMemory();
  const changes = openFleetChanges(clock, newId());
  const following = openFollowing({ journal, memory, changes });
  const running = openRunningBuilds(journal, clock);
  const { loaded } = following;
  const unmatched = openUnmatched(memory, clock);

  const view = async (seen: Seen, now: number): Promise<TargetView> => {
    const { target, observation, sources } = seen;
    const app = memory.app(target.app)?.state;
    const shown = targetView(seen, app?.deployed?.[target.name], now);
    const build = app && observation ? await running(app, observation.application.images) : undefined;
    const address = observation && sources[0]?.url;
    const path = observation && `${observation.application.namespace}/${observation.application.name}`;
    return {
      ...shown,
      ...(build ? { running: build } : {}),
      ...(address === undefined ? {} : { url: `${address.replace(/\/+$/, "")}/applications/${path}` }),
    };
  };

  return {
    observe: openReports({ journal, memory, changes, loaded }),
    tick: following.tick,
    page: async (query) => {
      await loaded();
      const now = await storeMs(journal);
      const { items, cursor, total, counts, groups } = decidePage(memory.targets(), seer(memory), query, now);
      return {
        items: await Promise.all(items.map((seen) => view(seen, now))),
        total,
        counts,
        ...(groups ? { groups } : {}),
        sources: sourceViews(memory, unmatched, now),
        ...(cursor === undefined ? {} : { nextCursor: cursor }),
      };
    },
    changes: async (after, waitMs, signal) => {
      await loaded();
      const { cursor, reset, changes: changed } = await changes.since(after, waitMs, signal);
      const now = await storeMs(journal);
      const see = seer(memory);
      const targets = changed.filter((one): one is FleetTarget => one !== undefined);
      const items = await Promise.all(targets.map((target) => view(see(target), now)));
      return { cursor, reset, items, sources: targets.length < changed.length };
    },
    ofApp: async (name) => {
      await loaded();
      const now = await storeMs(journal);
      const targets = memory.app(name)?.targets ?? [];
      if (targets.length === 0) return undefined;
      const states = targets.map(seer(memory)).map((seen) => stateOf(seen, now));
      return { state: worstOf(states), counts: countsOf(states) };
    },
  };
}

function countsOf(states: readonly LiveState[]): NonNullable<AppView["live"]>["counts"] {
  return Object.fromEntries([...Map.groupBy(states, (one) => one)].map(([state, all]) => [state, all.length]));
}

/** Finds what is known of a target. The Argo CDs of a site are looked up once. */
function seer(memory: FleetMemory): (target: FleetTarget) => Seen {
  const ofSite = Map.groupBy(memory.sources(), ({ site }) => site);
  const none: readonly Source[] = [];
  return (target) => {
    const observation = memory.observedFor(target);
    const all = ofSite.get(target.site) ?? none;
    const shown = observation && all.find(({ system }) => system === observation.system);
    return { target, observation, sources: shown ? (all.length === 1 ? all : [shown]) : all };
  };
}

type Unmatched = (source: Source) => FleetSource["unmatched"];

/** How old it may be: matching all applications costs more than a page of the fleet. */
const UNMATCHED_MS = 5_000;

/** What belongs to no target. Asked again while nothing has changed, it costs nothing. */
function openUnmatched(memory: FleetMemory, clock: Pick<Clock, "monotonicMs">): Unmatched {
  const known = new Map<
    string,
    { readonly version: number; readonly atMs: number; readonly found: ReturnType<Unmatched> }
  >();
  return (source) => {
    const id = sourceId(source);
    const before = known.get(id);
    const nowMs = clock.monotonicMs();
    if (before && (before.version === memory.version() || nowMs - before.atMs < UNMATCHED_MS)) return before.found;
    const others = [...memory.knownOf(source).values()].filter((one) => !memory.isMatched(one));
    const names = others.map(({ application }) => application.name).toSorted();
    const found = { count: names.length, first: names.slice(0, NAMED) };
    known.set(id, { version: memory.version(), atMs: nowMs, found });
    return found;
  };
}

function sourceViews(memory: FleetMemory, unmatched: Unmatched, now: number): FleetSource[] {
  return memory
    .sources()
    .toSorted((a, b) => (sourceId(a) < sourceId(b) ? -1 : 1))
    .map((source) => {
      const { site, system, runner, heardAt, problem } = source;
      return {
        site,
        system,
        ...(heardAt === 0 ? {} : { heardAt: iso(heardAt) }),
        ...(isHeard(source, now) || heardAt === 0 ? {} : { notHeardSince: iso(heardAt) }),
        ...(problem === undefined ? {} : { problem }),
        ...(runner === undefined ? {} : { runner }),
        applications: memory.knownOf(source).size,
        unmatched: unmatched(source),
      };
    });
}

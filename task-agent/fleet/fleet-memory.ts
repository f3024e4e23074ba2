// What this agent knows of the fleet, in memory: apps with their targets, what Argo CDs show, and what of it changed last. A page of
// the fleet is made from it without a read of the store.

import { type FleetTarget, fleetTargets, isOfTarget, keysOfApplication } from "@gantry/core/fleet/fleet-targets.ts";
import { keyOfApplication } from "@gantry/core/fleet/observed.ts";
import type { AppState } from "@gantry/core/task/model.ts";
import { type Observation, observationId, type Source, sourceId } from "./fleet-streams.ts";

export type FleetMemory = ReturnType<typeof openFleetMemory>;

const NONE: ReadonlySet<Observation> = new Set();
/** Nothing shows the target. */
const NOTHING = Symbol("nothing");

export function openFleetMemory() {
  const apps = new Map<string, { readonly state: AppState; readonly targets: readonly FleetTarget[] }>();
  const sources = new Map<string, Source>();
  const observations = new Map<string, Observation>();
  const ofSource = new Map<string, Map<string, Observation>>();
  const byKey = new Map<string, Set<Observation>>();
  const targetsByKey = new Map<string, Set<FleetTarget>>();
  /** What was found for targets. Finding it for all of them takes longer than the rest of a page. */
  const found = new WeakMap<FleetTarget, Observation | typeof NOTHING>();
  let sorted: readonly FleetTarget[] | undefined;
  let version = 0;

  const observedFor = (target: FleetTarget): Observation | undefined => {
    const known = found.get(target) ?? findFor(target, byKey) ?? NOTHING;
    found.set(target, known);
    return known === NOTHING ? undefined : known;
  };
  const forget = (id: string): void => {
    const before = observations.get(id);
    if (!before) return;
    observations.delete(id);
    ofSource.get(sourceId(before))?.delete(keyOfApplication(before.application));
    for (const key of allKeys(before)) removeFrom(byKey, key, before);
  };
  const targetsOf = (one: Observation): readonly FleetTarget[] =>
    allKeys(one).flatMap((key) => [...(targetsByKey.get(key) ?? [])]);

  return {
    /** An app as it is now; undefined: it is gone. */
    setApp: (name: string, state: AppState | undefined): void => {
      version += 1;
      for (const target of apps.get(name)?.targets ?? [])
        for (const key of keysOfTarget(target)) removeFrom(targetsByKey, key, target);
      apps.delete(name);
      sorted = undefined;
      if (!state || state.state === "removed") return;
      const targets = fleetTargets(name, state.record);
      apps.set(name, { state, targets });
      for (const target of targets) for (const key of keysOfTarget(target)) addTo(targetsByKey, key, target);
    },
    setSource: (source: Source): void => void sources.set(sourceId(source), source),
    /** Answers the targets that it may be of. One that is older than what is known is ignored. */
    setObservation: (one: Observation): readonly FleetTarget[] => {
      const id = observationId(one);
      const before = observations.get(id);
      if (before && before.at > one.at) return [];
      const had = before ? targetsOf(before) : [];
      version += 1;
      forget(id);
      if (!one.gone) {
        observations.set(id, one);
        const known = ofSource.get(sourceId(one)) ?? new Map<string, Observation>();
        ofSource.set(sourceId(one), known.set(keyOfApplication(one.application), one));
        for (const key of allKeys(one)) addTo(byKey, key, one);
      }
      const touched = one.gone ? had : [...new Set([...had, ...targetsOf(one)])];
      for (const target of touched) found.delete(target);
      return touched;
    },
    observation: (id: string): Observation | undefined => observations.get(id),
    /** By `namespace/name`. */
    knownOf: (source: Pick<Source, "site" | "system">): ReadonlyMap<string, Observation> =>
      ofSource.get(sourceId(source)) ?? new Map(),
    sources: (): readonly Source[] => [...sources.values()],
    source: (id: string): Source | undefined => sources.get(id),
    app: (name: string) => apps.get(name),
    /** All targets, by app, site and cluster. */
    targets: (): readonly FleetTarget[] => {
      sorted ??= [...apps.keys()].toSorted(byText).flatMap((name) => (apps.get(name)?.targets ?? []).toSorted(byPlace));
      return sorted;
    },
    observedFor,
    /** Grows with every change of apps and observations. */
    version: (): number => version,
    isMatched: (one: Observation): boolean => targetsOf(one).some((target) => observedFor(target) === one),
  };
}

function findFor(target: FleetTarget, byKey: ReadonlyMap<string, ReadonlySet<Observation>>): Observation | undefined {
  const named = best(byKey.get(target.nameKey) ?? NONE, target);
  if (named || target.placeKey === undefined) return named;
  for (const one of byKey.get(target.placeKey) ?? NONE) if (isOfTarget(one.application, target)) return one;
  return undefined;
}

/** Several Argo CDs of a site may have an application of the name: the one that deploys to the place of the target. */
function best(found: ReadonlySet<Observation>, target: FleetTarget): Observation | undefined {
  let first: Observation | undefined;
  for (const one of found) {
    if (isOfTarget(one.application, target)) return one;
    first ??= one;
  }
  return first;
}

function keysOfTarget({ nameKey, placeKey }: FleetTarget): readonly string[] {
  return placeKey === undefined ? [nameKey] : [nameKey, placeKey];
}

function allKeys({ site, application }: Observation): readonly string[] {
  const { name, places } = keysOfApplication(site, application);
  return [...new Set([name, ...places])];
}

function addTo<T>(map: Map<string, Set<T>>, key: string, value: T): void {
  const found = map.get(key);
  if (found) found.add(value);
  else map.set(key, new Set([value]));
}

function removeFrom<T>(map: Map<string, Set<T>>, key: string, value: T): void {
  const found = map.get(key);
  found?.delete(value);
  if (found?.size === 0) map.delete(key);
}

function byPlace(a: FleetTarget, b: FleetTarget): number {
  return byText(a.site, b.site) || byText(a.cluster, b.cluster) || byText(a.name, b.name);
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

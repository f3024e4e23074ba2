// What a report of a runner changes. Pure.

import { keyOfApplication, type ObservedApplication } from "@gantry/core/fleet/observed.ts";
import { MAX_APPLICATIONS, type ObserveRequest } from "@gantry/wire/runner/fleet.ts";
import type { Observation, Source } from "./fleet-streams.ts";

/** A watcher that has not reported for so long is replaced by the next runner that asks. */
const REPLACE_AFTER_MS = 25_000;
/** Without a report for so long, nobody knows how Argo CD is. Longer than replacing a watcher takes. */
const SILENT_AFTER_MS = 45_000;
/** Argo CD is quiet for at most a minute before the watcher looks at it again. */
const UNHEARD_AFTER_MS = 150_000;

/** The runner, its site, and the address of the Argo CD as the runner registered it. */
export type Who = { readonly site: string; readonly runner: string; readonly url: string };
export type Report = Pick<ObserveRequest, "system" | "silentMs" | "problem" | "leaving">;

/** The source after the report; undefined when another runner watches it. */
export function decideSource(
  before: Source | undefined,
  { site, runner, url }: Who,
  { system, silentMs, problem, leaving }: Report,
  now: number,
): Source | undefined {
  const watcher = before?.runner;
  const isLost = before !== undefined && now - before.reportedAt >= REPLACE_AFTER_MS;
  if (watcher !== undefined && watcher !== runner && !isLost) return undefined;
  return {
    site,
    system,
    url,
    ...(leaving ? {} : { runner }),
    reportedAt: now,
    heardAt: Math.max(before?.heardAt ?? 0, silentMs === undefined ? 0 : now - silentMs),
    ...(problem === undefined ? {} : { problem }),
  };
}

/** Whether what is known of this Argo CD is how it is now. */
export function isHeard({ reportedAt, heardAt, problem }: Source, now: number): boolean {
  return problem === undefined && now - reportedAt < SILENT_AFTER_MS && now - heardAt < UNHEARD_AFTER_MS;
}

/**
 * What differs from what is known of this Argo CD. Applications beyond `MAX_APPLICATIONS` are left out: nobody has so many, and a
 * runner that is not honest must not fill the store.
 */
export function decideObservations(
  known: ReadonlyMap<string, Observation>,
  { site, system }: Pick<Source, "site" | "system">,
  { all, changed, gone }: Pick<ObserveRequest, "all" | "changed" | "gone">,
  now: number,
): readonly Observation[] {
  const left = new Set(gone);
  const there = all === undefined ? undefined : new Set(all);
  const lost = [...known].flatMap(([key, one]): Observation[] =>
    left.has(key) || there?.has(key) === false ? [{ ...one, at: Math.max(now, one.at + 1), gone: true }] : [],
  );
  const newest = new Map(changed.map((application) => [keyOfApplication(application), application]));
  let room = MAX_APPLICATIONS - known.size + lost.length;
  const seen = [...newest].flatMap(([key, application]): Observation[] => {
    const before = known.get(key);
    if (before && same(before.application, application)) return [];
    if (!before) {
      if (room <= 0) return [];
      room -= 1;
    }
    return [observationOf(before, { site, system, application }, now)];
  });
  const again = new Set(newest.keys());
  return [...lost.filter(({ application }) => !again.has(keyOfApplication(application))), ...seen];
}

function observationOf(
  before: Observation | undefined,
  { site, system, application }: Pick<Observation, "site" | "system" | "application">,
  now: number,
): Observation {
  const saidMs = Date.parse(application.healthSince ?? "");
  // Argo CD says since when only for health. Its clock may be ahead.
  const healthAt = Number.isNaN(saidMs) ? now : Math.min(saidMs, now);
  const isSameHealth = before?.application.health === application.health && application.healthSince === undefined;
  return {
    site,
    system,
    application,
    healthAt: isSameHealth ? before.healthAt : healthAt,
    syncAt: before?.application.sync === application.sync ? before.syncAt : now,
    // Agents tell two states of an application apart by this.
    at: Math.max(now, (before?.at ?? 0) + 1),
  };
}

function same(a: ObservedApplication, b: ObservedApplication): boolean {
  // Both were built by the same schema, which gives fields their order.
  return JSON.stringify(a) === JSON.stringify(b);
}

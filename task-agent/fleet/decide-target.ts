// How a target is now, as people see it, and why. Pure.

import type { FleetTarget } from "@gantry/core/fleet/fleet-targets.ts";
import { type LiveState, liveStateOf } from "@gantry/core/fleet/live-states.ts";
import type { ObservedApplication } from "@gantry/core/fleet/observed.ts";
import type { AppState } from "@gantry/core/task/model.ts";
import type { TargetView } from "@gantry/wire/agent/fleet.ts";
import { iso } from "../api/iso.ts";
import { isHeard } from "./decide-report.ts";
import type { Observation, Source } from "./fleet-streams.ts";

/** A target, what was seen of it, and the Argo CDs of its site. */
export type Seen = {
  readonly target: FleetTarget;
  readonly observation: Observation | undefined;
  /** The one that shows it; where none does, all of the site. */
  readonly sources: readonly Source[];
};

export function stateOf({ observation, sources }: Seen, now: number): LiveState {
  // A site where nobody watches is not silent: nothing was ever known of it.
  return liveStateOf(
    observation?.application,
    sources.every((one) => isHeard(one, now)),
  );
}

/** `running` and `url` are added by who can look them up. */
export function targetView(
  seen: Seen,
  deployed: NonNullable<AppState["deployed"]>[string] | undefined,
  now: number,
): TargetView {
  const { target, observation, sources } = seen;
  const { app, team, name, site, environment, cluster, namespace, application } = target;
  const state = stateOf(seen, now);
  const silent = sources.filter((one) => !isHeard(one, now));
  const heardAt = sources.length === 0 ? 0 : Math.min(...sources.map((one) => one.heardAt));
  const place = { app, target: name, site, cluster, namespace, application };
  return {
    ...place,
    ...(team === undefined ? {} : { team }),
    ...(environment === undefined ? {} : { environment }),
    state,
    ...given("reason", reasonOf(seen, state)),
    ...(observation ? observedFields(observation, state) : { revisions: [], images: [], conditions: [], reasons: [] }),
    ...(deployed ? { deployed: { ...deployed, at: iso(deployed.at) } } : {}),
    ...(heardAt === 0 ? {} : { heardAt: iso(heardAt) }),
    ...(silent.length > 0 && heardAt > 0 ? { notHeardSince: iso(heardAt) } : {}),
  };
}

function observedFields({ application, system, healthAt, syncAt }: Observation, state: LiveState) {
  const { health, sync, autoSync, revisions, images, operation, conditions, drift, reasons } = application;
  return {
    since: iso(state === "out-of-sync" ? syncAt : healthAt),
    health,
    healthSince: iso(healthAt),
    sync,
    syncSince: iso(syncAt),
    autoSync,
    revisions,
    images,
    conditions,
    reasons,
    system,
    ...given("operation", operation),
    ...given("drift", drift),
  };
}

/** In words; undefined for one that is well. */
function reasonOf({ target, observation, sources }: Seen, state: LiveState): string | undefined {
  if (state === "healthy") return undefined;
  if (state === "not-heard-from") {
    const problem = sources.find((one) => one.problem !== undefined)?.problem;
    return problem ?? `No runner of ${target.site} reports what its Argo CD shows.`;
  }
  if (!observation) {
    if (sources.length === 0) return `No runner of ${target.site} watches an Argo CD.`;
    const names = sources.map(({ system }) => system).join(", ");
    return `${names} shows no application ${target.application}.`;
  }
  return reasonOfApplication(observation.application, state);
}

function reasonOfApplication(application: ObservedApplication, state: LiveState): string | undefined {
  const [condition] = application.conditions.filter(({ type }) => type.endsWith("Error"));
  const [worst] = application.reasons;
  const { operation, drift, healthMessage } = application;
  const failed = operation?.phase === "Failed" || operation?.phase === "Error" ? operation.message : undefined;
  const resource = worst && `${worst.kind} ${worst.name}: ${worst.message ?? worst.health}`;
  if (state === "out-of-sync" || state === "missing") return failed ?? driftInWords(drift) ?? resource ?? healthMessage;
  return condition?.message ?? resource ?? healthMessage ?? failed ?? driftInWords(drift);
}

const NAMED = 3;

function driftInWords(drift: ObservedApplication["drift"]): string | undefined {
  if (!drift) return undefined;
  const names = drift.first
    .slice(0, NAMED)
    .map(({ kind, name, prune }) => `${kind} ${name}${prune ? " (not in git)" : ""}`);
  const more = drift.count - names.length;
  const list = more > 0 ? `${names.join(", ")} and ${more} more` : names.join(", ");
  return `${list} ${drift.count === 1 ? "differs" : "differ"} from git`;
}

function given<K extends string, V>(name: K, value: V | undefined): { readonly [N in K]?: V } {
  // The type says that the field may be absent, which is what an empty object is.
  return (value === undefined ? {} : { [name]: value }) as { readonly [N in K]?: V };
}

// Compares the target state in git with the live state: status of the app, its resources, its images, and the differences.

import { healthOf, type Node, nodesOf, type Observation, same } from "./cluster.ts";
import {
  type Cluster,
  groupOf,
  type Health,
  keyOf,
  type Live,
  type Manifest,
  type ResourceStatus,
  versionOf,
} from "./model.ts";

const WORSE: readonly Health["status"][] = ["Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown"];

export type Comparison = {
  readonly sync: "Synced" | "OutOfSync";
  readonly health: Health;
  readonly resources: ResourceStatus[];
  readonly images: string[];
};

type Pair = { readonly target: Manifest | undefined; readonly live: Live | undefined };

/** Pairs of target and live objects. Objects that the app applied and git no longer contains come last. */
export function pairsOf(app: string, desired: readonly Manifest[], cluster: Cluster | undefined): Pair[] {
  const wanted = new Set(desired.map(keyOf));
  const extra = Object.entries(cluster?.live ?? {}).filter(([key, live]) => live.app === app && !wanted.has(key));
  return [
    ...desired.map((target) => ({ target, live: cluster?.live[keyOf(target)] })),
    ...extra.map(([, live]) => ({ target: undefined, live })),
  ];
}

export function compare(pairs: readonly Pair[], observation: Observation): Comparison {
  const resources = pairs.map(({ target, live }) => statusOf(target, live, observation));
  const absent = pairs.length > 0 && pairs.every(({ live }) => live === undefined);
  const healths = resources.flatMap((one) => (one.health ? [one.health] : []));
  const worst = healths.reduce<Health>((a, b) => (WORSE.indexOf(b.status) > WORSE.indexOf(a.status) ? b : a), {
    status: "Healthy",
  });
  const images = new Set(pairs.flatMap(({ live }) => treeOf(live, observation)).flatMap((node) => node.images ?? []));
  return {
    sync: resources.every((one) => one.status === "Synced") ? "Synced" : "OutOfSync",
    // A single missing object shows as OutOfSync only (since 3.4).
    health: absent ? { status: "Missing" } : { status: worst.status },
    resources,
    images: [...images].sort(),
  };
}

export function treeOf(live: Live | undefined, observation: Observation): Node[] {
  return live ? nodesOf(live, observation) : [];
}

/** One entry of `managed-resources`; the states are JSON as text, and the values of a Secret are replaced by stars. */
export function differenceOf({ target, live }: Pair) {
  const shown = (target ?? live?.manifest) as Manifest;
  const state = (manifest: Manifest | undefined): string =>
    manifest ? JSON.stringify(hideSecret(manifest, live?.manifest)) : "null";
  const after = target && live ? { ...target, metadata: { ...target.metadata, uid: live.uid } } : target;
  const before = live ? { ...live.manifest, metadata: { ...live.manifest.metadata, uid: live.uid } } : undefined;
  return {
    group: groupOf(shown),
    kind: shown.kind,
    namespace: shown.metadata.namespace ?? "",
    name: shown.metadata.name,
    targetState: state(target),
    liveState: state(before),
    normalizedLiveState: state(before),
    predictedLiveState: state(after),
    modified: !target || !live || !same(target, live.manifest),
  };
}

function statusOf(target: Manifest | undefined, live: Live | undefined, observation: Observation): ResourceStatus {
  const shown = (target ?? live?.manifest) as Manifest;
  const group = groupOf(shown);
  const health = live ? healthOf(live, observation) : target ? { status: "Missing" as const } : undefined;
  return {
    ...(group === "" ? {} : { group }),
    version: versionOf(shown),
    kind: shown.kind,
    ...(shown.metadata.namespace === undefined ? {} : { namespace: shown.metadata.namespace }),
    name: shown.metadata.name,
    status: target && live && same(target, live.manifest) ? "Synced" : "OutOfSync",
    ...(health && live ? { health } : {}),
    ...(target ? {} : { requiresPruning: true }),
  };
}

/** Of a Secret, no value: without a live object to compare with, all look alike. */
export function hideSecret(manifest: Manifest, live: Manifest | undefined): Manifest {
  if (manifest.kind !== "Secret") return manifest;
  const fields = ["data", "stringData"].flatMap((field) => {
    const values = manifest[field];
    if (typeof values !== "object" || values === null) return [];
    const before = (live?.[field] ?? {}) as Record<string, unknown>;
    const shown = Object.entries(values).map(([key, value]) => {
      return [key, live === undefined || value === before[key] ? "++++++++" : "+++++++++"];
    });
    return [[field, Object.fromEntries(shown)]];
  });
  return { ...manifest, ...Object.fromEntries(fields) };
}

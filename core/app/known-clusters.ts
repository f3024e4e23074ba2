// Which clusters the Argo CD of a site shows, as a runner of that site last read them, and which targets name another one. Pure.

import type { PathProblem } from "../issues.ts";
import type { JsonObject } from "../json.ts";
import { didYouMean } from "../suggest.ts";
import type { AppFields } from "./app-shape.ts";
import { listed } from "./read-app.ts";
import { targetsOf } from "./targets.ts";

export type ClusterList = {
  readonly clusters: readonly { readonly name: string; readonly server: string }[];
  /** How long ago it was read, in ms. */
  readonly ageMs: number;
};

/** Undefined for a site where nobody knows: never read, read too long ago, or not completely. */
export type ClustersAt = (site: string) => ClusterList | undefined;

const MINUTE_MS = 60_000;

/** Undefined when the cluster is known, or nobody knows the clusters of the site. */
export function clusterProblem(site: string, cluster: string, clustersAt: ClustersAt | undefined): string | undefined {
  const known = clustersAt?.(site);
  if (known === undefined) return undefined;
  const names = known.clusters.map(({ name }) => name);
  if (names.includes(cluster)) return undefined;
  const address = cluster.replace(/\/+$/, "");
  const meant = known.clusters.find(({ server }) => server.replace(/\/+$/, "") === address);
  if (meant) return `${cluster} is the address of the cluster ${meant.name}: write that name`;
  const minutes = Math.round(known.ageMs / MINUTE_MS);
  const read = minutes < 1 ? "read just now" : `read ${minutes} min ago; \`gantry templates list\` reads them again`;
  return `the Argo CD of ${site} shows no cluster ${cluster}${didYouMean(cluster, names)}; it shows ${listed(names)} (${read})`;
}

/**
 * Targets in clusters that their sites do not have. What the app has already is not refused: a cluster may be gone for a
 * while, and its app can still be changed. `before`: the record of the app; empty for a new one.
 */
export function clusterProblems(
  { targets }: Pick<AppFields, "targets">,
  { before, clustersAt }: { readonly before: JsonObject; readonly clustersAt: ClustersAt | undefined },
): readonly PathProblem[] {
  const had = new Set(targetsOf(before).map(({ site, cluster }) => JSON.stringify([site, cluster])));
  return targets.flatMap(({ site, cluster }, at): PathProblem[] => {
    if (had.has(JSON.stringify([site, cluster]))) return [];
    const detail = clusterProblem(site, cluster, clustersAt);
    return detail === undefined ? [] : [{ path: ["targets", at, "cluster"], detail, on: "value" }];
  });
}

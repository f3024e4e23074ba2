// How the targets of a page of the fleet are arranged: a row for each app, and a column for each cluster while there are few.

import type { TargetView } from "@gantry/wire/agent/fleet.ts";

export type Column = { readonly site: string; readonly cluster: string };
export type FleetRow = { readonly app: string; readonly targets: readonly TargetView[] };

/** More clusters do not fit beside each other; the targets of an app then follow each other. */
const MAX_COLUMNS = 6;

/** By app, in the order of the list. */
export function decideRows(targets: readonly TargetView[]): readonly FleetRow[] {
  return [...Map.groupBy(targets, ({ app }) => app)].map(([app, all]) => ({ app, targets: all }));
}

/** By site and cluster; undefined when there are too many. */
export function decideColumns(targets: readonly TargetView[]): readonly Column[] | undefined {
  const found = new Map(targets.map(({ site, cluster }) => [JSON.stringify([site, cluster]), { site, cluster }]));
  if (found.size > MAX_COLUMNS) return undefined;
  return [...found.values()].toSorted((a, b) => a.site.localeCompare(b.site) || a.cluster.localeCompare(b.cluster));
}

/** What runs, for people: the build, otherwise the digest or the tag of the first image. */
export function versionOf({ running, images }: Pick<TargetView, "running" | "images">): string {
  if (running) return `#${running.build} ${running.commit.slice(0, 8)}`;
  const [image = ""] = images;
  const digest = /@sha256:([0-9a-f]{12})/.exec(image)?.[1];
  const more = images.length > 1 ? ` +${images.length - 1}` : "";
  return image === "" ? "–" : `${digest ?? image.split("/").at(-1) ?? image}${more}`;
}

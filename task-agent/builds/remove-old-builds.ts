// Old builds are removed, so that an app that is built for years does not fill the journal.

import type { AppState } from "@gantry/core/task/model.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { DAY_MS } from "../retention/decide-retention.ts";
import { appStream } from "../tasks/task-stream.ts";
import { buildStream, padded } from "./build-stream.ts";

/** How many of an app's newest builds are kept. */
export const KEPT_BUILDS = 1_000;
const PAGE = 20;

export type SweepDeps = {
  readonly nowMs: number;
  /** Awaited between two short pieces of work, so that requests are served in between. */
  readonly rest: () => Promise<void>;
  readonly isStopping: () => boolean;
};

/**
 * Removes the builds that are older than the newest `KEPT_BUILDS` of their app, except those that were deployed last to one
 * of its targets, and those that a target can be rolled back to. Returns how many. May be interrupted and repeated, also by several agents at once.
 */
export async function sweepBuilds(journal: Pick<Journal, "find" | "remove">, deps: SweepDeps): Promise<number> {
  let count = 0;
  for (let cursor: string | undefined; ; ) {
    const page = await journal.find({ index: "apps", limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    for (const item of page.items) {
      if (deps.isStopping()) return count;
      count += await removeOldBuilds(journal, appStream.stateOf(item), deps);
    }
    cursor = page.cursor;
    if (cursor === undefined) return count;
    await deps.rest();
  }
}

async function removeOldBuilds(
  journal: Pick<Journal, "find" | "remove">,
  { builds, deployed = {}, good = {} }: AppState,
  { nowMs, rest, isStopping }: SweepDeps,
): Promise<number> {
  if (!builds || builds.last <= KEPT_BUILDS) return 0;
  const kept = new Set([...Object.values(deployed), ...Object.values(good).flat()].map(({ build }) => build));
  const newestOld = builds.last - KEPT_BUILDS;
  const upTo = `${builds.key}/${padded(newestOld)}`;
  let count = 0;
  for (let cursor: string | undefined; !isStopping(); ) {
    const query = { index: "builds", prefix: `${builds.key}/`, limit: PAGE };
    const page = await journal.find({ ...query, ...(cursor === undefined ? {} : { cursor }) });
    for (const item of page.items) {
      const { build } = buildStream.stateOf(item);
      // The journal removes only what has been unchanged for a day.
      if (item.key > upTo || build.at > nowMs - 2 * DAY_MS) return count;
      if (kept.has(build.number)) continue;
      if ((await journal.remove([{ stream: item.stream, expected: item.version }])).ok) count += 1;
    }
    cursor = page.cursor;
    if (cursor === undefined) break;
    await rest();
  }
  return count;
}

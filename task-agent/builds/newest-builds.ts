// The newest builds of all apps, or of some of them.

import type { Build } from "@gantry/core/build/build.ts";
import type { AppState } from "@gantry/core/task/model.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { newestOf } from "../store/newest-of.ts";
import { appStream } from "../tasks/task-stream.ts";
import { buildStream } from "./build-stream.ts";

type Reads = Pick<Journal, "load" | "find">;

export type BuildQuery = {
  /** Names of apps; absent: all apps. */
  readonly apps?: readonly string[] | undefined;
  readonly branch?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
};

export type BuildOfApp = { readonly build: Build; readonly app: AppState };

/**
 * Newest first, each with the app that has it now. Builds of apps that were forgotten are left out, and `branch` applies to
 * what was read, so a page may have fewer builds than `limit` although there are more.
 */
export async function newestBuilds(
  journal: Reads,
  { apps, branch, ...page }: BuildQuery,
): Promise<{ readonly items: readonly BuildOfApp[]; readonly cursor?: string }> {
  const { items, cursor } = apps
    ? await newestOf(journal, "builds-by-app", await buildKeys(journal, apps), page)
    : await journal.find({
        index: "builds-by-time",
        order: "descending",
        limit: page.limit,
        ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
      });
  const wanted = items.map(buildStream.stateOf).filter(({ build }) => branch === undefined || build.branch === branch);
  const owners = await ownersOf(
    journal,
    wanted.map(({ key }) => key),
  );
  return {
    items: wanted.flatMap(({ key, build }) => {
      const app = owners.get(key);
      return app ? [{ build, app }] : [];
    }),
    ...(cursor === undefined ? {} : { cursor }),
  };
}

async function buildKeys(journal: Reads, names: readonly string[]): Promise<readonly string[]> {
  const apps = await Promise.all([...new Set(names)].map((name) => appStream.load(journal, name)));
  return apps.flatMap((app) => (app?.state.builds ? [app.state.builds.key] : []));
}

/** By the key of their builds: the app may have another name than when it was built. */
async function ownersOf(journal: Reads, keys: readonly string[]): Promise<ReadonlyMap<string, AppState>> {
  const found = [...new Set(keys)].map(async (key): Promise<readonly [string, AppState][]> => {
    const { items } = await journal.find({ index: "apps-by-builds", prefix: `${key}/`, limit: 1 });
    return items.map((item) => [key, appStream.stateOf(item)]);
  });
  return new Map((await Promise.all(found)).flat());
}

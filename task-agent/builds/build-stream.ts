// The builds of apps, one stream each, and how they are found: by number, by time and by the digest of an image.

import { type Build, type BuildHold, buildOfFacts } from "@gantry/core/build/build.ts";
import type { AppState } from "@gantry/core/task/model.ts";
import type { Journal, StreamAppend } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";

type BuildState = { readonly key: string; readonly build: Build };

export const buildStream = defineStream<BuildState>({
  prefix: "build/",
  index: ({ key, build }) => ({
    builds: [`${key}/${padded(build.number)}`],
    "builds-by-app": [`${key}/${timeKey({ key, build })}`],
    "builds-by-time": [timeKey({ key, build })],
    "builds-by-task": build.task === "" ? [] : [`${build.task}/${padded(build.number)}`],
    "build-digests": build.images.map(({ digest }) => `${key}/${digest}/${padded(build.number)}`),
  }),
});

/** A new build. `key`: of the app, see `AppState.builds`. */
export function buildAppend(key: string, build: Build): StreamAppend {
  const events = [{ kind: "BuildMade", at: build.at, task: build.task }];
  return buildStream.append(`${key}/${build.number}`, { expected: 0, events, state: { key, build } });
}

/** The build as the hold of a person or of a rollback makes it, or without one. `build`: as it was loaded with this version. */
export function holdAppend(
  key: string,
  { version, build }: { readonly version: number; readonly build: Build },
  held: BuildHold | undefined,
  by: string,
  at: number,
): StreamAppend {
  const { held: _, ...free } = build;
  const events = [held ? { kind: "BuildHeld", ...held } : { kind: "BuildReleased", at, by }];
  const state = { key, build: held ? { ...free, held } : free };
  return buildStream.append(`${key}/${build.number}`, { expected: version, events, state });
}

/** One build with the version of its stream; undefined if it is gone, or has no number. */
export async function loadVersion(
  journal: Pick<Journal, "load">,
  { builds }: Pick<AppState, "builds">,
  number: number,
): Promise<{ readonly version: number; readonly build: Build } | undefined> {
  const loaded = builds && (await buildStream.load(journal, `${builds.key}/${number}`));
  return loaded && { version: loaded.version, build: loaded.state.build };
}

/** The number of the build that a task made; undefined when it made none, or an older version stored it. */
export async function numberMadeBy(journal: Pick<Journal, "find">, task: string): Promise<number | undefined> {
  const { items } = await journal.find({ index: "builds-by-task", prefix: `${task}/`, limit: 1 });
  const [item] = items;
  return item && buildStream.stateOf(item).build.number;
}

type Reads = Pick<Journal, "load" | "find">;

/** One build by its number; 0 is the image that an older version recorded. */
export async function loadBuild(journal: Reads, app: AppState, number: number): Promise<Build | undefined> {
  // Once CI has made a build, an older image counts no more: nothing is known of its branch, scan and gate.
  if (!app.builds) return number === 0 ? buildOfFacts(app.name, app.record, app.facts) : undefined;
  return (await buildStream.load(journal, `${app.builds.key}/${number}`))?.state.build;
}

/** How many of the newest builds with the same digest are searched for one of the preferred branch. */
const SAME_DIGEST = 50;

/** The newest build that has an image of this digest; of the branch, if there is one: a commit can be built on several. */
export async function findBuildByDigest(
  journal: Reads,
  app: AppState,
  { digest, branch }: { readonly digest: string; readonly branch: string },
): Promise<Build | undefined> {
  if (app.builds) {
    const prefix = `${app.builds.key}/${digest}/`;
    const { items } = await journal.find({ index: "build-digests", prefix, order: "descending", limit: SAME_DIGEST });
    const builds = items.map((item) => buildStream.stateOf(item).build);
    return builds.find((build) => build.branch === branch) ?? builds[0];
  }
  const old = buildOfFacts(app.name, app.record, app.facts);
  return old?.images.some((image) => image.digest === digest) ? old : undefined;
}

export type BuildPage = { readonly builds: readonly Build[]; readonly cursor?: string };

/** Newest first. An app that an older version built, and that has no build, shows the image that was recorded. */
export async function listBuilds(
  journal: Reads,
  app: AppState,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<BuildPage> {
  if (!app.builds) {
    const old = buildOfFacts(app.name, app.record, app.facts);
    return { builds: old ? [old] : [] };
  }
  const page = await journal.find({
    index: "builds",
    prefix: `${app.builds.key}/`,
    order: "descending",
    limit,
    ...(cursor === undefined ? {} : { cursor }),
  });
  const builds = page.items.map((item) => buildStream.stateOf(item).build);
  return { builds, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
}

/** Sorts by the time at which CI ended: milliseconds with leading zeros, then what names the build. */
function timeKey({ key, build }: BuildState): string {
  return `${String(build.at).padStart(15, "0")}/${key}/${padded(build.number)}`;
}

/** The part of a key in the index `builds` that sorts by number. */
export function padded(number: number): string {
  return String(number).padStart(9, "0");
}

// Which app has which place: two apps never get the same place, even at two agents, and a new app gets nothing that another
// has.

import { claimsOf } from "@gantry/core/app/claims.ts";
import { placesOf, writtenBy } from "@gantry/core/app/places.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { AppState } from "@gantry/core/task/model.ts";
import type { Journal, StreamAppend } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
import { appStream, placeKey } from "./task-stream.ts";

/** One event per change of a place. It does not exist until every app is in the index of places. */
const placesStream = defineStream<{ readonly isIndexed: true; readonly hasFiles?: true }>({ prefix: "app-places" });

const INDEXED = { isIndexed: true, hasFiles: true } as const;

const PAGE = 500;
/** Further ones are not named. */
const MOST_SHARING = 20;

/** Throws `place-taken`. `own`: the names under which the app itself is known. */
export async function requireFreePlaces(journal: Journal, app: AppState, own: readonly string[]): Promise<void> {
  if (app.state === "removed") return;
  for (const { key, target, words } of placesOf(app.name, app.record)) {
    const { items } = await journal.find({ index: "app-places", prefix: placeKey(key), limit: 3 });
    const other = items.map(appStream.stateOf).find(({ name }) => !own.includes(name));
    if (other) throw new GantryError("place-taken", { app: app.name, target, other: other.name, place: words });
  }
}

/** The name of the app that has the place with this key. */
export async function appOfPlace(journal: Pick<Journal, "find">, key: string): Promise<string | undefined> {
  const [item] = (await journal.find({ index: "app-places", prefix: placeKey(key), limit: 1 })).items;
  return item && appStream.stateOf(item).name;
}

/** A file that another app writes, too, although neither says that this is meant. */
export type SharedFile = {
  readonly other: string;
  readonly target: string;
  readonly words: string;
  /** A JSON pointer into the record. */
  readonly pointer: string;
  /** Both apps deploy all of it. */
  readonly isOverlay: boolean;
};

/** `own`: the names under which the app itself is known. */
export async function sharedFiles(
  journal: Pick<Journal, "find">,
  { name, record, state }: AppState,
  own: readonly string[],
): Promise<readonly SharedFile[]> {
  const found: SharedFile[] = [];
  if (state === "removed") return found;
  for (const { key, target, at, words, place, isShared, isOverlay } of writtenBy(name, record)) {
    if (isShared) continue;
    const { items } = await journal.find({ index: "app-places", prefix: placeKey(key), limit: MOST_SHARING });
    for (const other of items.map(appStream.stateOf)) {
      if (own.includes(other.name)) continue;
      const isSame = writtenBy(other.name, other.record).some(
        (one) =>
          one.key === key && !one.isShared && (one.place === undefined || place === undefined || one.place === place),
      );
      if (isSame) found.push({ other: other.name, target, words, pointer: `/targets/${at}`, isOverlay });
    }
  }
  return found.slice(0, MOST_SHARING);
}

/**
 * Throws `overlay-taken` for an overlay that another app deploys, too, unless one of them says that this is meant. What the app
 * shared before (`before`: its record then) is not refused: an older version allowed it.
 */
export function requireOwnOverlays(
  app: Pick<AppState, "name" | "record">,
  shared: readonly SharedFile[],
  before: AppState["record"],
): void {
  const had = writtenBy(app.name, before).flatMap(({ words, isShared }) => (isShared ? [] : words));
  const found = shared.find(({ isOverlay, words }) => isOverlay && !had.includes(words));
  if (!found) return;
  const { target, other, words: place } = found;
  throw new GantryError("overlay-taken", { app: app.name, target, other, place });
}

/**
 * The part of a batch that causes a conflict if another agent has changed a place since. The first call adds apps that an
 * older version stored to the index of places.
 */
export async function openGuard(journal: Journal): Promise<(app: string) => StreamAppend> {
  const stored = await placesStream.load(journal);
  // An older version indexed no files.
  const guard = stored?.state.hasFiles ? stored : await indexPlaces(journal, stored?.version);
  return (app) =>
    placesStream.append("", {
      expected: guard.version,
      events: [{ kind: "AppPlacesChanged", app }],
      state: INDEXED,
    });
}

/** `expected`: the version of the guard, if there is one. Then it is done once. Answers the guard after that. */
async function indexPlaces(journal: Journal, expected: number | undefined): Promise<{ readonly version: number }> {
  for await (const item of allOf(journal, "apps")) {
    const state = appStream.stateOf(item);
    // On a conflict, the other writer has written the entries as well.
    await journal.append([appStream.append(state.name, { expected: item.version, state })]);
  }
  // Without a guard, the first change of an app makes it.
  if (expected === undefined) return { version: 0 };
  const events = [{ kind: "AppPlacesIndexed" }];
  await journal.append([placesStream.append("", { expected, events, state: INDEXED })]);
  return (await placesStream.load(journal)) ?? { version: 0 };
}

/**
 * Why a new app cannot have what its record names: `claim-taken` or `place-taken`. An adopted app may share what another app
 * has if its author may change both. A new app may not share anything.
 */
export async function takenByOthers(journal: Journal, { name, record }: AppState): Promise<GantryError | undefined> {
  const claims = new Set(claimsOf(name, record).map(({ words }) => words));
  const places = placesOf(name, record);
  for await (const item of allOf(journal, "apps")) {
    const other = appStream.stateOf(item);
    if (other.name === name) continue;
    const claim = claimsOf(other.name, other.record).find(({ words }) => claims.has(words));
    if (claim) return new GantryError("claim-taken", { app: name, what: claim.words, other: other.name });
    const taken = new Set(placesOf(other.name, other.record).map(({ key }) => key));
    const place = places.find(({ key }) => taken.has(key));
    if (place) {
      const { target, words } = place;
      return new GantryError("place-taken", { app: name, target, other: other.name, place: words });
    }
  }
  return undefined;
}

type Item = Awaited<ReturnType<Journal["find"]>>["items"][number];

export async function* allOf(journal: Journal, index: string): AsyncGenerator<Item> {
  for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
    const page = await journal.find({ index, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    yield* page.items;
    cursor = page.cursor;
  }
}

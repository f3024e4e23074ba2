// Where a file names an image, whatever its form, and which of these places an image belongs to. Pure.

import { GantryError } from "@gantry/core/errors.ts";
import { type Image, type Rank, rankOf } from "./image-text.ts";
import type { PathPart } from "./set-path.ts";
import { type Path, type Spot, samePath, type Write } from "./spots.ts";

export type Edit = { readonly spot: Spot; readonly write: Write; readonly value: string };

/** One place that names an image. */
export type Place = {
  readonly file: string;
  /** Position of its document in the file, from 0. */
  readonly document: number;
  readonly line: number;
  /** What it is called in messages, and in `at`. */
  readonly label: string;
  /** The way to it, for forms whose `at` is a path. */
  readonly path?: Path;
  /** The same way, spelt as `at` may spell it, too: with the field at its end. */
  readonly isAt: (at: string) => boolean;
  /** Repositories that it may be read as: with and without the registry that stands beside it. None: it names only a tag. */
  readonly repositories: readonly string[];
  readonly container?: string | undefined;
  /** What stands there now. */
  readonly shown: string;
  /** How it becomes this image; none when it is this image. Throws `file-invalid` where that is not possible. */
  readonly editsFor: (image: Image) => readonly Edit[];
};

/** A place with the values that it is made of. */
export type PlaceOfSpots = readonly [place: Place, spots: readonly Spot[]];

export type Choice = { readonly place: Place; readonly image: Image };

export type Search = {
  readonly images: readonly Image[];
  /** By image name, or for all. */
  readonly at: { readonly [image: string]: readonly string[] } | readonly string[] | undefined;
  /** Several places may name the same image: containers do, chart values are distinguished by `at`. */
  readonly isMany: boolean;
  /** What a target's files are called in messages. */
  readonly file: string;
};

/** The places of each image. Throws `file-invalid` when an image has none, or when it is not clear which. */
export function choosePlaces(places: readonly Place[], search: Search): readonly Choice[] {
  const choices = search.images.flatMap((image) => placesOf(places, image, search).map((place) => ({ place, image })));
  for (const [index, { place, image }] of choices.entries()) {
    const other = choices.slice(0, index).find((one) => one.place === place);
    if (other) throw refusal(place, `${other.image.name} and ${image.name} are both looked for here`);
  }
  return choices;
}

function placesOf(places: readonly Place[], image: Image, search: Search): readonly Place[] {
  const at = atOf(search, image);
  if (at === undefined) return found(places, image, search);
  for (const one of at) {
    if (!places.some((place) => place.isAt(one)))
      throw missing(search.file, `nothing at ${one} names an image`, places);
  }
  const named = places.filter((place) => at.some((one) => place.isAt(one)));
  const isOwn = !isList(search.at) || search.images.length === 1;
  return isOwn ? named : found(named, image, { ...search, isMany: true });
}

function found(places: readonly Place[], image: Image, { isMany, file }: Search): readonly Place[] {
  const ranked = places.flatMap((place) => {
    const ranks = place.repositories.flatMap((one) => rankOf(one, image) ?? []);
    return ranks.length === 0 ? [] : [{ place, rank: ranks.reduce<Rank>((a, b) => (a < b ? a : b), 3) }];
  });
  for (const rank of [1, 2, 3]) {
    const best = ranked.filter((one) => one.rank === rank).map((one) => one.place);
    if (best.length > 1 && !isMany) throw unclear(image, best);
    if (best.length > 0) return best;
  }
  const named = places.filter(({ container }) => container === image.name);
  if (new Set(named.map(({ repositories }) => repositories[0])).size > 1) throw unclear(image, named);
  if (named.length > 0) return named;
  throw missing(file, `no place names the image ${image.repository}`, places);
}

function atOf({ at }: Search, image: Image): readonly string[] | undefined {
  if (at === undefined || isList(at)) return at;
  return Object.hasOwn(at, image.name) ? at[image.name] : undefined;
}

function isList(value: Search["at"]): value is readonly string[] {
  return Array.isArray(value);
}

/** Other places may share the value of an alias, so it is edited where its anchor is. */
export function editOf(spot: Spot, value: string): Edit {
  return { spot, write: spot.write, value };
}

/**
 * A place that has all its values from another place changes with it. It is found by `at` only: an alias is then refused, and
 * beside a merge key a key of their own is written. Where the other place has more values, or others, it does not change alike.
 */
export function withoutAliases(places: readonly PlaceOfSpots[]): readonly Place[] {
  const keyOf = (spots: readonly Spot[], atOf: (spot: Spot) => number | undefined): string | undefined => {
    const all = spots.map((spot) => ({ file: spot.file, at: atOf(spot) }));
    if (all.some(({ at }) => at === undefined)) return undefined;
    return [...new Set(all.map(({ file, at }) => `${at} ${file}`))].sort().join("\n");
  };
  const written = new Set(places.map(([, spots]) => keyOf(spots, ({ alias, at }) => (alias ? undefined : at))));
  return places.map(([place, spots]) => {
    const elsewhere = keyOf(spots, ({ alias, merged }) => alias?.anchor ?? merged);
    const follows = elsewhere !== undefined && written.has(elsewhere);
    return follows ? { ...place, repositories: [], container: undefined } : place;
  });
}

/** `at` as a path: the place itself, or with one of its fields at the end. */
export function isPathAt(at: readonly PathPart[] | undefined, path: Path, fields: readonly Path[]): boolean {
  if (!at || at.some((part) => typeof part === "object")) return false;
  const plain = at.filter((part) => typeof part !== "object");
  return [path, ...fields].some((one) => samePath(one, plain));
}

/** A `file-invalid` error about a place. */
export function refusal({ file, line, label }: Pick<Place, "file" | "line" | "label">, problem: string): GantryError {
  const detail = `${label}: ${problem}`;
  return new GantryError(
    "file-invalid",
    { file, problem: `line ${line}: ${detail}` },
    { problems: [{ detail, file, line }] },
  );
}

function missing(file: string, problem: string, places: readonly Place[]): GantryError {
  const known = places.length === 0 ? "the files name no image" : `the files name ${listed(places)}`;
  const detail = `${problem}; ${known}`;
  return new GantryError("file-invalid", { file, problem: detail }, { problems: [{ detail, file }] });
}

function unclear(image: Image, places: readonly [Place, ...Place[]] | readonly Place[]): GantryError {
  const [{ file, line } = { file: "", line: 1 }] = places;
  const detail = `several places name the image ${image.name}: ${listed(places)}; say which with \`at\``;
  return new GantryError(
    "file-invalid",
    { file, problem: `line ${line}: ${detail}` },
    { problems: [{ detail, file, line }] },
  );
}

function listed(places: readonly Place[]): string {
  const shown = places.slice(0, 10).map(({ file, line, label, shown: text }) => `${label} (${text}, ${file}:${line})`);
  const more = places.length - shown.length;
  return `${shown.join(", ")}${more > 0 ? `, and ${more} more` : ""}`;
}

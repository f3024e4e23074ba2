// The single values of a YAML document with the ways to them, and how each is written. Pure.

import { isAlias, isMap, isScalar, isSeq, type ParsedNode, type YAMLMap } from "yaml";
import { behindAlias, isMergeKey, mergedPair, type YamlFile } from "./document.ts";

export type Path = readonly (string | number)[];

/** Where a value is written. */
export type Write =
  | { readonly in: "document"; readonly path: Path }
  /** In a text of the document that is YAML itself; `path` is inside. */
  | { readonly in: "text"; readonly text: Path; readonly path: Path }
  /** In a list of names and values: it has no room for a value beside it. */
  | { readonly in: "list"; readonly path: Path };

export type Spot = {
  /** The way to the value as its reader sees it. */
  readonly path: Path;
  /** As it is written: `1.10` stays `1.10`. Empty where nothing or `null` stands. */
  readonly text: string;
  /** Offset in the file, for errors. */
  readonly at: number;
  /** It is, or is inside of, the alias of this name; the value itself stands at the offset `anchor`. `<<` is a merge key. */
  readonly alias?: { readonly name: string; readonly anchor: number };
  /** A merge key brings it from this offset. A key of the same name is written beside the merge key. */
  readonly merged?: number;
  readonly write: Write;
  /** Where values are of several files, the one of this value. */
  readonly file?: string;
};

/** What a mapping may get from a merge key `<<` and this module looks at: the fields of an image. */
const MERGED = [
  ...["registry", "repository", "name", "tag", "digest", "sha"],
  ...["image", "imageRegistry", "imageRepository", "imageName", "imageTag", "imageDigest"],
];

/** All single values below a node, also those that an alias stands for. */
export function spotsOf(file: YamlFile, node: ParsedNode | null, at: number, path: Path): readonly Spot[] {
  if (isAlias(node)) {
    const target = file.targets.get(node) ?? null;
    return throughAlias(spotsOf(file, target, at, path), { name: node.source, at: node.range[0] });
  }
  const here = node?.range[0] ?? at;
  // In a file that only becomes YAML when its templates are filled in, this looks like a mapping.
  if (isMap(node) && file.text.startsWith("{{", here)) return [spot(path, file.text.slice(here, node.range[1]), here)];
  if (node === null || isScalar(node)) return [spot(path, node === null ? "" : textOf(node), here)];
  if (isSeq(node)) {
    // An empty list replaces what other files have at its place.
    if (node.items.length === 0) return [spot(path, "", here)];
    return node.items.flatMap((item, index) => spotsOf(file, item, here, [...path, index]));
  }
  const own = node.items.flatMap(({ key, value }) =>
    isScalar(key) && !isMergeKey(key)
      ? spotsOf(file, value, key.range[0], [...path, key.source ?? String(key.value)])
      : [],
  );
  return [...own, ...mergedSpots(file, node, path)];
}

/** Of Helm, Argo CD and others. */
export function isTemplate(text: string): boolean {
  return text.includes("{{");
}

export function samePath(a: Path, b: Path): boolean {
  return a.length === b.length && a.every((part, index) => part === b[index]);
}

/** One is the other, or is below it. */
export function isSameOrBelow(a: Path, b: Path): boolean {
  const shared = Math.min(a.length, b.length);
  return samePath(a.slice(0, shared), b.slice(0, shared));
}

/** `web.image`, `jobs[0].image`, `labels["a.b/c"]`: as `parsePath` reads it. */
export function printPath(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    if (!/^[A-Za-z0-9_$/-]+$/.test(part)) return `${text}["${part}"]`;
    return text === "" ? part : `${text}.${part}`;
  }, "");
}

function mergedSpots(file: YamlFile, map: YAMLMap.Parsed, path: Path): readonly Spot[] {
  const has = (name: string): boolean => map.items.some(({ key }) => isScalar(key) && key.source === name);
  return MERGED.flatMap((name) => (has(name) ? [] : (mergedSpot(file, map, name, path) ?? [])));
}

/** A single value that only a merge key brings. */
export function mergedSpot(file: YamlFile, map: YAMLMap.Parsed, name: string, path: Path): Spot | undefined {
  const merged = mergedPair(file, map, name);
  const value = merged ? behindAlias(file, merged.pair.value) : null;
  if (!merged || !isScalar(value)) return undefined;
  return { ...spot([...path, name], textOf(value), merged.at), merged: value.range[0] };
}

/** Spots of a value that an alias stands for. */
export function throughAlias(
  spots: readonly Spot[],
  alias: { readonly name: string; readonly at: number } | undefined,
) {
  if (!alias) return spots;
  const { name, at } = alias;
  return spots.map((one): Spot => ({ ...one, at, alias: one.alias ?? { name, anchor: one.at } }));
}

function spot(path: Path, text: string, at: number): Spot {
  return { path, text, at, write: { in: "document", path } };
}

function textOf(node: {
  readonly value: unknown;
  readonly source?: string | undefined;
  readonly type?: unknown;
}): string {
  if (node.value === null) return "";
  return typeof node.value === "string" ? node.value : (node.source ?? String(node.value));
}

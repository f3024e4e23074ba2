// The single values of a YAML document with the ways to them, and how each is written. Pure.

import { isAlias, isScalar, isSeq, type ParsedNode, type YAMLMap } from "yaml";
import { mergedValue, type YamlDocument, type YamlFile } from "./document.ts";

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
  /** It is the alias of this name, for the value that has the anchor at this offset. */
  readonly alias?: { readonly name: string; readonly anchor: number };
  readonly write: Write;
};

/** What a mapping may get from a merge key `<<` and this module looks at: the fields of an image. */
const MERGED = ["registry", "repository", "tag", "digest"];

/** All single values below a node. What an alias stands for is listed where its anchor is, but a single value at both places. */
export function spotsOf(
  file: YamlFile,
  document: YamlDocument,
  node: ParsedNode | null,
  at: number,
  path: Path,
): readonly Spot[] {
  if (isAlias(node)) {
    const target = file.targets.get(node);
    if (!isScalar(target)) return [];
    const alias = { name: node.source, anchor: target.range[0] };
    return [{ ...spot(path, textOf(target), node.range?.[0] ?? at), alias }];
  }
  const here = node?.range[0] ?? at;
  if (node === null || isScalar(node)) return [spot(path, node === null ? "" : textOf(node), here)];
  if (isSeq(node)) {
    return node.items.flatMap((item, index) => spotsOf(file, document, item, here, [...path, index]));
  }
  const own = node.items.flatMap(({ key, value }) =>
    isScalar(key) && key.source !== "<<"
      ? spotsOf(file, document, value, key.range[0], [...path, key.source ?? String(key.value)])
      : [],
  );
  return [...own, ...mergedSpots(file, document, node, path)];
}

export function samePath(a: Path, b: Path): boolean {
  return a.length === b.length && a.every((part, index) => part === b[index]);
}

/** `web.image`, `jobs[0].image`, `labels["a.b/c"]`: as `parsePath` reads it. */
export function printPath(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    if (!/^[A-Za-z0-9_$/-]+$/.test(part)) return `${text}["${part}"]`;
    return text === "" ? part : `${text}.${part}`;
  }, "");
}

function mergedSpots(file: YamlFile, document: YamlDocument, map: YAMLMap.Parsed, path: Path): readonly Spot[] {
  const has = (name: string): boolean => map.items.some(({ key }) => isScalar(key) && key.source === name);
  return MERGED.flatMap((name) => {
    const merged = has(name) ? undefined : mergedValue(file, document, map, name);
    return typeof merged?.value === "string" ? [spot([...path, name], merged.value, merged.at)] : [];
  });
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

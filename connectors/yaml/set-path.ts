// The edit of `yaml/edit`: one place in a YAML file gets a value.

import type { JsonValue } from "@gantry/core/json.ts";
import { type Document, isAlias, isCollection, isMap, isScalar, isSeq, type Node } from "yaml";
import {
  appendPairs,
  applySplices,
  contentOf,
  endOf,
  type Parsed,
  parseYaml,
  replaceScalar,
  type Splice,
} from "./splice.ts";

export type PathPart = string | number | { readonly key: string; readonly value: string };
export type Edited = { readonly text: string; readonly changed: boolean };

/**
 * Reads `spec.template.containers[name=web].image`, `images[0]`, `labels["app.kubernetes.io/name"]`.
 * Undefined when it is none of these.
 */
export function parsePath(path: string): readonly PathPart[] | undefined {
  const parts: PathPart[] = [];
  const pattern = /\.?([A-Za-z0-9_$/-]+)|\[(\d{1,6})\]|\["([^"\]]+)"\]|\[([A-Za-z0-9_-]+)=([^\]]+)\]/y;
  while (pattern.lastIndex < path.length) {
    const [, name, index, quoted, key, value] = pattern.exec(path) ?? [];
    if (name !== undefined) parts.push(name);
    else if (index !== undefined) parts.push(Number(index));
    else if (quoted !== undefined) parts.push(quoted);
    else if (key !== undefined && value !== undefined) parts.push({ key, value });
    else return undefined;
  }
  return parts.length > 0 && !path.startsWith(".") ? parts : undefined;
}

/**
 * The file with `value` at `path`. Missing mapping keys are made; a list element must be there. A value that is there
 * already gives back the same text. Throws `file-invalid`.
 */
export function setPath(file: string, text: string, path: readonly PathPart[], value: JsonValue): Edited {
  const parsed = parseYaml(file, text);
  const before = contentOf(parsed);
  const keys = resolve(parsed, path);
  const expected = replaceAt(before, keys, value);
  if (JSON.stringify(before) === JSON.stringify(expected)) return { text, changed: false };
  const rewrite = (document: Document): void => document.setIn(keys, document.createNode(value));
  return { text: applySplices(parsed, splicesOf(parsed, keys, value), expected, rewrite), changed: true };
}

type Keys = readonly (string | number)[];

/** Turns selectors into indexes; a key that is not there ends the search, what follows must then be names. */
function resolve(parsed: Parsed, path: readonly PathPart[]): Keys {
  const keys: (string | number)[] = [];
  let node: unknown = parsed.document.contents;
  for (const part of path) {
    const shown = keys.length === 0 ? "the top" : keys.join(".");
    if (isAlias(node)) throw parsed.wrong(`${shown} is an alias; edit the place that it names`, node.range?.[0]);
    if (typeof part === "string") {
      if (node !== undefined && !isMap(node) && !isNull(node))
        throw parsed.wrong(`${shown} is not a mapping`, startOf(node));
      keys.push(part);
      node = isMap(node) ? node.get(part, true) : undefined;
      continue;
    }
    if (!isSeq(node)) throw parsed.wrong(`${shown} is not a list`, startOf(node));
    const index =
      typeof part === "number"
        ? part
        : node.items.findIndex((item) => isMap(item) && String(item.get(part.key)) === part.value);
    if (index < 0 || index >= node.items.length) {
      throw parsed.wrong(
        `${shown} has no element ${typeof part === "number" ? part : `with ${part.key} ${part.value}`}`,
        startOf(node),
      );
    }
    keys.push(index);
    node = node.items[index];
  }
  return keys;
}

function splicesOf(parsed: Parsed, keys: Keys, value: JsonValue): Splice[] | undefined {
  const node = parsed.document.getIn(keys, true);
  const scalar = value === null || typeof value !== "object";
  if (isScalar(node) && scalar) return one(replaceScalar(node, value));
  if (node !== undefined) return undefined;
  const known = keys.findIndex((_, index) => parsed.document.getIn(keys.slice(0, index + 1), true) === undefined);
  const parent = known === 0 ? parsed.document.contents : parsed.document.getIn(keys.slice(0, known), true);
  if (!isMap(parent)) return undefined;
  const nested = keys.slice(known + 1).reduceRight<JsonValue>((inner, key) => ({ [String(key)]: inner }), value);
  return one(appendPairs(parsed, parent, { [String(keys[known])]: nested }));
}

function one(splice: Splice | undefined): Splice[] | undefined {
  return splice ? [splice] : undefined;
}

function replaceAt(value: unknown, [key, ...rest]: Keys, put: JsonValue): unknown {
  if (key === undefined) return put;
  if (Array.isArray(value)) return value.with(Number(key), replaceAt(value[Number(key)], rest, put));
  const object = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  return { ...object, [key]: replaceAt(Object.hasOwn(object, key) ? object[key] : undefined, rest, put) };
}

function isNull(node: unknown): boolean {
  return node === null || (isScalar(node) && node.value === null);
}

function startOf(node: unknown): number | undefined {
  return isCollection(node) || isScalar(node) ? ((node as Node).range?.[0] ?? endOf(node)) : undefined;
}

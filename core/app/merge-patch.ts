// Merge patches of JSON objects (RFC 7396): a given value replaces the old one, null removes it, and objects are merged.
// Pure.

import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts";

export function applyPatch(target: JsonObject, patch: JsonObject): JsonObject {
  const result = new Map(Object.entries(target));
  for (const [key, value] of Object.entries(patch)) {
    const before = result.get(key);
    if (value === null) result.delete(key);
    else result.set(key, isJsonObject(value) ? applyPatch(isJsonObject(before) ? before : {}, value) : value);
  }
  return Object.fromEntries(result);
}

/**
 * The patch that turns `from` into `to`; empty when they are equal. Nulls in `to` are lost, because a patch cannot set null.
 */
export function patchBetween(from: JsonObject, to: JsonObject): JsonObject {
  const changed = Object.entries(to).flatMap(([key, value]): [string, JsonValue][] => {
    const before = from[key];
    if (isEqual(before, value)) return [];
    return [[key, isJsonObject(value) && isJsonObject(before) ? patchBetween(before, value) : value]];
  });
  const removed = Object.keys(from).filter((key) => !Object.hasOwn(to, key));
  return Object.fromEntries([...changed, ...removed.map((key): [string, JsonValue] => [key, null])]);
}

/** Ignores the order of keys. */
export function isEqual(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one, at) => isEqual(one, b[at]));
  if (!isJsonObject(a) || !isJsonObject(b)) return a === b;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key]));
}

// The two kinds of patches that kustomize knows, on plain JSON: strategic merge (lists merge by name) and JSON patch.

type Json = unknown;
type JsonObject = Record<string, Json>;

/** Keys by which Kubernetes merges the elements of a list. */
const MERGE_KEYS = ["name", "containerPort", "port", "mountPath", "devicePath"] as const;

export function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A strategic merge: null removes, `$patch: delete` removes, lists of named elements merge, other lists are replaced. */
export function mergeStrategic(target: Json, patch: Json): Json {
  if (isObject(target) && isObject(patch)) {
    if (patch.$patch === "replace") return without(patch, "$patch");
    const merged: JsonObject = { ...target };
    for (const [key, value] of Object.entries(patch)) {
      if (value === null || (isObject(value) && value.$patch === "delete")) delete merged[key];
      else merged[key] = key in merged ? mergeStrategic(merged[key], value) : value;
    }
    return merged;
  }
  if (Array.isArray(target) && Array.isArray(patch)) return mergeLists(target, patch);
  return patch;
}

function mergeLists(target: Json[], patch: Json[]): Json[] {
  const key = MERGE_KEYS.find((one) => [...target, ...patch].every((item) => isObject(item) && one in item));
  if (key === undefined) return patch;
  const merged = [...target];
  for (const item of patch as JsonObject[]) {
    const at = merged.findIndex((one) => (one as JsonObject)[key] === item[key]);
    if (item.$patch === "delete") {
      if (at >= 0) merged.splice(at, 1);
    } else if (at >= 0) merged[at] = mergeStrategic(merged[at], item);
    else merged.push(item);
  }
  return merged;
}

export type JsonPatch = readonly { readonly op: string; readonly path: string; readonly value?: Json }[];

/** `add`, `replace`, `remove` and `test` of RFC 6902. Throws an Error that names the operation that does not apply. */
export function applyJsonPatch(target: Json, patch: JsonPatch): Json {
  const copy = structuredClone(target);
  for (const { op, path, value } of patch) {
    const keys = path
      .split("/")
      .slice(1)
      .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = keys.pop();
    const parent = keys.reduce<Json>((inner, key) => child(inner, key), copy);
    if (last === undefined || typeof parent !== "object" || parent === null)
      throw new Error(`${op} ${path}: no such place`);
    if (op === "test") {
      if (JSON.stringify(child(parent, last)) !== JSON.stringify(value)) throw new Error(`test ${path}: it differs`);
    } else change(parent, last, op, path, value);
  }
  return copy;
}

function change(parent: object, key: string, op: string, path: string, value: Json): void {
  if (op !== "add" && op !== "replace" && op !== "remove") throw new Error(`${op} is not supported`);
  if (Array.isArray(parent)) {
    const index = key === "-" ? parent.length : Number(key);
    if (!Number.isInteger(index) || index < 0 || index > parent.length)
      throw new Error(`${op} ${path}: no such element`);
    if (op === "add") parent.splice(index, 0, value);
    else if (op === "remove") parent.splice(index, 1);
    else parent[index] = value;
    return;
  }
  const object = parent as JsonObject;
  if (op !== "add" && !(key in object)) throw new Error(`${op} ${path}: it is not there`);
  if (op === "remove") delete object[key];
  else object[key] = value;
}

function child(value: Json, key: string): Json {
  if (Array.isArray(value)) return value[Number(key)];
  return isObject(value) ? value[key] : undefined;
}

function without(object: JsonObject, key: string): JsonObject {
  const { [key]: _, ...rest } = object;
  return rest;
}

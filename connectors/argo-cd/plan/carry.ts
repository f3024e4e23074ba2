// Merges a change of a manifest into an object of the cluster. Pure.

import { isEqual } from "@gantry/core/app/merge-patch.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";

/** Undefined: it is not there. */
type Maybe = JsonValue | undefined;

/**
 * `onto` with what changes from `from` to `to`. What both do not have stays: defaults of the cluster, and what controllers have written there.
 * Without `from`, everything in `to` counts as changed. Items of lists are told apart as Kubernetes does, by a name, a port or a path.
 */
export function carry(from: Maybe, to: Maybe, onto: Maybe): Maybe {
  if (isEqual(from, to)) return onto;
  if (isJsonObject(to) && isJsonObject(onto) && (from === undefined || isJsonObject(from))) {
    return carryFields(from ?? {}, to, onto);
  }
  if (Array.isArray(to) && Array.isArray(onto) && (from === undefined || Array.isArray(from))) {
    return carryItems((from ?? []) as JsonValue[], to as JsonValue[], onto as JsonValue[]);
  }
  return to;
}

function carryFields(from: JsonObject, to: JsonObject, onto: JsonObject): JsonObject {
  const names = new Set([...Object.keys(onto), ...Object.keys(to)]);
  return Object.fromEntries(
    [...names].flatMap((name) => {
      const value = carry(from[name], to[name], onto[name]);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** What tells the items of a list apart, in this order. */
const IDENTITIES = ["name", "mountPath", "devicePath", "containerPort", "port", "ip", "key", "topologyKey", "type"];

function carryItems(from: readonly JsonValue[], to: readonly JsonValue[], onto: readonly JsonValue[]): JsonValue {
  const identity = IDENTITIES.find((field) => [from, to, onto].every((list) => tellsApart(list, field)));
  if (identity === undefined) {
    const sameLength = to.length === onto.length && (from.length === 0 || from.length === to.length);
    return sameLength ? to.map((item, index) => carry(from[index], item, onto[index]) ?? item) : [...to];
  }
  const find = (list: readonly JsonValue[], item: JsonValue): Maybe =>
    list.find((one) => isEqual(fieldOf(one, identity), fieldOf(item, identity)));
  const kept = onto.flatMap((item) => {
    const [before, after] = [find(from, item), find(to, item)];
    const value = before === undefined && after === undefined ? item : carry(before, after, item);
    return value === undefined ? [] : [value];
  });
  return [...kept, ...to.filter((item) => find(onto, item) === undefined)];
}

function tellsApart(list: readonly JsonValue[], field: string): boolean {
  const values = list.map((item) => fieldOf(item, field));
  return !values.includes(undefined) && new Set(values).size === values.length;
}

function fieldOf(item: JsonValue, field: string): string | number | undefined {
  const value = isJsonObject(item) ? item[field] : undefined;
  return typeof value === "string" || typeof value === "number" ? value : undefined;
}

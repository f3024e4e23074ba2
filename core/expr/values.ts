// JSON to CEL values and back. CEL distinguishes integers from doubles, so a JSON number without a fraction becomes an integer.
// Objects become Maps: a Map has only the keys it was given, so `__proto__` or `constructor` lead nowhere.

import { Optional } from "@marcbachmann/cel-js";
import type { JsonValue } from "../json.ts";

export type CelValue = string | number | bigint | boolean | null | CelValue[] | Map<string, CelValue>;

/** Larger or deeper values are refused. */
const MAX_NODES = 100_000;
const MAX_DEPTH = 64;

/** The reason why a value cannot be used. The caller that knows the expression turns it into a GantryError. */
export class ValueProblem extends Error {}

export function toCel(value: JsonValue): CelValue {
  const budget = { nodes: MAX_NODES };
  return convert(value, 0);

  function convert(value: JsonValue, depth: number): CelValue {
    spend(budget, depth);
    if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
    if (typeof value !== "object" || value === null) return value;
    if (isList(value)) return value.map((item) => convert(item, depth + 1));
    return new Map(Object.entries(value).map(([key, item]) => [key, convert(item, depth + 1)]));
  }
}

/** Throws ValueProblem for what JSON does not have: timestamps, bytes, infinities, integers beyond 2^53. */
export function fromCel(value: unknown): JsonValue {
  const budget = { nodes: MAX_NODES };
  return convert(value, 0);

  function convert(value: unknown, depth: number): JsonValue {
    spend(budget, depth);
    if (value === null || typeof value === "string" || typeof value === "boolean") return value;
    if (typeof value === "number" || typeof value === "bigint") return number(value);
    if (value instanceof Optional) return value.hasValue() ? convert(value.value(), depth) : null;
    if (Array.isArray(value)) return value.map((item: unknown) => convert(item, depth + 1));
    if (value instanceof Map) return object([...value], depth);
    if (isPlain(value)) return object(Object.entries(value), depth);
    throw new ValueProblem("the result is neither text, a number, true or false, a list nor a map");
  }

  function object(entries: readonly (readonly [unknown, unknown])[], depth: number): JsonValue {
    // fromEntries defines own properties, so even a key `__proto__` is only data.
    return Object.fromEntries(entries.map(([key, item]) => [String(key), convert(item, depth + 1)]));
  }
}

function number(value: number | bigint): number {
  const result = Number(value);
  if (typeof value === "bigint" ? !Number.isSafeInteger(result) : !Number.isFinite(result)) {
    throw new ValueProblem(`the number ${value} cannot be kept exactly`);
  }
  return result;
}

function spend(budget: { nodes: number }, depth: number): void {
  budget.nodes -= 1;
  if (budget.nodes < 0) throw new ValueProblem(`a value has more than ${MAX_NODES} parts`);
  if (depth > MAX_DEPTH) throw new ValueProblem(`a value is nested deeper than ${MAX_DEPTH}`);
}

function isList(value: object): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

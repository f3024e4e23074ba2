// The combinations of `matrix`: every value of every axis with every other, without what `exclude` names, and with what
// `include` adds. The rules of `include` are those of GitHub Actions, so that a matrix can be carried over as it is.

import { expressionFailed } from "../expr/expression.ts";
import { isJsonObject, isSameJson, type JsonObject, type JsonValue } from "../json.ts";

export type Matrix = {
  /** Values by axis. */
  readonly matrix: { readonly [axis: string]: readonly JsonValue[] } | undefined;
  /** Values that are added to the combinations that they fit, or combinations of their own. */
  readonly matrixInclude?: readonly JsonObject[] | undefined;
  /** Combinations that have all of these values are left out. */
  readonly matrixExclude?: readonly JsonObject[] | undefined;
};

export type Combination = {
  /** The names of its values, in the order of the axes. */
  readonly name: string;
  readonly values: JsonObject;
};

/** The most jobs that one job of the file may expand to. */
export const MAX_EXPANDED = 256;

/** The last axis changes fastest; combinations of `include` are at the end. Throws GantryError `expression-failed`. */
export function combinationsOf({ matrix = {}, matrixInclude = [], matrixExclude = [] }: Matrix): Combination[] {
  const size = sizeOf(matrix);
  if (size > MAX_EXPANDED) throw tooMany(size);
  const left = product(matrix).filter(
    ({ values }) => !matrixExclude.some((excluded) => hasAll(values, excluded, Object.keys(excluded))),
  );
  const all = include(matrix, left, matrixInclude);
  if (all.length > MAX_EXPANDED) throw tooMany(all.length);
  return all;
}

/** How many combinations the axes have, before `exclude` and `include`. */
export function sizeOf(matrix: NonNullable<Matrix["matrix"]>): number {
  const axes = Object.values(matrix);
  return axes.length === 0 ? 0 : axes.reduce((total, values) => total * values.length, 1);
}

/** The names that `each` has in the jobs of a matrix. */
export function namesOf({ matrix = {}, matrixInclude = [] }: Matrix): readonly string[] {
  return [...new Set([...Object.keys(matrix), ...matrixInclude.flatMap((one) => Object.keys(one))])];
}

/** Whether both have the same value, of any type, under each of these names. */
export function hasAll(values: JsonObject, wanted: JsonObject, names: readonly string[]): boolean {
  return names.every((name) => Object.hasOwn(values, name) && isSameJson(values[name], wanted[name]));
}

function product(matrix: NonNullable<Matrix["matrix"]>): Combination[] {
  if (sizeOf(matrix) === 0) return [];
  let all: { names: readonly string[]; values: JsonObject }[] = [{ names: [], values: {} }];
  for (const [axis, options] of Object.entries(matrix)) {
    all = all.flatMap(({ names, values }) =>
      options.map((option, index) => ({
        names: [...names, nameOfElement(option, index)],
        values: { ...values, [axis]: option },
      })),
    );
  }
  return all.map(({ names, values }) => ({ name: names.join(","), values }));
}

/**
 * An entry is added to each combination whose values of the axes it does not change; a value that an earlier entry added may
 * be changed. An entry that fits none is a combination of its own.
 */
function include(
  matrix: NonNullable<Matrix["matrix"]>,
  combinations: readonly Combination[],
  entries: readonly JsonObject[],
): Combination[] {
  const extended = combinations.map((one) => {
    const fitting = entries.filter((entry) => fits(matrix, one, entry));
    return { ...one, values: Object.fromEntries([one.values, ...fitting].flatMap((values) => Object.entries(values))) };
  });
  const own = entries.filter((entry) => !combinations.some((one) => fits(matrix, one, entry)));
  return [
    ...extended,
    ...own.map((values) => ({ name: Object.entries(values).map(nameOfValue(matrix)).join(","), values })),
  ];
}

function fits(matrix: NonNullable<Matrix["matrix"]>, { values }: Combination, entry: JsonObject): boolean {
  const axes = Object.keys(entry).filter((name) => Object.hasOwn(matrix, name));
  return hasAll(values, entry, axes);
}

function nameOfValue(matrix: NonNullable<Matrix["matrix"]>) {
  return ([axis, value]: [string, JsonValue], index: number): string => {
    const at = Object.hasOwn(matrix, axis) ? (matrix[axis] ?? []).findIndex((one) => isSameJson(one, value)) : -1;
    return nameOfElement(value, at < 0 ? index : at);
  };
}

/**
 * The element's `name`, or the element itself if it is a scalar, or its index in the list or axis. Only characters that need
 * no escape in a URL path.
 */
export function nameOfElement(element: JsonValue, index: number): string {
  const name = isJsonObject(element) ? element.name : element;
  const scalar = typeof name === "string" || typeof name === "number" || typeof name === "boolean";
  const clean = scalar
    ? String(name)
        .replace(/[^A-Za-z0-9._-]+/g, "-")
        .slice(0, 100)
    : "";
  return clean === "" ? String(index) : clean;
}

function tooMany(size: number): Error {
  return expressionFailed("matrix", `it has ${size} combinations, more than ${MAX_EXPANDED}`);
}

// Wrong values for a schema: every key of it with a value of every type, unknown keys, and nothing at all.

import { z } from "zod";

const WRONG: readonly unknown[] = [null, "", "not right!", -1, 7.5, 1e12, true, [], [1], {}, { nonsense: 1 }];

/** Inputs that each have one mistake, for a schema of a map. For what names only the first mistake of an input. */
export function* wrongValues(schema: z.core.$ZodType): Generator<unknown> {
  yield* notTheMap();
  for (const { path, keys } of mapsIn(schema, []))
    for (const key of keys) for (const value of WRONG) yield nested([...path, key], value);
}

/** Inputs in which all keys of a map are wrong: much fewer than `wrongValues`, for what names every mistake of an input. */
export function* wrongMaps(schema: z.core.$ZodType): Generator<unknown> {
  yield* notTheMap();
  for (const { path, keys } of mapsIn(schema, []))
    for (const value of WRONG) yield nested(path, Object.fromEntries(keys.map((key) => [key, value])));
}

function* notTheMap(): Generator<unknown> {
  yield {};
  yield "text";
  yield { nonsense: 1 };
}

/** The map that a schema describes, and every map in it. */
function mapsIn(
  schema: z.core.$ZodType,
  path: readonly string[],
): readonly { readonly path: readonly string[]; readonly keys: readonly string[] }[] {
  const inner = inside(schema);
  if (!(inner instanceof z.ZodObject)) return [];
  const children = Object.entries(inner.shape);
  return [
    { path, keys: children.map(([name]) => name) },
    ...children.flatMap(([name, child]) => mapsIn(child as z.core.$ZodType, [...path, name])),
  ];
}

/** What is inside `optional`, `default` and the like. */
function inside(schema: z.core.$ZodType): z.core.$ZodType {
  const { innerType, in: input } = schema._zod.def as { innerType?: z.core.$ZodType; in?: z.core.$ZodType };
  const inner = innerType ?? input;
  return inner === undefined ? schema : inside(inner);
}

function nested(path: readonly string[], value: unknown): unknown {
  return path.reduceRight((inner: unknown, key) => ({ [key]: inner }), value);
}

// Wrong values for a schema: every key of it with a value of every type, unknown keys, and nothing at all.

import { z } from "zod";

const WRONG: readonly unknown[] = [null, "", "not right!", -1, 7.5, 1e12, true, [], [1], {}, { nonsense: 1 }];

/** Inputs that each have a mistake, for a schema of a map. */
export function* wrongValues(schema: z.core.$ZodType): Generator<unknown> {
  yield {};
  yield "text";
  yield { nonsense: 1 };
  for (const path of pathsOf(schema, [])) for (const value of WRONG) yield nested(path, value);
}

function pathsOf(schema: z.core.$ZodType, path: readonly string[]): readonly (readonly string[])[] {
  const inner = inside(schema);
  if (!(inner instanceof z.ZodObject)) return path.length === 0 ? [] : [path];
  return Object.entries(inner.shape).flatMap(([name, child]) => [
    [...path, name],
    ...pathsOf(child as z.core.$ZodType, [...path, name]),
  ]);
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

// What a schema finds wrong, in words: the sentences for pipeline files and for configurations.

import type { z } from "zod";
import { isJsonObject } from "./json.ts";
import { didYouMean } from "./suggest.ts";

export type Path = readonly (string | number)[];

export type PathProblem = {
  readonly path: Path;
  readonly detail: string;
  /** Is the key wrong, or what it holds? */
  readonly on: "key" | "value";
  /** An expression inside a scalar and an offset in it, to point at. */
  readonly within?: { readonly text: string; readonly offset: number };
};

/**
 * One issue may be several problems. `keysAt` gives the keys that are known at a place, for suggestions; `hintAt` what to
 * write instead of an unknown key. Values are never repeated, because they may be secrets.
 */
export function describeIssue(
  issue: z.core.$ZodIssue,
  root: unknown,
  keysAt: (path: Path) => readonly string[],
  hintAt: (path: Path, key: string) => string | undefined = () => undefined,
): readonly PathProblem[] {
  const path = issue.path.map((step) => (typeof step === "number" ? step : String(step)));
  const name = path.at(-1);
  const value = (detail: string): PathProblem[] => [{ path, detail, on: "value" }];
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => {
        const hint = hintAt(path, key);
        const ending = hint === undefined ? didYouMean(key, keysAt(path)) : `; ${hint}`;
        return { path: [...path, key], detail: `unknown key ${key}${ending}`, on: "key" };
      });
    case "invalid_type":
      if (valueAt(root, path) === undefined) return [{ path, detail: `${name} is missing`, on: "value" }];
      if (issue.message.startsWith("Invalid input"))
        return value(`${name ?? "the file"} must be ${TYPES[issue.expected] ?? issue.expected}`);
      return value(`${name} must be ${issue.message}`);
    case "invalid_value":
      return value(
        `${name} must be one of ${issue.values.map(String).join(", ")}${suggestFor(valueAt(root, path), issue.values)}`,
      );
    case "invalid_key":
      return [
        {
          path,
          detail: `${name} is not a valid name: ${issue.issues[0]?.message ?? "it has strange characters"}`,
          on: "key",
        },
      ];
    case "invalid_format":
      return value(`${name}: ${issue.message}`);
    case "too_small":
      return value(`${name} must ${limit(issue.origin, "at least", Number(issue.minimum))}`);
    case "too_big":
      return value(`${name} must ${limit(issue.origin, "at most", Number(issue.maximum))}`);
    case "invalid_union":
      return describeUnion(issue, path, root, keysAt, hintAt);
    default:
      return value(`${name}: ${issue.message}`);
  }
}

/** When the value is a map, the writer meant the alternative that is a map; its own problems say more. */
function describeUnion(
  issue: z.core.$ZodIssueInvalidUnion,
  path: Path,
  root: unknown,
  keysAt: (path: Path) => readonly string[],
  hintAt: (path: Path, key: string) => string | undefined,
): readonly PathProblem[] {
  const inMap = issue.errors.find((errors) =>
    errors.every((error) => error.path.length > 0 || error.code === "unrecognized_keys"),
  );
  if (isJsonObject(valueAt(root, path)) && inMap !== undefined && inMap.length > 0) {
    return inMap.flatMap((error) =>
      describeIssue({ ...error, path: [...path, ...error.path] } as z.core.$ZodIssue, root, keysAt, hintAt),
    );
  }
  return [{ path, detail: `${path.at(-1)} must be ${issue.message}`, on: "value" }];
}

function limit(origin: string, bound: "at least" | "at most", count: number): string {
  const counted = origin === "string" ? "characters" : origin === "array" ? "elements" : undefined;
  if (counted === undefined) return `be ${bound} ${count}`;
  return bound === "at least" && count === 1 ? "not be empty" : `have ${bound} ${count} ${counted}`;
}

function suggestFor(value: unknown, known: readonly unknown[]): string {
  return typeof value === "string" ? didYouMean(value, known.map(String)) : "";
}

const TYPES: { readonly [type: string]: string } = {
  string: "text",
  object: "a map",
  record: "a map",
  array: "a list",
  boolean: "true or false",
  number: "a number",
  int: "a whole number",
};

export function valueAt(root: unknown, path: Path): unknown {
  let at = root;
  for (const step of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<string | number, unknown>)[step];
  }
  return at;
}

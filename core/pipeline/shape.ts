// The first check of a pipeline file: does it have the form of file.ts? What does not fit is reported and cut out, so that
// the rules can look at the rest and a person sees all mistakes at once.

import type { z } from "zod";
import { isJsonObject, type JsonValue } from "../json.ts";
import { didYouMean } from "../suggest.ts";
import {
  concurrencyShape,
  jobShape,
  type PipelineFile,
  paramShape,
  pipelineShape,
  retryShape,
  stepShape,
} from "./file.ts";

export type PathProblem = {
  readonly path: readonly (string | number)[];
  readonly detail: string;
  /** Is the key wrong, or what it holds? */
  readonly on: "key" | "value";
  /** An expression inside a scalar and an offset in it, to point at. */
  readonly within?: { readonly text: string; readonly offset: number };
};

type Path = readonly (string | number)[];

/** `file` is undefined when so much is wrong that nothing is left to look at. */
export function checkShape(value: JsonValue): { file: PipelineFile | undefined; problems: readonly PathProblem[] } {
  const problems: PathProblem[] = [];
  let rest: unknown = structuredClone(value);
  for (let round = 0; round < 8; round += 1) {
    const parsed = pipelineShape.safeParse(rest);
    if (parsed.success) return { file: parsed.data, problems };
    for (const issue of parsed.error.issues) {
      const found = describe(issue, rest);
      // Later rounds see the holes that were cut before; only what was there from the start is the writer's mistake.
      if (round === 0) problems.push(...found);
      for (const { path } of found) rest = cut(rest, path);
    }
  }
  return { file: undefined, problems };
}

/** The keys that are known at a place. */
function keysAt(path: Path): readonly string[] {
  const [top, , third] = path;
  const isJobs = top === "jobs" || top === "finally";
  if (path.length === 0) return Object.keys(pipelineShape.shape);
  if (top === "params" && path.length === 2) return Object.keys(paramShape.shape);
  if (top === "concurrency") return Object.keys(concurrencyShape.shape);
  if (isJobs && path.length === 2) return Object.keys(jobShape.shape);
  if (isJobs && third === "retry") return Object.keys(retryShape.shape);
  if (isJobs && third === "steps") return Object.keys(stepShape.shape);
  return [];
}

function describe(issue: z.core.$ZodIssue, root: unknown): PathProblem[] {
  const path = issue.path.map((step) => (typeof step === "number" ? step : String(step)));
  const name = path.at(-1);
  const value = (detail: string): PathProblem[] => [{ path, detail, on: "value" }];
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => ({
        path: [...path, key],
        detail: `unknown key ${key}${didYouMean(key, keysAt(path))}`,
        on: "key",
      }));
    case "invalid_type":
      if (read(root, path) === undefined) return [{ path, detail: `${name} is missing`, on: "value" }];
      if (issue.message.startsWith("Invalid input"))
        return value(`${name ?? "the file"} must be ${TYPES[issue.expected] ?? issue.expected}`);
      return value(`${name} must be ${issue.message}`);
    case "invalid_value":
      return value(
        `${name} must be one of ${issue.values.map(String).join(", ")}${suggestFor(read(root, path), issue.values)}`,
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
      return value(
        `${name} ${issue.origin === "array" || issue.origin === "string" ? "must not be empty" : `must be at least ${issue.minimum}`}`,
      );
    case "too_big":
      return value(
        `${name} ${issue.origin === "number" || issue.origin === "int" ? "must be at most" : "is longer than"} ${issue.maximum}`,
      );
    case "invalid_union":
      return describeUnion(issue, path, root);
    default:
      return value(`${name}: ${issue.message}`);
  }
}

/** When the value is a map, the writer meant the alternative that is a map; its own problems say more. */
function describeUnion(issue: z.core.$ZodIssueInvalidUnion, path: Path, root: unknown): PathProblem[] {
  const inMap = issue.errors.find((errors) =>
    errors.every((error) => error.path.length > 0 || error.code === "unrecognized_keys"),
  );
  if (isJsonObject(read(root, path)) && inMap !== undefined && inMap.length > 0) {
    return inMap.flatMap((error) => describe({ ...error, path: [...path, ...error.path] } as z.core.$ZodIssue, root));
  }
  return [{ path, detail: `${path.at(-1)} must be ${issue.message}`, on: "value" }];
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

function read(root: unknown, path: Path): unknown {
  let at = root;
  for (const step of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<string | number, unknown>)[step];
  }
  return at;
}

/**
 * Takes a wrong part out: a key of a map with its value; an element of a list is emptied, so that the others keep their
 * places. Where the part is missing, what lacks it goes.
 */
function cut(root: unknown, path: Path): unknown {
  const [last, parent] = [path.at(-1), path.slice(0, -1)];
  if (last === undefined) return {};
  const holder = read(root, parent);
  if (Array.isArray(holder) && typeof last === "number") {
    if (last < holder.length) holder[last] = {};
    return root;
  }
  if (typeof holder === "object" && holder !== null && Object.hasOwn(holder, last)) {
    delete (holder as Record<string | number, unknown>)[last];
    return root;
  }
  if (parent.length === 0) {
    // A missing part of the file itself is made up, or the rules would have nothing to look at.
    (root as Record<string, unknown>)[last] = last === "name" ? "unnamed" : {};
    return root;
  }
  return cut(root, parent);
}

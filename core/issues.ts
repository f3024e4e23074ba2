// The issues of a schema in words, for pipeline files and configurations.

import type { z } from "zod";
import { issueInWords } from "./issue-words.ts";
import { isJsonObject } from "./json.ts";
import { didYouMean } from "./suggest.ts";

export type Path = readonly (string | number)[];

export type PathProblem = {
  readonly path: Path;
  readonly detail: string;
  /** Whether the key is wrong, or its value. */
  readonly on: "key" | "value";
  /** An expression inside a scalar, and an offset in it that the problem points to. */
  readonly within?: { readonly text: string; readonly offset: number };
};

export type IssueContext = {
  /** The keys that are known at a place, for suggestions. */
  readonly keysAt?: (path: Path) => readonly string[];
  /** What to write instead of an unknown key. */
  readonly hintAt?: (path: Path, key: string) => string | undefined;
  /** The path with `HIDDEN` in place of keys that are secrets. */
  readonly shown?: (path: Path) => Path;
  /** The name of the whole input: "the file". */
  readonly whole: string;
};

/** Stands in paths for a key that is a secret. */
export const HIDDEN = "…";

/** One issue may be several problems. Values are never repeated, because they may be secrets. */
export function describeIssue(issue: z.core.$ZodIssue, root: unknown, context: IssueContext): readonly PathProblem[] {
  const path = issue.path.map((step) => (typeof step === "number" ? step : String(step)));
  const shown = context.shown?.(path) ?? path;
  const name = nameOf(shown, context.whole);
  const value = valueAt(root, path);
  const problem = (detail: string, on: PathProblem["on"] = "value"): PathProblem[] => [{ path, detail, on }];
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(path, key, context));
  if (issue.code === "invalid_key" && shown.at(-1) === HIDDEN)
    return problem(`a key of ${shown.at(-2)} is not valid: ${keyInWords(issue)}`, "key");
  if (issue.code === "invalid_key")
    return problem(`${name || "an empty text"} is not a valid name: ${keyInWords(issue)}`, "key");
  if (value === undefined && MISSING.has(issue.code)) return problem(`${name} is missing`);
  if (issue.code === "invalid_union") {
    const meant = meantAlternative(issue, value);
    if (meant !== undefined)
      return meant.flatMap((inner) => describeIssue({ ...inner, path: [...path, ...inner.path] }, root, context));
  }
  return problem(`${name} ${issueInWords(issue)}${suggestion(issue, value)}`);
}

/** Codes with which a schema refuses a missing value. */
const MISSING: ReadonlySet<string> = new Set(["invalid_type", "invalid_value", "invalid_union", "custom"]);

function nameOf(path: Path, whole: string): string {
  const last = path.at(-1);
  if (last === undefined) return whole;
  if (last === HIDDEN) return `an entry of ${path.at(-2)}`;
  if (typeof last !== "number") return last;
  const list = path.at(-2);
  return `element ${last + 1}${typeof list === "string" ? ` of ${list}` : ""}`;
}

function unknownKey(path: Path, key: string, { keysAt, hintAt }: IssueContext): PathProblem {
  const hint = hintAt?.(path, key);
  const ending = hint === undefined ? didYouMean(key, keysAt?.(path) ?? []) : `; ${hint}`;
  return { path: [...path, key], detail: `unknown key ${key}${ending}`, on: "key" };
}

function keyInWords({ issues: [first] }: z.core.$ZodIssueInvalidKey): string {
  if (first === undefined) return "it has characters that are not allowed";
  return first.code === "invalid_format" && !first.message.startsWith("Invalid")
    ? first.message
    : `it ${issueInWords(first)}`;
}

/** For a map, the alternative that is a map was meant. Its own problems say more. */
function meantAlternative(issue: z.core.$ZodIssueInvalidUnion, value: unknown): z.core.$ZodIssue[] | undefined {
  if (!isJsonObject(value)) return undefined;
  return issue.errors
    .filter((errors) => errors.every((error) => error.path.length > 0 || error.code === "unrecognized_keys"))
    .toSorted((a, b) => a.length - b.length)[0];
}

function suggestion(issue: z.core.$ZodIssue, value: unknown): string {
  const { options } = issue as { options?: readonly unknown[] };
  const known = issue.code === "invalid_value" ? issue.values : (options ?? []);
  return typeof value === "string" && known.length > 1 ? didYouMean(value, known.map(String)) : "";
}

/** All issues of an input. For a value of the wrong type, only the type is reported, not its limits too. */
export function describeIssues(
  issues: readonly z.core.$ZodIssue[],
  root: unknown,
  context: IssueContext,
): readonly PathProblem[] {
  const placeOf = (issue: z.core.$ZodIssue): string => JSON.stringify(issue.path.map(String));
  const misfits = new Map(
    issues
      .filter(({ code }) => code === "invalid_type" || code === "invalid_union")
      .toReversed()
      .map((issue) => [placeOf(issue), issue]),
  );
  return issues
    .filter((issue) => (misfits.get(placeOf(issue)) ?? issue) === issue)
    .flatMap((issue) => describeIssue(issue, root, context));
}

/** A finding about "it", or one that begins with its verb, with the name of the place as its subject: "element 1 of targets must be text". */
export function withSubject(path: Path, detail: string): string {
  const verb = /^(?:it |(?=must ))/.exec(detail);
  return verb === null || path.length === 0 ? detail : `${nameOf(path, "it")} ${detail.slice(verb[0].length)}`;
}

/**
 * The path without its last name, for the beginning of a message: `agent.tls`. The name of a list element already contains
 * the list.
 */
export function placeAround(path: Path): string {
  return path.slice(0, typeof path.at(-1) === "number" ? -2 : -1).join(".");
}

export function valueAt(root: unknown, path: Path): unknown {
  let at = root;
  for (const step of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<string | number, unknown>)[step];
  }
  return at;
}

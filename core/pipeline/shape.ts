// The first check of a pipeline file: does it have the form of file.ts? What does not fit is reported and cut out, so that
// the rules can look at the rest and a person sees all mistakes at once.

import { describeIssues, type Path, type PathProblem, valueAt } from "../issues.ts";
import type { JsonValue } from "../json.ts";
import {
  concurrencyShape,
  jobShape,
  type PipelineFile,
  paramShape,
  pipelineShape,
  retryShape,
  stepShape,
} from "./file.ts";
import { foreignWordHint } from "./foreign-words.ts";

/** `file` is undefined when so much is wrong that nothing is left to look at. */
export function checkShape(value: JsonValue): { file: PipelineFile | undefined; problems: readonly PathProblem[] } {
  const problems: PathProblem[] = [];
  let rest: unknown = structuredClone(value);
  for (let round = 0; round < 8; round += 1) {
    const parsed = pipelineShape.safeParse(rest);
    if (parsed.success) return { file: parsed.data, problems };
    const found = describeIssues(parsed.error.issues, rest, { keysAt, hintAt: foreignWordHint, whole: "the file" });
    // Later rounds see the holes that were cut before; only what was there from the start is the writer's mistake.
    if (round === 0) problems.push(...found);
    for (const { path } of found) rest = cut(rest, path);
  }
  return { file: undefined, problems };
}

/** The keys that are known at a place. */
function keysAt(path: Path): readonly string[] {
  const [top, , third, , fifth] = path;
  const isJobs = top === "jobs" || top === "finally";
  if (path.length === 0) return Object.keys(pipelineShape.shape);
  if (top === "params" && path.length === 2) return Object.keys(paramShape.shape);
  if (top === "concurrency") return Object.keys(concurrencyShape.shape);
  if (isJobs && path.length === 2) return Object.keys(jobShape.shape);
  if (isJobs && (third === "retry" || fifth === "retry")) return Object.keys(retryShape.shape);
  if (isJobs && third === "steps") return Object.keys(stepShape.shape);
  return [];
}

/**
 * Takes a wrong part out: a key of a map with its value; an element of a list is emptied, so that the others keep their
 * places. Where the part is missing, what lacks it goes.
 */
function cut(root: unknown, path: Path): unknown {
  const [last, parent] = [path.at(-1), path.slice(0, -1)];
  if (last === undefined) return {};
  const holder = valueAt(root, parent);
  // It was taken out with another mistake.
  if (holder === undefined) return root;
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

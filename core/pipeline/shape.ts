// The first check of a pipeline file, against the schema in file.ts. Invalid parts are reported and removed, so that the
// rules can check the rest and all mistakes are reported at once.

import { describeIssues, type Path, type PathProblem, valueAt } from "../issues.ts";
import type { JsonValue } from "../json.ts";
import {
  imageShape,
  pullRequestShape,
  pushShape,
  scheduleShape,
  tagShape,
  triggerShape,
  upstreamShape,
} from "../trigger/trigger-shape.ts";
import {
  approvalShape,
  concurrencyShape,
  jobConcurrencyShape,
  jobShape,
  type PipelineFile,
  paramShape,
  pipelineShape,
  retryShape,
  stepShape,
} from "./file.ts";
import { foreignWordHint } from "./foreign-words.ts";
import { memberShape } from "./types/type-shape.ts";

/** `file` is undefined if nothing that can be checked is left. */
export function checkShape(value: JsonValue): { file: PipelineFile | undefined; problems: readonly PathProblem[] } {
  const problems: PathProblem[] = [];
  let rest: unknown = structuredClone(value);
  for (let round = 0; round < 8; round += 1) {
    const parsed = pipelineShape.safeParse(rest);
    if (parsed.success) return { file: parsed.data, problems };
    const found = describeIssues(parsed.error.issues, rest, { keysAt, hintAt: foreignWordHint, whole: "the file" });
    // Later rounds find gaps that earlier rounds left. Only problems of the original text are the author's mistakes.
    if (round === 0) problems.push(...found);
    for (const { path } of found) rest = cut(rest, path);
  }
  return { file: undefined, problems };
}

const TRIGGER_SHAPES = {
  push: pushShape,
  tag: tagShape,
  pull_request: pullRequestShape,
  image: imageShape,
  schedule: scheduleShape,
  upstream: upstreamShape,
};

/** The keys that are known at a place. */
function keysAt(path: Path): readonly string[] {
  const [top, , third, , fifth] = path;
  const isJobs = top === "jobs" || top === "finally";
  if (path.length === 0) return Object.keys(pipelineShape.shape);
  if (top === "params") return Object.keys(path.length === 2 ? paramShape.shape : memberShape.shape);
  if (top === "triggers" && path.length === 2) return Object.keys(triggerShape.shape);
  if (top === "triggers" && path.length === 3 && Object.hasOwn(TRIGGER_SHAPES, third ?? ""))
    return Object.keys(TRIGGER_SHAPES[third as keyof typeof TRIGGER_SHAPES].shape);
  if (top === "concurrency") return Object.keys(concurrencyShape.shape);
  if (isJobs && path.length === 2) return Object.keys(jobShape.shape);
  if (isJobs && third === "concurrency") return Object.keys(jobConcurrencyShape.shape);
  if (isJobs && third === "approval") return Object.keys(path.length === 3 ? approvalShape.shape : paramShape.shape);
  if (isJobs && third === "outputTypes") return Object.keys(memberShape.shape);
  if (isJobs && (third === "retry" || fifth === "retry")) return Object.keys(retryShape.shape);
  if (isJobs && third === "steps") return Object.keys(stepShape.shape);
  return [];
}

/**
 * Removes an invalid part: a key of a map with its value. An element of a list is emptied, so that the others keep their
 * indexes. If a part is missing, the value that lacks it is removed.
 */
function cut(root: unknown, path: Path): unknown {
  const [last, parent] = [path.at(-1), path.slice(0, -1)];
  if (last === undefined) return {};
  const holder = valueAt(root, parent);
  // It was removed with another mistake.
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
    // A missing part of the file itself gets a substitute, because the rules would otherwise have nothing to check.
    (root as Record<string, unknown>)[last] = last === "name" ? "unnamed" : {};
    return root;
  }
  return cut(root, parent);
}

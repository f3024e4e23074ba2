// The nodes of the graph of a task, and which nodes belong together.

import type { JobView, TaskView } from "@gantry/wire/agent/views.ts";
import type { TaskPart } from "./decide-groups.ts";

export type GraphNode = {
  readonly part: TaskPart;
  /** Keys of the nodes that this one needs. */
  readonly needs: readonly string[];
  /** Every job of the node has succeeded. */
  readonly isDone: boolean;
};

export type TaskGraph = {
  readonly nodes: readonly GraphNode[];
  /** A node with every node that it needs and every node that needs it, over any distance. */
  readonly related: (key: string) => ReadonlySet<string>;
};

export function decideGraph(task: TaskView, parts: readonly TaskPart[]): TaskGraph {
  const nodeOf = new Map(parts.flatMap((part) => jobsOf(part).map((job) => [job.key, part.key] as const)));
  const nodes = parts.map((part): GraphNode => {
    const needs = jobsOf(part).flatMap((job) => needsOf(task, job).map((key) => nodeOf.get(key) ?? key));
    return { part, needs: [...new Set(needs)], isDone: jobsOf(part).every(({ state }) => state === "succeeded") };
  });
  const needed = new Map(nodes.map(({ part, needs }) => [part.key, needs]));
  const needing = (key: string): readonly string[] =>
    nodes.filter(({ needs }) => needs.includes(key)).map(({ part }) => part.key);
  return {
    nodes,
    related: (key) => new Set([...walk(key, (one) => needed.get(one) ?? []), ...walk(key, needing)]),
  };
}

function jobsOf(part: TaskPart): readonly JobView[] {
  return part.kind === "job" ? [part.job] : part.jobs;
}

/** A `finally` job that names no needs waits for every job that no other job needs. */
function needsOf(task: TaskView, job: JobView): readonly string[] {
  if (!job.final || job.needs.length > 0) return job.needs;
  const needed = new Set(task.jobs.flatMap((one) => one.needs));
  return task.jobs.filter((one) => !one.final && !needed.has(one.key)).map((one) => one.key);
}

function walk(
  from: string,
  next: (key: string) => readonly string[],
  visited: Set<string> = new Set(),
): ReadonlySet<string> {
  if (visited.has(from)) return visited;
  visited.add(from);
  for (const key of next(from)) walk(key, next, visited);
  return visited;
}

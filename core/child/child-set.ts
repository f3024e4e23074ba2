// The pipelines that the jobs of others run, in a set of pipelines: they exist, get the params that they have, and none leads
// back to itself.

import type { Problem } from "../errors.ts";
import type { Path } from "../issues.ts";
import type { Job, Pipeline } from "../pipeline/pipeline.ts";
import { placedProblem } from "../pipeline/placed-problem.ts";
import { readSource } from "../pipeline/source.ts";
import { didYouMean } from "../suggest.ts";

/** How many tasks may have started each other when tasks run. */
export const MAX_PARENTS = 5;

export type ChildText = { readonly file: string; readonly text: string; readonly pipeline: Pipeline };

type Edge = { readonly one: ChildText; readonly job: Job; readonly path: Path; readonly to: string };

/** The jobs that run another pipeline. */
export function childJobs({ jobs, finally: last }: Pick<Pipeline, "jobs" | "finally">): readonly string[] {
  return [...new Set([...jobs, ...last].flatMap(({ pipeline, undo }) => (undo ? [] : (pipeline ?? []))))];
}

/**
 * The names of the pipelines that a task of this one may start, directly or through others; those that `find` does not know are
 * among them.
 */
export function childrenOf(
  pipeline: Pick<Pipeline, "jobs" | "finally">,
  find: (name: string) => Pick<Pipeline, "jobs" | "finally"> | undefined,
): readonly string[] {
  const names = new Set(childJobs(pipeline));
  for (const name of names) {
    const known = find(name);
    for (const next of known ? childJobs(known) : []) names.add(next);
  }
  return [...names];
}

/**
 * Every mistake, with file, line and column. `known`: the names of all pipelines, also of those with mistakes; absent when
 * there may be others than these.
 */
export function childProblems(all: readonly ChildText[], known?: readonly string[]): readonly Problem[] {
  const byName = new Map(all.map(({ pipeline }) => [pipeline.name, pipeline]));
  return all.flatMap(edgesOf).flatMap((edge) => {
    const child = byName.get(edge.to);
    if (!child) {
      if (known === undefined || known.includes(edge.to)) return [];
      return [at(edge, ["pipeline"], `there is no pipeline ${edge.to}${didYouMean(edge.to, known)}`)];
    }
    const way = wayTo(byName, edge.to, edge.one.pipeline.name);
    if (way !== undefined)
      return [
        at(edge, ["pipeline"], `pipelines run each other without end: ${[edge.one.pipeline.name, ...way].join(" → ")}`),
      ];
    const unfit = unfitApp(edge.one.pipeline, child);
    return [...(unfit === undefined ? [] : [at(edge, ["pipeline"], unfit)]), ...wrongParams(edge, child)];
  });
}

function edgesOf(one: ChildText): readonly Edge[] {
  const { pipeline } = one;
  return (["jobs", "finally"] as const).flatMap((part) =>
    pipeline[part].flatMap((job) =>
      job.pipeline === undefined || job.undo ? [] : [{ one, job, path: [part, job.id], to: job.pipeline }],
    ),
  );
}

/** Why a task of one pipeline cannot run the other one, because of the app that they are for. */
export function unfitApp(
  parent: Pick<Pipeline, "app" | "name">,
  child: Pick<Pipeline, "app" | "name">,
): string | undefined {
  if (child.app === "new") return `${child.name} creates an app, which only people start`;
  if (child.app === "existing" && parent.app !== "existing")
    return `${child.name} runs for an app, and a task of ${parent.name} has no app that exists`;
  return undefined;
}

function wrongParams(edge: Edge, child: Pipeline): readonly Problem[] {
  const { properties, required } = child.params;
  const { params = {} } = edge.job;
  const names = Object.keys(properties);
  return [
    ...Object.keys(params)
      .filter((name) => !Object.hasOwn(properties, name))
      .map((name) => at(edge, ["params", name], `${child.name} has no param ${name}${didYouMean(name, names)}`)),
    ...required
      .filter((name) => !Object.hasOwn(params, name))
      .map((name) => at(edge, ["pipeline"], `${child.name} needs the param ${name}: give it in \`params\` of the job`)),
  ];
}

/** The pipelines from one to another along their jobs, both included; undefined when there is no way. */
function wayTo(byName: ReadonlyMap<string, Pipeline>, start: string, end: string): readonly string[] | undefined {
  const before = new Map<string, string | undefined>([[start, undefined]]);
  for (const name of before.keys()) {
    if (name === end) break;
    const pipeline = byName.get(name);
    for (const to of pipeline ? childJobs(pipeline) : []) if (!before.has(to)) before.set(to, name);
  }
  if (!before.has(end)) return undefined;
  const way: string[] = [];
  for (let name: string | undefined = end; name !== undefined; name = before.get(name)) way.unshift(name);
  return way;
}

function at({ one: { file, text }, path }: Edge, behind: Path, detail: string): Problem {
  const { root } = readSource(text);
  if (root === undefined) return { file, line: 1, column: 1, detail };
  return placedProblem({ root, file }, [...path, ...behind], detail);
}

// Upstream triggers of a set of pipelines: they name pipelines that exist, and none leads back to itself.

import type { Problem } from "../errors.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { placeAt, readSource } from "../pipeline/source.ts";
import { didYouMean } from "../suggest.ts";

/** How many upstream triggers may follow one after the other when tasks run. */
export const MAX_DEPTH = 10;

export type PipelineText = {
  readonly file: string;
  readonly text: string;
  readonly pipeline: Pick<Pipeline, "name" | "triggers">;
};

type Edge = { readonly from: string; readonly to: string; readonly one: PipelineText; readonly index: number };

/**
 * Every mistake, with file, line and column. `known`: the names of all pipelines, also of those with mistakes; absent when
 * there may be others than these.
 */
export function upstreamProblems(all: readonly PipelineText[], known?: readonly string[]): readonly Problem[] {
  const edges = all.flatMap((one) =>
    (one.pipeline.triggers ?? []).flatMap((trigger, index): readonly Edge[] =>
      trigger.kind === "upstream" ? [{ from: trigger.pipeline, to: one.pipeline.name, one, index }] : [],
    ),
  );
  const unknown = known === undefined ? [] : edges.filter(({ from }) => !known.includes(from));
  return [
    ...unknown.map((edge) => at(edge, `there is no pipeline ${edge.from}${didYouMean(edge.from, known ?? [])}`)),
    ...edges.flatMap((edge) => {
      const way = edge.from === edge.to ? undefined : wayFrom(edges, edge.to, edge.from);
      if (way === undefined) return [];
      return [at(edge, `pipelines start each other without end: ${[...way, edge.to].join(" → ")}`)];
    }),
  ];
}

/** The pipelines from one to another along the triggers, both included; undefined when there is no way. */
function wayFrom(edges: readonly Edge[], start: string, end: string): readonly string[] | undefined {
  const before = new Map<string, string | undefined>([[start, undefined]]);
  for (const name of before.keys()) {
    if (name === end) break;
    for (const { from, to } of edges) if (from === name && !before.has(to)) before.set(to, name);
  }
  if (!before.has(end)) return undefined;
  const way: string[] = [];
  for (let name: string | undefined = end; name !== undefined; name = before.get(name)) way.unshift(name);
  return way;
}

function at({ one: { file, text }, index }: Edge, detail: string): Problem {
  const { root } = readSource(text);
  if (root === undefined) return { file, line: 1, column: 1, detail };
  const { line, column } = placeAt(root, ["triggers", index, "upstream", "pipeline"]);
  return { file, line, column, detail };
}

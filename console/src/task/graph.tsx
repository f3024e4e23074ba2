// The task as a graph: jobs from left to right, with their steps inside. Every step is a link that selects it.

import type { TaskView } from "@gantry/wire/agent/views.ts";
import { useSignal } from "@preact/signals";
import { decideGraph, type GraphNode } from "./decide-graph.ts";
import type { Selection } from "./decide-selection.ts";
import { GroupCard, JobCard } from "./graph-card.tsx";
import { layoutGraph, pathOf } from "./graph-layout.ts";
import { groupHeight, jobHeight, WIDTH } from "./graph-size.ts";
import { useParts } from "./use-parts.ts";

const GAPS = { x: 56, y: 20 };

export function Graph({ task, selected }: { task: TaskView; selected: Selection | undefined }) {
  const hovered = useSignal<string | undefined>(undefined);
  const { parts, expanded, toggle } = useParts(task, selected);
  const graph = decideGraph(task, parts);
  const boxes = graph.nodes.map(({ part, needs }) => {
    const height = part.kind === "job" ? jobHeight(part.job) : groupHeight(part);
    return { id: part.key, needs, width: WIDTH, height };
  });
  const layout = layoutGraph(boxes, GAPS);
  const related = hovered.value === undefined ? undefined : graph.related(hovered.value);
  const nodes = new Map(graph.nodes.map((node) => [node.part.key, node]));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the section scrolls, so the keyboard must reach it
    <section class="graph" aria-label="Graph of the jobs" tabIndex={0}>
      <div class="graph-plane" style={{ width: `${layout.width}px`, height: `${layout.height}px` }}>
        <Edges layout={layout} nodes={nodes} related={related} />
        {layout.boxes.map(({ id, x, y }) => {
          const part = nodes.get(id)?.part;
          if (!part) return null;
          const place = {
            at: { x, y },
            isDimmed: related !== undefined && !related.has(id),
            onHover: (isOver: boolean) => {
              hovered.value = isOver ? id : undefined;
            },
          };
          if (part.kind === "job") return <JobCard key={id} job={part.job} selected={selected} {...place} />;
          return (
            <GroupCard
              key={id}
              group={part}
              selected={selected}
              isExpanded={expanded.has(id)}
              onToggle={() => toggle(id)}
              {...place}
            />
          );
        })}
      </div>
    </section>
  );
}

function Edges(props: {
  layout: ReturnType<typeof layoutGraph>;
  nodes: ReadonlyMap<string, GraphNode>;
  related: ReadonlySet<string> | undefined;
}) {
  const { layout, nodes, related } = props;
  return (
    <svg width={layout.width} height={layout.height} aria-hidden="true">
      {layout.lines.map(({ from, to, points }) => {
        const isDone = nodes.get(from)?.isDone === true;
        const isRelated = related?.has(from) && related.has(to);
        return (
          <path
            key={`${from}>${to}`}
            d={pathOf(points)}
            class={`edge${isDone ? " is-done" : ""}${isRelated ? " is-kin" : ""}`}
          />
        );
      })}
    </svg>
  );
}

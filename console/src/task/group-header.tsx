// The title line of a group of jobs: how many there are, how many are in which state, and a button to see all.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import { count } from "../parts/format.ts";
import { Prose } from "../parts/prose.tsx";
import { StateGlyph } from "../parts/state-badge.tsx";
import type { Group } from "./decide-groups.ts";

export function GroupHeader({ group }: { group: Group }) {
  return (
    <>
      <div class="job-head">
        <StateGlyph state={group.state} />
        <span class="hidden">{STATE_LOOKS[group.state].word}: </span>
        <span class="strong">
          <Prose text={group.title} />
        </span>
        <span class="where">{count(group.jobs.length, "job")}</span>
      </div>
      <p class="group-counts soft">
        {group.counts.map(([state, n]) => (
          <span key={state} class={`hue-${STATE_LOOKS[state].hue}`}>
            {n} {STATE_LOOKS[state].word}
          </span>
        ))}
      </p>
    </>
  );
}

export function GroupToggle(props: { group: Group; isExpanded: boolean; onToggle: () => void }) {
  const { group, isExpanded } = props;
  const hidden = group.jobs.length - group.shown.length;
  if (hidden === 0 && !isExpanded) return null;
  return (
    <button type="button" class="group-toggle" aria-expanded={isExpanded} onClick={props.onToggle}>
      {isExpanded ? "Show fewer" : `Show ${count(hidden, "more job")}`}
    </button>
  );
}

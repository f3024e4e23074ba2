// The task as a list: every job with its steps, groups of jobs collapsed.

import type { JobView, TaskView } from "@gantry/wire/agent/views.ts";
import { useEffect, useRef } from "preact/hooks";
import { withoutBackticks } from "../parts/prose.tsx";
import type { TaskPart } from "./decide-groups.ts";
import type { Selection } from "./decide-selection.ts";
import { GroupHeader, GroupToggle } from "./group-header.tsx";
import { JobChild, JobHeader, JobWaiting } from "./job-header.tsx";
import { StepDuration, StepLink } from "./step-link.tsx";
import { useParts } from "./use-parts.ts";

export function StepList({ task, selected }: { task: TaskView; selected: Selection | undefined }) {
  const { parts, expanded, toggle } = useParts(task, selected);
  const list = useRef<HTMLDivElement>(null);
  useShowSelected(list, `${selected?.job}/${selected?.step}`);
  return (
    <div class="step-list" ref={list}>
      {parts.map((part) => (
        <Part
          key={part.key}
          part={part}
          selected={selected}
          isExpanded={expanded.has(part.key)}
          onToggle={() => toggle(part.key)}
        />
      ))}
    </div>
  );
}

function Part(props: { part: TaskPart; selected: Selection | undefined; isExpanded: boolean; onToggle: () => void }) {
  const { part, selected } = props;
  if (part.kind === "job") return <Job job={part.job} selected={selected} />;
  return (
    <section aria-label={withoutBackticks(part.title)}>
      <GroupHeader group={part} />
      {part.shown.map((job) => (
        <Job key={job.key} job={job} selected={selected} />
      ))}
      <GroupToggle group={part} isExpanded={props.isExpanded} onToggle={props.onToggle} />
    </section>
  );
}

function Job({ job, selected }: { job: JobView; selected: Selection | undefined }) {
  return (
    <section aria-label={withoutBackticks(job.key === job.id ? job.title : `${job.title} ${job.key}`)}>
      <JobHeader job={job} />
      <JobWaiting job={job} />
      <JobChild job={job} />
      <ul>
        {job.steps.map((step) => (
          <li key={step.id}>
            <StepLink job={job} step={step} selected={selected}>
              <span class="uses faint mono">{step.uses ?? "script"}</span>
              <StepDuration step={step} />
            </StepLink>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Scrolls the list, and not the page, so that the selected step is visible. */
function useShowSelected(list: { readonly current: HTMLElement | null }, key: string): void {
  useEffect(() => {
    const box = list.current;
    const step = box?.querySelector(".is-selected");
    if (!box || !step) return;
    const [inside, outside] = [step.getBoundingClientRect(), box.getBoundingClientRect()];
    if (inside.top >= outside.top && inside.bottom <= outside.bottom) return;
    box.scrollTop += inside.top - outside.top - box.clientHeight / 3;
  }, [key]);
}

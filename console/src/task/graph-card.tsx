// The boxes of the graph: a job with its steps, or a group of jobs with those that need attention.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { JobView } from "@gantry/wire/agent/views.ts";
import type { ComponentChildren } from "preact";
import { withQuery } from "../frame/router.ts";
import { StateGlyph } from "../parts/state-badge.tsx";
import type { Group } from "./decide-groups.ts";
import { hasFailed, isSilent, isTolerated, type Selection } from "./decide-selection.ts";
import { groupHeight, jobHeight, WIDTH } from "./graph-size.ts";
import { GroupHeader, GroupToggle } from "./group-header.tsx";
import { JobHeader, JobWaiting } from "./job-header.tsx";
import { StepDuration, StepLink } from "./step-link.tsx";

type Place = {
  readonly at: { readonly x: number; readonly y: number };
  /** The pointer is on a box that this one is not connected to. */
  readonly isDimmed: boolean;
  readonly onHover: (isOver: boolean) => void;
};

export function JobCard({ job, selected, ...place }: Place & { job: JobView; selected: Selection | undefined }) {
  const hue = isSilent(job) ? "silent" : STATE_LOOKS[job.state].hue;
  return (
    <Card {...place} hue={hue} height={jobHeight(job)}>
      <JobHeader job={job} />
      <JobWaiting job={job} />
      <ul>
        {job.steps.map((step) => (
          <li key={step.id}>
            <StepLink job={job} step={step} selected={selected}>
              <StepDuration step={step} />
            </StepLink>
          </li>
        ))}
      </ul>
    </Card>
  );
}

type GroupProps = Place & {
  readonly group: Group;
  readonly selected: Selection | undefined;
  readonly isExpanded: boolean;
  readonly onToggle: () => void;
};

export function GroupCard({ group, selected, isExpanded, onToggle, ...place }: GroupProps) {
  return (
    <Card {...place} hue={STATE_LOOKS[group.state].hue} height={groupHeight(group)}>
      <GroupHeader group={group} />
      <ul>
        {group.shown.map((job) => (
          <li key={job.key}>
            <JobLink job={job} isSelected={selected?.job === job.key} />
          </li>
        ))}
      </ul>
      <GroupToggle group={group} isExpanded={isExpanded} onToggle={onToggle} />
    </Card>
  );
}

/** Selects the failed step of the job, else its first one. */
function JobLink({ job, isSelected }: { job: JobView; isSelected: boolean }) {
  const step = job.steps.find(hasFailed) ?? job.steps[0];
  return (
    <a
      href={withQuery({ job: job.key, step: step?.id, attempt: undefined })}
      class={isSelected ? "step is-selected" : "step"}
      aria-current={isSelected ? "true" : undefined}
      title={job.key}
    >
      <StateGlyph state={job.state} isSilent={isSilent(job)} isTolerated={isTolerated(job)} />
      <span class="hidden">{STATE_LOOKS[job.state].word}: </span>
      <span class="name">{job.key.slice(job.id.length + 1, -1)}</span>
    </a>
  );
}

function Card(props: Place & { hue: string; height: number; children: ComponentChildren }) {
  const { at, isDimmed, onHover, hue, height } = props;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: hovering only highlights what the box is connected with
    <div
      class={`job hue-${hue}${isDimmed ? " is-far" : ""}`}
      style={{ left: `${at.x}px`, top: `${at.y}px`, width: `${WIDTH}px`, height: `${height}px` }}
      onMouseEnter={() => onHover(true)}
      onMouseLeave={() => onHover(false)}
    >
      {props.children}
    </div>
  );
}

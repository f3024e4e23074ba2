// The task as a timeline: one bar per job and per step, on the time from the request to the end, groups of jobs collapsed.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { JobView, TaskView } from "@gantry/wire/agent/views.ts";
import { now } from "../data/clock.ts";
import { duration } from "../parts/format.ts";
import { withoutBackticks } from "../parts/prose.tsx";
import type { Group } from "./decide-groups.ts";
import type { Selection } from "./decide-selection.ts";
import { GroupHeader, GroupToggle } from "./group-header.tsx";
import { JobHeader } from "./job-header.tsx";
import { StepDuration, StepLink } from "./step-link.tsx";
import { useParts } from "./use-parts.ts";

/** Milliseconds since the epoch. */
type Period = { readonly start: number; readonly end: number };

export function Timeline({ task, selected }: { task: TaskView; selected: Selection | undefined }) {
  const { parts, expanded, toggle } = useParts(task, selected);
  const start = Date.parse(task.requestedAt);
  const period = { start, end: task.endedAt === undefined ? now.value : Date.parse(task.endedAt) };
  return (
    <div class="timeline">
      <Scale period={period} />
      {parts.map((part) =>
        part.kind === "job" ? (
          <JobBars key={part.key} task={task} job={part.job} period={period} selected={selected} />
        ) : (
          <section key={part.key} aria-label={withoutBackticks(part.title)} class="bar-group">
            <GroupBars task={task} group={part} period={period} />
            {part.shown.map((job) => (
              <JobBars key={job.key} task={task} job={job} period={period} selected={selected} />
            ))}
            <GroupToggle group={part} isExpanded={expanded.has(part.key)} onToggle={() => toggle(part.key)} />
          </section>
        ),
      )}
    </div>
  );
}

function Scale({ period: { start, end } }: { period: Period }) {
  return (
    <div class="scale" aria-hidden="true">
      {[0, 0.25, 0.5, 0.75, 1].map((share) => (
        <span key={share} style={{ left: `${share * 100}%` }}>
          {duration(Math.max(1, end - start) * share)}
        </span>
      ))}
    </div>
  );
}

/** One row for a whole group: from its first start to its last end. */
function GroupBars({ task, group, period }: { task: TaskView; group: Group; period: Period }) {
  const started = group.jobs.flatMap(({ startedAt }) => startedAt ?? []).toSorted();
  const ended = group.jobs.flatMap(({ endedAt }) => endedAt ?? []).toSorted();
  const last = ended.length === group.jobs.length ? ended.at(-1) : undefined;
  return (
    <div class="bar-row is-job">
      <div>
        <GroupHeader group={group} />
      </div>
      <span class="lane">
        <Bar period={period} from={task.requestedAt} until={started[0] ?? last} hue="waits" />
        <Bar period={period} from={started[0]} until={last} hue={`${STATE_LOOKS[group.state].hue} is-thin`} />
      </span>
    </div>
  );
}

function JobBars(props: { task: TaskView; job: JobView; period: Period; selected: Selection | undefined }) {
  const { task, job, period } = props;
  return (
    <section aria-label={withoutBackticks(job.key === job.id ? job.title : `${job.title} ${job.key}`)}>
      <div class="bar-row is-job">
        <JobHeader job={job} />
        <span class="lane">
          <Bar period={period} from={task.requestedAt} until={job.startedAt ?? job.endedAt} hue="waits" />
          <Bar period={period} from={job.startedAt} until={job.endedAt} hue={`${STATE_LOOKS[job.state].hue} is-thin`} />
        </span>
      </div>
      {job.steps.map((step) => (
        <div class="bar-row" key={step.id}>
          <StepLink job={job} step={step} selected={props.selected}>
            <StepDuration step={step} />
          </StepLink>
          <span class="lane">
            <Bar period={period} from={step.startedAt} until={step.endedAt} hue={STATE_LOOKS[step.state].hue} />
          </span>
        </div>
      ))}
    </section>
  );
}

/** Nothing when `from` is missing; without `until` the bar ends at the end of the period. */
function Bar(props: { period: Period; from: string | undefined; until: string | undefined; hue: string }) {
  const { period, from, until, hue } = props;
  if (from === undefined) return null;
  const begin = Date.parse(from);
  const end = until === undefined ? period.end : Date.parse(until);
  const share = (ms: number): string => {
    const whole = Math.max(1, period.end - period.start);
    return `${Math.max(0, Math.min(100, (ms / whole) * 100))}%`;
  };
  return <span class={`span hue-${hue}`} style={{ left: share(begin - period.start), width: share(end - begin) }} />;
}

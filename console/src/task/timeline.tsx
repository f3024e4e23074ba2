// The task as a timeline: one bar per job and per step, on the time from the request to the end.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { JobView, TaskView } from "@gantry/wire/agent/views.ts";
import { now } from "../data/clock.ts";
import { duration } from "../parts/format.ts";
import type { Selection } from "./decide-selection.ts";
import { JobHeader } from "./job-header.tsx";
import { StepDuration, StepLink } from "./step-link.tsx";

/** Milliseconds since the epoch. */
type Period = { readonly start: number; readonly end: number };

export function Timeline({ task, selected }: { task: TaskView; selected: Selection | undefined }) {
  const start = Date.parse(task.requestedAt);
  const period = { start, end: task.endedAt === undefined ? now.value : Date.parse(task.endedAt) };
  return (
    <div class="timeline">
      <Scale period={period} />
      {task.jobs.map((job) => (
        <JobBars key={job.key} task={task} job={job} period={period} selected={selected} />
      ))}
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

function JobBars(props: { task: TaskView; job: JobView; period: Period; selected: Selection | undefined }) {
  const { task, job, period } = props;
  return (
    <section aria-label={job.title}>
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

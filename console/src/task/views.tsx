// The same task as a list and as a timeline.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { JobView, StepView, TaskView } from "@gantry/wire/agent/views.ts";
import { now } from "../data/clock.ts";
import { withQuery } from "../frame/router.ts";
import { duration } from "../parts/format.ts";
import { StateGlyph } from "../parts/state-badge.tsx";
import { Duration } from "../parts/values.tsx";
import { isSilent, type Selection } from "./decide-selection.ts";
import { JobHead, JobWaits } from "./graph.tsx";

type Props = { task: TaskView; selected: Selection | undefined };

export function StepList({ task, selected }: Props) {
  return (
    <div class="step-list">
      {task.jobs.map((job) => (
        <section key={job.key} aria-label={job.title}>
          <JobHead job={job} />
          <JobWaits job={job} />
          <ul>
            {job.steps.map((step) => (
              <li key={step.id}>
                <StepLink job={job} step={step} selected={selected}>
                  <span class="uses faint mono">{step.uses ?? "script"}</span>
                  <span class="took soft">
                    {step.startedAt === undefined ? null : <Duration ms={step.durationMs} since={step.startedAt} />}
                  </span>
                </StepLink>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

function StepLink(props: {
  job: JobView;
  step: StepView;
  selected: Selection | undefined;
  children?: preact.ComponentChildren;
}) {
  const { job, step, selected } = props;
  const isSelected = selected?.job === job.key && selected.step === step.id;
  return (
    <a
      href={withQuery({ job: job.key, step: step.id, attempt: undefined })}
      class={isSelected ? "step is-selected" : "step"}
      aria-current={isSelected ? "true" : undefined}
    >
      <StateGlyph state={step.state} isSilent={isSilent(job) && step.state === "running"} />
      <span class="hidden">{STATE_LOOKS[step.state].word}: </span>
      <span class="name">{step.title}</span>
      {step.tries > 1 ? <span class="tries">×{step.tries}</span> : null}
      {props.children}
    </a>
  );
}

export function Timeline({ task, selected }: Props) {
  const start = Date.parse(task.requestedAt);
  const end = task.endedAt === undefined ? now.value : Date.parse(task.endedAt);
  const whole = Math.max(1, end - start);
  const share = (at: number): string => `${Math.max(0, Math.min(100, ((at - start) / whole) * 100))}%`;
  const bar = (from: string | undefined, until: string | undefined, hue: string) => {
    if (from === undefined) return null;
    const a = Date.parse(from);
    const b = until === undefined ? end : Date.parse(until);
    return <span class={`span hue-${hue}`} style={{ left: share(a), width: share(start + b - a) }} />;
  };
  return (
    <div class="timeline">
      <div class="scale" aria-hidden="true">
        {[0, 0.25, 0.5, 0.75, 1].map((part) => (
          <span key={part} style={{ left: `${part * 100}%` }}>
            {duration(whole * part)}
          </span>
        ))}
      </div>
      {task.jobs.map((job) => (
        <section key={job.key} aria-label={job.title}>
          <div class="bar-row is-job">
            <JobHead job={job} />
            <span class="lane">
              {bar(task.requestedAt, job.startedAt ?? job.endedAt, "waits")}
              {bar(job.startedAt, job.endedAt, `${STATE_LOOKS[job.state].hue} is-thin`)}
            </span>
          </div>
          {job.steps.map((step) => (
            <div class="bar-row" key={step.id}>
              <StepLink job={job} step={step} selected={selected}>
                <span class="took soft">
                  {step.startedAt === undefined ? null : <Duration ms={step.durationMs} since={step.startedAt} />}
                </span>
              </StepLink>
              <span class="lane">{bar(step.startedAt, step.endedAt, STATE_LOOKS[step.state].hue)}</span>
            </div>
          ))}
        </section>
      ))}
    </div>
  );
}

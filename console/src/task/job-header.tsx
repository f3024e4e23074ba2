// The title line of a job, and below it what the job waits for.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { JobView } from "@gantry/wire/agent/views.ts";
import { to } from "../data/api.ts";
import { PipelineLink } from "../parts/pipeline-link.tsx";
import { Prose } from "../parts/prose.tsx";
import { StateGlyph } from "../parts/state-badge.tsx";
import { TaskText } from "../parts/task-text.tsx";
import { Duration } from "../parts/values.tsx";
import { isSilent, isTolerated } from "./decide-selection.ts";

export function JobHeader({ job }: { job: JobView }) {
  return (
    <div class="job-head">
      <StateGlyph state={job.state} isSilent={isSilent(job)} isTolerated={isTolerated(job)} />
      <span class="hidden">
        {STATE_LOOKS[job.state].word}
        {isTolerated(job) ? ", tolerated" : ""}:{" "}
      </span>
      <span class="strong">
        <Prose text={job.title} />
      </span>
      <span class="where">{job.key === job.id ? job.site : job.key.slice(job.id.length + 1, -1)}</span>
      {job.attempt > 1 ? <span class="tries">attempt {job.attempt}</span> : null}
      <span class="took soft">
        {job.startedAt === undefined ? null : <Duration ms={job.durationMs} since={job.startedAt} />}
      </span>
    </div>
  );
}

/** The task that does the work of a job without steps, and how it failed. */
export function JobChild({ job: { child, failure } }: { job: JobView }) {
  if (child === undefined) return null;
  return (
    <p class="job-waits">
      runs <PipelineLink name={child.pipeline} />
      {child.task === undefined ? null : (
        <>
          {" "}
          as task <a href={to.task(child.task)}>{child.task.slice(-8)}</a>
        </>
      )}
      {failure === undefined ? null : (
        <>
          . <TaskText text={`${failure.message} ${failure.why ?? ""}`.trim()} />
        </>
      )}
    </p>
  );
}

/** Why the job waits, or why it was skipped or canceled. */
export function JobWaiting({ job }: { job: JobView }) {
  const because = job.canceledBecause === undefined ? undefined : `canceled, because ${job.canceledBecause}`;
  const text = job.waiting?.text ?? because;
  if (text === undefined) return null;
  return (
    <p class={`job-waits hue-${STATE_LOOKS[job.state].hue}`} title={text}>
      <TaskText text={text} />
    </p>
  );
}

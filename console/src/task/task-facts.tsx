// The line below the headline of a task: app, pipeline, who requested it, how far it is, and what it waits for.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { to } from "../data/api.ts";
import { withQuery } from "../frame/router.ts";
import { starterOf } from "../parts/format.ts";
import { PipelineLink } from "../parts/pipeline-link.tsx";
import { Prose } from "../parts/prose.tsx";
import { TaskText } from "../parts/task-text.tsx";
import { CopyableId, Duration, RelativeTime } from "../parts/values.tsx";
import { failedJobs, progressText } from "./decide-progress.ts";

export function TaskFacts({ task }: { task: TaskView }) {
  const since = STATE_LOOKS[task.state].ended ? undefined : task.startedAt;
  return (
    <p class="facts-line soft">
      {task.app === undefined ? null : (
        <span>
          app <a href={to.app(task.app)}>{task.app}</a>
        </span>
      )}
      <span>
        pipeline <PipelineLink name={task.pipeline} /> <CopyableId value={task.definition.version} />
      </span>
      <span>
        {starterOf(task)}, <RelativeTime at={task.requestedAt} />
      </span>
      {task.durationMs === undefined && since === undefined ? null : (
        <span>
          {task.durationMs === undefined ? "running for" : "ran for"} <Duration ms={task.durationMs} since={since} />
        </span>
      )}
      <span class="num">{progressText(task)}</span>
      {task.sites.length === 0 ? null : <span>at {task.sites.join(", ")}</span>}
      <span>
        task <CopyableId value={task.id} />
      </span>
      {task.parent === undefined ? null : (
        <span>
          part of <a href={to.task(task.parent.task)}>{task.parent.task.slice(-8)}</a>, job{" "}
          <span class="mono">{task.parent.job}</span>
        </span>
      )}
      {task.rerunOf === undefined ? null : (
        <span>
          rerun of <a href={to.task(task.rerunOf)}>{task.rerunOf.slice(-8)}</a>
        </span>
      )}
      {task.reruns === undefined ? null : (
        <span>
          rerun as{" "}
          {task.reruns.map((id, index) => (
            <>
              {index === 0 ? "" : ", "}
              <a href={to.task(id)}>{id.slice(-8)}</a>
            </>
          ))}
        </span>
      )}
      {task.override === undefined ? null : (
        <span class="hue-amber">
          policies overridden: <Prose text={task.override} />
        </span>
      )}
      <CancelFact task={task} />
      {task.waiting === undefined ? null : (
        <span class="hue-amber waits">
          <TaskText text={task.waiting.text} />
        </span>
      )}
    </p>
  );
}

function CancelFact({ task: { cancel } }: { task: TaskView }) {
  if (cancel === undefined) return null;
  return (
    <span>
      canceled by {cancel.by} <RelativeTime at={cancel.at} />
      {cancel.reason === undefined ? (
        ""
      ) : (
        <>
          : <Prose text={cancel.reason} />
        </>
      )}
    </span>
  );
}

/** The headline names one failed job. When more have failed, this line links to all of them. */
export function FailedJobs({ task }: { task: TaskView }) {
  const jobs = failedJobs(task);
  if (jobs.length < 2) return null;
  return (
    <p class="failed-jobs">
      <span class="strong">{jobs.length} jobs failed:</span>
      {jobs.map(({ key }) => (
        <a key={key} class="mono" href={withQuery({ job: key, step: undefined, attempt: undefined })}>
          {key}
        </a>
      ))}
    </p>
  );
}

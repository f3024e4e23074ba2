// What the tabs of the step panel show: the log, outputs, effects and attempts.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { JobView, StepView, TaskView } from "@gantry/wire/agent/views.ts";
import { v1 } from "../data/api.ts";
import { withQuery } from "../frame/router.ts";
import { Log } from "../log/log.tsx";
import { Prose } from "../parts/prose.tsx";
import { CopyableId, KeyValueList, RelativeTime } from "../parts/values.tsx";

export function StepLog(props: { task: TaskView; job: JobView; step: StepView; attempt: number | undefined }) {
  const { task, job, step, attempt } = props;
  if (step.startedAt === undefined && attempt === undefined) {
    return (
      <p class="quiet">
        <Prose text={notStarted(job, step)} />
      </p>
    );
  }
  // Each attempt has its own log.
  const path = v1.log(task.id, job.key, step.id, attempt ?? (job.attempt > 0 ? job.attempt : undefined));
  return <Log key={path} path={path} step={step} name={`${task.id}-${job.key}-${step.id}`} />;
}

function notStarted(job: JobView, step: StepView): string {
  if (step.state === "skipped") return `Skipped: ${step.reason ?? "it was not needed."}`;
  if (STATE_LOOKS[step.state].ended) return "This step did not start.";
  return job.waiting?.text ?? "This step has not started.";
}

export function Outputs({ step, job }: { step: StepView; job: JobView }) {
  const ofJob = Object.keys(job.outputs).length;
  return (
    <div class="panel-body">
      {Object.keys(step.outputs).length === 0 ? (
        <p class="quiet">This step has no outputs.</p>
      ) : (
        <KeyValueList values={step.outputs} />
      )}
      {ofJob === 0 ? null : (
        <>
          <h3>Outputs of the job</h3>
          <KeyValueList values={job.outputs} />
        </>
      )}
    </div>
  );
}

export function effectsOf(job: JobView, step: StepView): JobView["effects"] {
  return job.effects.filter((effect) => effect.step === step.id);
}

export function Effects({ job, step }: { job: JobView; step: StepView }) {
  const effects = effectsOf(job, step);
  if (effects.length === 0) return <p class="quiet">This step changed nothing in other systems.</p>;
  return (
    <ul class="effects">
      {effects.map((effect) => (
        <li key={effect.key}>
          <p>
            <span class={`mark hue-${effect.state === "done" ? "green" : "blue"}`}>{effect.state}</span>{" "}
            <span class="strong">{effect.what}</span>
          </p>
          <p class="soft facts-line">
            <span class="mono">{effect.effect}</span>
            <span>attempt {effect.attempt}</span>
            <span>
              key <CopyableId value={effect.key} />
            </span>
          </p>
          {effect.result === undefined ? null : <KeyValueList values={effect.result} />}
        </li>
      ))}
    </ul>
  );
}

export function Attempts({ job, chosen }: { job: JobView; chosen: number | undefined }) {
  if (job.attempts.length === 0) return <p class="quiet">The job has not started yet.</p>;
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Attempt</th>
            <th>Runner</th>
            <th>Started</th>
            <th>Outcome</th>
            <th>Why</th>
          </tr>
        </thead>
        <tbody>
          {job.attempts.map((one) => (
            <tr key={one.attempt} class={one.attempt === (chosen ?? job.attempt) ? "is-selected" : ""}>
              <td>
                <a href={withQuery({ attempt: String(one.attempt), tab: undefined })}>Show log of {one.attempt}</a>
              </td>
              <td>{one.runner ?? "–"}</td>
              <td class="soft">{one.startedAt === undefined ? "–" : <RelativeTime at={one.startedAt} />}</td>
              <td>{one.outcome ?? "open"}</td>
              <td class="soft">{one.failure?.message ?? "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

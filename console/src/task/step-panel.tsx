// The selected step: its log, outputs, effects and attempts.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { JobView, StepView, TaskView } from "@gantry/wire/agent/views.ts";
import { useEffect, useRef } from "preact/hooks";
import { v1 } from "../data/api.ts";
import { address, withQuery } from "../frame/router.ts";
import { Log } from "../log/log.tsx";
import { Icon, StateBadge } from "../parts/state-badge.tsx";
import { CopyableId, Duration, KeyValueList, RelativeTime } from "../parts/values.tsx";
import { isSilent, type Selection } from "./decide-selection.ts";
import { FailureBox } from "./failure-box.tsx";

const TABS = ["log", "outputs", "effects", "attempts"] as const;
type Tab = (typeof TABS)[number];

export function StepPanel({ task, selected }: { task: TaskView; selected: Selection }) {
  const { query } = address.value;
  const panel = useRef<HTMLElement>(null);
  useReveal(panel, `${selected.job}/${selected.step}`);
  const job = task.jobs.find(({ key }) => key === selected.job);
  const step = job?.steps.find(({ id }) => id === selected.step);
  if (!job || !step) return null;
  const tab = TABS.find((one) => one === query.get("tab")) ?? "log";
  const isWide = query.get("view") === "log";
  const asked = Number(query.get("attempt") ?? Number.NaN);
  const attempt = job.attempts.some((one) => one.attempt === asked) ? asked : undefined;
  const runner = job.attempts.find((one) => one.attempt === (attempt ?? job.attempt))?.runner ?? job.runner;
  const counts: { readonly [T in Tab]?: number } = {
    outputs: Object.keys(step.outputs).length,
    effects: effectsOf(job, step).length,
    attempts: job.attempts.length,
  };
  return (
    <section class="panel" ref={panel} aria-label={`Step ${step.title}`}>
      <header>
        <h2>
          <StateBadge state={step.state} isSilent={isSilent(job) && step.state === "running"} />
          <span>{step.title}</span>
        </h2>
        <p class="facts-line soft">
          <span class="mono">{step.uses ?? "script"}</span>
          <span>
            in <span class="mono">{job.key}</span> at {job.site}
          </span>
          {runner === undefined ? null : <span>runner {runner}</span>}
          {attempt === undefined ? null : <span>attempt {attempt}</span>}
          {step.startedAt === undefined ? null : (
            <span>
              took <Duration ms={step.durationMs} since={step.startedAt} />
            </span>
          )}
          {typeof step.outputs.exitCode === "number" ? <span>exit {step.outputs.exitCode}</span> : null}
        </p>
        <div class="panel-tabs">
          <nav class="tabs" aria-label="Of this step">
            {TABS.map((one) => (
              <a
                key={one}
                href={withQuery({ tab: one === "log" ? undefined : one })}
                aria-current={one === tab ? "true" : undefined}
              >
                {one[0]?.toUpperCase() + one.slice(1)}
                {counts[one] ? <span class="count">{counts[one]}</span> : null}
              </a>
            ))}
          </nav>
          <a
            class="icon-button"
            href={withQuery({ view: isWide ? undefined : "log" })}
            aria-label={isWide ? "Show the whole task" : "Show only this step"}
            title={isWide ? "Show the whole task" : "Show only this step"}
          >
            <Icon name="wide" />
          </a>
        </div>
      </header>
      {step.failure ? <FailureBox failure={step.failure} isOurs={step.state === "errored"} /> : null}
      {tab === "log" ? <StepLog task={task} job={job} step={step} attempt={attempt} /> : null}
      {tab === "outputs" ? <Outputs step={step} job={job} /> : null}
      {tab === "effects" ? <Effects job={job} step={step} /> : null}
      {tab === "attempts" ? <Attempts job={job} chosen={attempt} /> : null}
    </section>
  );
}

/** A step that a person chooses comes into view; the one that a page opens with leaves the page where it is. */
function useReveal(panel: { current: HTMLElement | null }, key: string): void {
  const shown = useRef(key);
  useEffect(() => {
    const top = panel.current?.getBoundingClientRect().top ?? 0;
    const isChosen = address.value.query.has("step") && shown.current !== key;
    shown.current = key;
    if (isChosen && top > innerHeight * 0.7) scrollBy({ top: top - innerHeight * 0.4 });
  }, [key]);
}

function StepLog(props: { task: TaskView; job: JobView; step: StepView; attempt: number | undefined }) {
  const { task, job, step, attempt } = props;
  if (step.startedAt === undefined && attempt === undefined) {
    return <p class="quiet">{notStarted(job, step)}</p>;
  }
  // A new attempt, like another step, has another log.
  const path = v1.log(task.id, job.key, step.id, attempt ?? (job.attempt > 0 ? job.attempt : undefined));
  return <Log key={path} path={path} step={step} name={`${task.id}-${job.key}-${step.id}`} />;
}

function notStarted(job: JobView, step: StepView): string {
  if (step.state === "skipped") return `Skipped: ${step.reason ?? "it was not needed."}`;
  if (STATE_LOOKS[step.state].ended) return "This step did not start.";
  return job.waiting?.text ?? "This step has not started.";
}

function Outputs({ step, job }: { step: StepView; job: JobView }) {
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

function effectsOf(job: JobView, step: StepView): JobView["effects"] {
  return job.effects.filter((effect) => effect.step === step.id);
}

function Effects({ job, step }: { job: JobView; step: StepView }) {
  const effects = effectsOf(job, step);
  if (effects.length === 0) return <p class="quiet">This step changed nothing outside.</p>;
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

function Attempts({ job, chosen }: { job: JobView; chosen: number | undefined }) {
  if (job.attempts.length === 0) return <p class="quiet">The job has not been tried yet.</p>;
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

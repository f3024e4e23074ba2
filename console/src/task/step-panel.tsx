// The panel of the selected step: its log, outputs, effects and attempts.

import type { JobView, StepView, TaskView } from "@gantry/wire/agent/views.ts";
import { useEffect, useRef } from "preact/hooks";
import { address, withQuery } from "../frame/router.ts";
import { Icon } from "../parts/icon.tsx";
import { Prose, withoutBackticks } from "../parts/prose.tsx";
import { StateBadge } from "../parts/state-badge.tsx";
import { Duration } from "../parts/values.tsx";
import { hasFailed, isSilent, isTolerated, type Selection } from "./decide-selection.ts";
import { FailureBox } from "./failure-box.tsx";
import { Attempts, Effects, effectsOf, Outputs, StepLog } from "./step-tabs.tsx";

const TABS = ["log", "outputs", "effects", "attempts"] as const;
type Tab = (typeof TABS)[number];

export function StepPanel({ task, selected }: { task: TaskView; selected: Selection }) {
  const { query } = address.value;
  const panel = useRef<HTMLElement>(null);
  useScrollToPanel(panel, `${selected.job}/${selected.step}`);
  const job = task.jobs.find(({ key }) => key === selected.job);
  const step = job?.steps.find(({ id }) => id === selected.step);
  if (!job || !step) return null;
  const tab = TABS.find((one) => one === query.get("tab")) ?? "log";
  const asked = Number(query.get("attempt") ?? Number.NaN);
  const attempt = job.attempts.some((one) => one.attempt === asked) ? asked : undefined;
  return (
    <section class="panel" ref={panel} aria-label={`Step ${withoutBackticks(step.title)}`}>
      <header>
        <h2>
          <StateBadge
            state={step.state}
            isSilent={isSilent(job) && step.state === "running"}
            isTolerated={isTolerated(step) || (hasFailed(step) && isTolerated(job))}
          />
          <span>
            <Prose text={step.title} />
          </span>
        </h2>
        <StepFacts job={job} step={step} attempt={attempt} />
        <Tabs job={job} step={step} current={tab} />
      </header>
      {step.failure ? <FailureBox failure={step.failure} isPlatformError={step.state === "errored"} /> : null}
      {tab === "log" ? <StepLog task={task} job={job} step={step} attempt={attempt} /> : null}
      {tab === "outputs" ? <Outputs step={step} job={job} /> : null}
      {tab === "effects" ? <Effects job={job} step={step} /> : null}
      {tab === "attempts" ? <Attempts job={job} chosen={attempt} /> : null}
    </section>
  );
}

/** `attempt`: the one in the address; undefined for the newest. */
function StepFacts({ job, step, attempt }: { job: JobView; step: StepView; attempt: number | undefined }) {
  const runner = job.attempts.find((one) => one.attempt === (attempt ?? job.attempt))?.runner ?? job.runner;
  return (
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
      {step.told === undefined ? null : (
        <span class="told">
          <progress max={step.told.total} value={step.told.done} aria-label="Progress of the step" />{" "}
          <span class="num">
            {step.told.done} of {step.told.total}
            {step.told.text === undefined ? "" : `, ${step.told.text}`}
          </span>
        </span>
      )}
      {typeof step.outputs.exitCode === "number" ? <span>exit code {step.outputs.exitCode}</span> : null}
    </p>
  );
}

function Tabs({ job, step, current }: { job: JobView; step: StepView; current: Tab }) {
  const isWide = address.value.query.get("view") === "log";
  const counts: { readonly [T in Tab]?: number } = {
    outputs: Object.keys(step.outputs).length,
    effects: effectsOf(job, step).length,
    attempts: job.attempts.length,
  };
  const widthLabel = isWide ? "Show the whole task" : "Show only this step";
  return (
    <div class="panel-tabs">
      <nav class="tabs" aria-label="About this step">
        {TABS.map((one) => (
          <a
            key={one}
            href={withQuery({ tab: one === "log" ? undefined : one })}
            aria-current={one === current ? "true" : undefined}
          >
            {one[0]?.toUpperCase() + one.slice(1)}
            {counts[one] ? <span class="count">{counts[one]}</span> : null}
          </a>
        ))}
      </nav>
      <a
        class="icon-button"
        href={withQuery({ view: isWide ? undefined : "log" })}
        aria-label={widthLabel}
        title={widthLabel}
      >
        <Icon name="wide" />
      </a>
    </div>
  );
}

/** Scrolls to the panel when a person selects another step; not when the page opens. */
function useScrollToPanel(panel: { current: HTMLElement | null }, key: string): void {
  const shown = useRef(key);
  useEffect(() => {
    const top = panel.current?.getBoundingClientRect().top ?? 0;
    const isChosen = address.value.query.has("step") && shown.current !== key;
    shown.current = key;
    if (isChosen && top > innerHeight * 0.7) scrollBy({ top: top - innerHeight * 0.4 });
  }, [key]);
}

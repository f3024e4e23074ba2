// The graph of a task: jobs from left to right, with their steps inside. Every step is a link to itself.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { JobView, TaskView } from "@gantry/wire/agent/views.ts";
import { useSignal } from "@preact/signals";
import { withQuery } from "../frame/router.ts";
import { StateGlyph } from "../parts/state-badge.tsx";
import { Duration } from "../parts/values.tsx";
import { isSilent, type Selection } from "./decide-selection.ts";
import { layoutGraph, pathOf } from "./graph-layout.ts";

const WIDTH = 284;
const HEAD = 36;
const ROW = 26;
const WAITING = 22;
const PAD = 6;
const GAPS = { x: 56, y: 20 };

export function Graph({ task, selected }: { task: TaskView; selected: Selection | undefined }) {
  const pointed = useSignal<string | undefined>(undefined);
  const boxes = task.jobs.map((job) => ({
    id: job.key,
    needs: needsOf(task, job),
    width: WIDTH,
    height: heightOf(job),
  }));
  const layout = layoutGraph(boxes, GAPS);
  const kin = pointed.value === undefined ? undefined : kinOf(task, pointed.value);
  const jobs = new Map(task.jobs.map((job) => [job.key, job]));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
    <section class="graph" aria-label="Graph of the jobs" tabIndex={0}>
      <div class="graph-plane" style={{ width: `${layout.width}px`, height: `${layout.height}px` }}>
        <svg width={layout.width} height={layout.height} aria-hidden="true">
          {layout.lines.map(({ from, to, points }) => {
            const isDone = jobs.get(from)?.state === "succeeded";
            const isKin = kin?.has(from) && kin.has(to);
            return (
              <path
                key={`${from}>${to}`}
                d={pathOf(points)}
                class={`edge${isDone ? " is-done" : ""}${isKin ? " is-kin" : ""}`}
              />
            );
          })}
        </svg>
        {layout.boxes.map(({ id, x, y }) => {
          const job = jobs.get(id);
          if (!job) return null;
          return (
            // biome-ignore lint/a11y/noStaticElementInteractions: pointing at a job only shows what it belongs to
            <div
              key={id}
              class={`job hue-${isSilent(job) ? "silent" : STATE_LOOKS[job.state].hue}${kin && !kin.has(id) ? " is-far" : ""}`}
              style={{ left: `${x}px`, top: `${y}px`, width: `${WIDTH}px`, height: `${heightOf(job)}px` }}
              onMouseEnter={() => {
                pointed.value = id;
              }}
              onMouseLeave={() => {
                pointed.value = undefined;
              }}
            >
              <JobHead job={job} />
              <JobWaits job={job} />
              <ul>
                {job.steps.map((step) => {
                  const isSelected = selected?.job === job.key && selected.step === step.id;
                  return (
                    <li key={step.id}>
                      <a
                        href={withQuery({ job: job.key, step: step.id, attempt: undefined })}
                        class={isSelected ? "is-selected" : ""}
                        aria-current={isSelected ? "true" : undefined}
                        title={step.title}
                      >
                        <StateGlyph state={step.state} isSilent={isSilent(job) && step.state === "running"} />
                        <span class="hidden">{STATE_LOOKS[step.state].word}: </span>
                        <span class="name">{step.title}</span>
                        {step.tries > 1 ? <span class="tries">×{step.tries}</span> : null}
                        {step.startedAt === undefined ? null : (
                          <span class="took soft">
                            <Duration ms={step.durationMs} since={step.startedAt} />
                          </span>
                        )}
                      </a>
                    </li>
                  );
                })}
              </ul>
            </div>
          );
        })}
      </div>
    </section>
  );
}

export function JobHead({ job }: { job: JobView }) {
  return (
    <div class="job-head">
      <StateGlyph state={job.state} isSilent={isSilent(job)} />
      <span class="hidden">{STATE_LOOKS[job.state].word}: </span>
      <span class="strong">{job.title}</span>
      <span class="where">{job.key === job.id ? job.site : job.key.slice(job.id.length + 1, -1)}</span>
      {job.attempt > 1 ? <span class="tries">attempt {job.attempt}</span> : null}
      <span class="took soft">
        {job.startedAt === undefined ? null : <Duration ms={job.durationMs} since={job.startedAt} />}
      </span>
    </div>
  );
}

/** What it waits for, or why it was skipped. */
export function JobWaits({ job }: { job: JobView }) {
  if (!job.waiting) return null;
  return (
    <p class={`job-waits hue-${STATE_LOOKS[job.state].hue}`} title={job.waiting.text}>
      {job.waiting.text}
    </p>
  );
}

function heightOf(job: JobView): number {
  return HEAD + (job.waiting ? WAITING : 0) + Math.max(1, job.steps.length) * ROW + PAD;
}

/** Jobs that run in the end wait for everything before them, also where they name nothing. */
function needsOf(task: TaskView, job: JobView): readonly string[] {
  if (!job.final || job.needs.length > 0) return job.needs;
  const needed = new Set(task.jobs.flatMap((one) => one.needs));
  return task.jobs.filter((one) => !one.final && !needed.has(one.key)).map((one) => one.key);
}

/** A job with everything it needs and everything that needs it. */
function kinOf(task: TaskView, key: string): ReadonlySet<string> {
  const walk = (from: string, next: (key: string) => readonly string[], seen = new Set<string>()): Set<string> => {
    if (seen.has(from)) return seen;
    seen.add(from);
    for (const one of next(from)) walk(one, next, seen);
    return seen;
  };
  const up = walk(key, (one) => task.jobs.find((job) => job.key === one)?.needs ?? []);
  const down = walk(key, (one) => task.jobs.filter((job) => job.needs.includes(one)).map((job) => job.key));
  return new Set([...up, ...down]);
}

// The Markdown that the scripts of a task wrote about themselves.

import type { JobView, StepView, TaskView } from "@gantry/wire/agent/views.ts";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask, problemFrom, v1 } from "../../data/api.ts";
import { Markdown } from "../../markdown/markdown.tsx";
import { count } from "../../parts/format.ts";
import { Prose } from "../../parts/prose.tsx";

/** More of them would make the page slow; the tab of a step shows each. */
const MAX_OPEN = 5;

type Place = { readonly job: JobView; readonly step: StepView };

export function Summaries({ task }: { task: TaskView }) {
  const places = task.jobs.flatMap((job) =>
    job.steps.flatMap((step): Place[] => (step.summaryBytes === undefined ? [] : [{ job, step }])),
  );
  const all = useSignal(false);
  if (places.length === 0) return null;
  const shown = all.value ? places : places.slice(0, MAX_OPEN);
  return (
    <section class="summaries" aria-label="Summaries">
      <h2>{places.length === 1 ? "Summary" : "Summaries"}</h2>
      {shown.map(({ job, step }) => (
        <Summary key={`${job.key}/${step.id}/${job.attempt}`} task={task.id} job={job} step={step} />
      ))}
      {shown.length === places.length ? null : (
        <button
          type="button"
          class="button"
          onClick={() => {
            all.value = true;
          }}
        >
          Show {count(places.length - shown.length, "more summary", "more summaries")}
        </button>
      )}
    </section>
  );
}

function Summary({ task, job, step }: Place & { task: string }) {
  const path = v1.summary(task, job.key, step.id, job.attempt > 0 ? job.attempt : undefined);
  const { text, problem } = useText(path);
  return (
    <article class="summary">
      <header>
        <h3>
          <Prose text={step.title} /> <span class="soft mono">{job.key}</span>
        </h3>
        <a href={path} download={`${task}-${job.key}-${step.id}.md`}>
          Download
        </a>
      </header>
      {problem === undefined ? null : <p class="quiet">{problem}</p>}
      {text === undefined ? null : <Markdown text={text} below={3} />}
    </article>
  );
}

function useText(path: string): { readonly text: string | undefined; readonly problem: string | undefined } {
  const text = useSignal<string | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  useEffect(() => {
    const leaving = new AbortController();
    const load = async (): Promise<void> => {
      try {
        const answer = await ask(path, { headers: { accept: "text/markdown" }, signal: leaving.signal });
        text.value = await answer.text();
      } catch (error) {
        if (leaving.signal.aborted) return;
        const { code, title } = problemFrom(error);
        problem.value = code === "not-found" ? "The summary is no longer kept." : title;
      }
    };
    void load();
    return () => leaving.abort();
  }, [path]);
  return { text: text.value, problem: problem.value };
}

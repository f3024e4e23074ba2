// A held job: only a person can decide how the task continues.

import type { JobView, TaskView } from "@gantry/wire/agent/views.ts";
import { useSignal } from "@preact/signals";
import { send, v1 } from "../data/api.ts";
import { refusalOf } from "../data/session.ts";
import { put } from "../data/store.ts";
import { useAction } from "../data/use-action.ts";
import { ProblemBox } from "../parts/loading-states.tsx";
import { Prose } from "../parts/prose.tsx";
import { ReasonInput } from "../parts/reason-input.tsx";
import { StateGlyph } from "../parts/state-badge.tsx";
import { TaskText } from "../parts/task-text.tsx";

const ANSWERS = [
  ["run-again", "Run job again", "Its steps run again. Changes it has made already are detected first."],
  ["mark-done", "Mark job done", "The job counts as succeeded: you have checked that its work is done."],
  ["fail", "Fail job", "The job counts as failed, and jobs that need it are skipped."],
] as const;

export function HeldJob({ task, job }: { task: TaskView; job: JobView }) {
  const reason = job.waiting?.text ?? job.failure?.message ?? "The job may be partly done. Only a person can tell.";
  return (
    <section class="held hue-violet" aria-label={`${job.key} is held`}>
      <p class="strong">
        <StateGlyph state="held" /> <Prose text={job.title} /> <span class="mono">{job.key}</span> is held and needs an
        answer
      </p>
      <p>
        <TaskText text={reason} />
      </p>
      <AnswerForm task={task} job={job} />
    </section>
  );
}

function AnswerForm({ task, job }: { task: TaskView; job: JobView }) {
  const { isSending, problem, run } = useAction();
  const reason = useSignal("");
  const answer = (chosen: string): void =>
    run(async () => {
      const why = reason.value.trim();
      const body = { job: job.key, answer: chosen, ...(why === "" ? {} : { reason: why }) };
      const next = await send<TaskView>("POST", v1.resolve(task.id), body);
      if (next) put(v1.task(task.id), next);
    });
  return (
    <>
      <div class="held-reason">
        <ReasonInput id={`why-${job.key}`} reason={reason} />
      </div>
      <div class="submit">
        {ANSWERS.map(([value, label, meaning]) => {
          const refusal = refusalOf(value === "mark-done" ? "mark-done" : "resolve", task);
          return (
            <button
              type="button"
              class="button"
              key={value}
              disabled={isSending || refusal !== undefined}
              title={refusal ?? meaning}
              onClick={() => answer(value)}
            >
              {label}
            </button>
          );
        })}
      </div>
      {problem ? <ProblemBox problem={problem} /> : null}
    </>
  );
}

// What a person can do with a task: cancel it, run it again, answer for a held job.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { ProblemBody } from "@gantry/runtime/http/problem.ts";
import type { JobView, TaskView } from "@gantry/wire/agent/views.ts";
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { newKey, problemFrom, send, to, v1 } from "../data/api.ts";
import { mayRun } from "../data/session.ts";
import { put } from "../data/store.ts";
import { go } from "../frame/router.ts";
import { ProblemBox } from "../parts/loading-states.tsx";
import { StateGlyph } from "../parts/state-badge.tsx";

/** Sends one wish at a time, and keeps why it was refused. */
function useAction(): {
  readonly isSending: boolean;
  readonly problem: ProblemBody | undefined;
  readonly wish: (act: () => Promise<void>) => void;
} {
  const isSending = useSignal(false);
  const problem = useSignal<ProblemBody | undefined>(undefined);
  const wish = (act: () => Promise<void>): void => {
    if (isSending.value) return;
    isSending.value = true;
    problem.value = undefined;
    act()
      .catch((error: unknown) => {
        problem.value = problemFrom(error);
      })
      .finally(() => {
        isSending.value = false;
      });
  };
  return { isSending: isSending.value, problem: problem.value, wish };
}

export function TaskActions({ task }: { task: TaskView }) {
  const { isSending, problem, wish } = useAction();
  const isAsking = useSignal(false);
  const hasEnded = STATE_LOOKS[task.state].ended;
  const rerun = (from: "failed" | "all"): void =>
    wish(async () => {
      const next = await send<TaskView>("POST", v1.rerun(task.id), { from }, newKey());
      if (next) {
        put(v1.task(next.id), next);
        go(to.task(next.id));
      }
    });
  if (!mayRun.value) return null;
  if (task.archived)
    return (
      <span class="button disabled" title="It ended longer ago than tasks are kept: it can be read, not run again">
        In the archive
      </span>
    );
  return (
    <>
      {hasEnded ? (
        <>
          {task.state === "succeeded" ? null : (
            <button
              type="button"
              class="button primary"
              disabled={isSending}
              onClick={() => rerun("failed")}
              title="Jobs that succeeded keep their outputs and do not run again"
            >
              Rerun failed jobs
            </button>
          )}
          <button type="button" class="button" disabled={isSending} onClick={() => rerun("all")}>
            Rerun all jobs
          </button>
        </>
      ) : task.cancel ? (
        <span class="button disabled">Cancel requested</span>
      ) : (
        <button
          type="button"
          class="button"
          onClick={() => {
            isAsking.value = true;
          }}
        >
          Cancel task
        </button>
      )}
      {problem ? <ProblemBox problem={problem} /> : null}
      {isAsking.value ? (
        <CancelBox
          task={task}
          onClose={() => {
            isAsking.value = false;
          }}
        />
      ) : null}
    </>
  );
}

function CancelBox({ task, onClose }: { task: TaskView; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const reason = useSignal("");
  const { isSending, problem, wish } = useAction();
  useEffect(() => dialog.current?.showModal(), []);
  const cancel = (): void =>
    wish(async () => {
      const why = reason.value.trim();
      const next = await send<TaskView>("POST", v1.cancel(task.id), why === "" ? {} : { reason: why });
      if (next) put(v1.task(task.id), next);
      dialog.current?.close();
    });
  return (
    <dialog class="box" ref={dialog} onClose={onClose} aria-label={`Cancel ${task.title}`}>
      <header>
        <h2>Cancel {task.title}?</h2>
      </header>
      <div class="box-body">
        <p>Jobs that run are asked to stop. Jobs that have not started do not start. `finally` jobs still run.</p>
        <div class="field">
          <label for="cancel-reason">
            Reason <span class="optional">optional</span>
          </label>
          <input
            id="cancel-reason"
            type="text"
            maxLength={500}
            autoComplete="off"
            value={reason.value}
            onInput={({ currentTarget }) => {
              reason.value = currentTarget.value;
            }}
          />
        </div>
        {problem ? <ProblemBox problem={problem} /> : null}
        <div class="submit">
          <button type="button" class="button danger" disabled={isSending} onClick={cancel}>
            Cancel {task.title}
          </button>
          <button type="button" class="button" onClick={() => dialog.current?.close()}>
            Keep it running
          </button>
        </div>
      </div>
    </dialog>
  );
}

const ANSWERS = [
  ["run-again", "Run job again", "Its steps run again; what was done outside is found out first."],
  ["mark-done", "Mark job done", "The job counts as succeeded: you have seen that its work is done."],
  ["fail", "Fail job", "The job counts as failed, and jobs that need it are skipped."],
] as const;

/** The question that only a person can answer. */
export function HeldBox({ task, job }: { task: TaskView; job: JobView }) {
  const { isSending, problem, wish } = useAction();
  const reason = useSignal("");
  const answer = (chosen: string): void =>
    wish(async () => {
      const why = reason.value.trim();
      const body = { job: job.key, answer: chosen, ...(why === "" ? {} : { reason: why }) };
      const next = await send<TaskView>("POST", v1.resolve(task.id), body);
      if (next) put(v1.task(task.id), next);
    });
  const id = `why-${job.key}`;
  return (
    <section class="held hue-violet" aria-label={`${job.key} is held`}>
      <p class="strong">
        <StateGlyph state="held" /> {job.title} <span class="mono">{job.key}</span> is held and needs an answer
      </p>
      <p>
        {job.waiting?.text ?? job.failure?.message ?? "It may have been done in part; nobody but a person can tell."}
      </p>
      {mayRun.value ? (
        <>
          <label class="held-reason" for={id}>
            <span>
              Reason <span class="optional">optional</span>
            </span>
            <input
              id={id}
              type="text"
              maxLength={500}
              autoComplete="off"
              value={reason.value}
              onInput={({ currentTarget }) => {
                reason.value = currentTarget.value;
              }}
            />
          </label>
          <div class="submit">
            {ANSWERS.map(([value, label, meaning]) => (
              <button
                type="button"
                class="button"
                key={value}
                disabled={isSending}
                title={meaning}
                onClick={() => answer(value)}
              >
                {label}
              </button>
            ))}
          </div>
        </>
      ) : (
        <p class="soft">Your role is viewer: somebody who may run tasks must answer.</p>
      )}
      {problem ? <ProblemBox problem={problem} /> : null}
    </section>
  );
}

// The dialog that shows what a rerun would run and reuse before it is started.

import type { RerunPlanView } from "@gantry/wire/agent/rerun-plan.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { newKey, send, to, v1 } from "../data/api.ts";
import { put } from "../data/store.ts";
import { useAction } from "../data/use-action.ts";
import { go } from "../frame/router.ts";
import { ProblemBox } from "../parts/loading-states.tsx";
import { Prose, withoutBackticks } from "../parts/prose.tsx";
import { decideReruns, planInWords, type Rerun } from "./decide-reruns.ts";

type Props = { readonly task: TaskView; readonly from: Rerun["from"]; readonly onClose: () => void };

export function RerunDialog({ task, from, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const choice = useSignal<string>(from);
  const isNewest = useSignal(false);
  const plan = useSignal<RerunPlanView | undefined>(undefined);
  const planning = useAction();
  const starting = useAction();
  const body = {
    ...(choice.value.startsWith(JOB) ? { job: choice.value.slice(JOB.length) } : { from: choice.value }),
    definition: isNewest.value ? "newest" : "pinned",
  };
  useEffect(() => dialog.current?.showModal(), []);
  useEffect(() => {
    plan.value = undefined;
    planning.run(async () => {
      plan.value = await send<RerunPlanView>("POST", v1.rerunPlan(task.id), body);
    });
  }, [choice.value, isNewest.value]);
  const rerun = (): void =>
    starting.run(async () => {
      const next = await send<TaskView>("POST", v1.rerun(task.id), body, newKey());
      if (!next) return;
      put(v1.task(next.id), next);
      go(to.task(next.id));
    });
  const problem = starting.problem ?? planning.problem;
  return (
    <dialog class="box" ref={dialog} onClose={onClose} aria-label={`Rerun ${withoutBackticks(task.title)}`}>
      <header>
        <h2>
          Rerun <Prose text={task.title} />
        </h2>
      </header>
      <div class="box-body">
        <Choice task={task} choice={choice} isNewest={isNewest} isDisabled={planning.isSending} />
        {plan.value ? <Plan plan={plan.value} /> : null}
        {problem ? <ProblemBox problem={problem} /> : null}
        <div class="submit">
          <button type="button" class="button primary" disabled={starting.isSending || !plan.value} onClick={rerun}>
            Rerun
          </button>
          <button type="button" class="button" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </div>
      </div>
    </dialog>
  );
}

type ChoiceProps = {
  readonly task: TaskView;
  readonly choice: Signal<string>;
  readonly isNewest: Signal<boolean>;
  readonly isDisabled: boolean;
};

function Choice({ task, choice, isNewest, isDisabled }: ChoiceProps) {
  const jobs = task.jobs.filter(({ final }) => !final);
  return (
    <>
      <div class="field">
        <label for="rerun-choice">What runs again</label>
        <select
          id="rerun-choice"
          value={choice.value}
          disabled={isDisabled}
          onChange={(event) => {
            choice.value = event.currentTarget.value;
          }}
        >
          {decideReruns(task).map((one) => (
            <option key={one.from} value={one.from}>
              {one.label}
            </option>
          ))}
          {jobs.map(({ key }) => (
            <option key={key} value={JOB + key}>
              {key} and all that needs it
            </option>
          ))}
        </select>
      </div>
      <label class="rerun-file" title="Otherwise with the pipeline file that this task ran with">
        <input
          type="checkbox"
          checked={isNewest.value}
          disabled={isDisabled}
          onChange={(event) => {
            isNewest.value = event.currentTarget.checked;
          }}
        />
        With the newest pipeline file
      </label>
    </>
  );
}

/** Begins the choice of a job; a colon is in no key. */
const JOB = "job:";

function Plan({ plan }: { plan: RerunPlanView }) {
  return (
    <ul class="rerun-plan" aria-label="The plan">
      {plan.jobs.map((job) => (
        <li key={job.key} class={job.does === "run" ? undefined : "soft"}>
          <span class="mono">{job.key}</span> {planInWords(job)}
        </li>
      ))}
    </ul>
  );
}

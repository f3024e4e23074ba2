// The buttons of a task: cancel it while it runs, run it again after it has ended.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { useSignal } from "@preact/signals";
import { newKey, send, to, v1 } from "../data/api.ts";
import { refusalOf, startVerb } from "../data/session.ts";
import { put } from "../data/store.ts";
import { useAction } from "../data/use-action.ts";
import { go } from "../frame/router.ts";
import { ProblemBox } from "../parts/loading-states.tsx";
import { CancelDialog } from "./cancel-dialog.tsx";
import { decideReruns, type Rerun } from "./decide-reruns.ts";

export function TaskActions({ task }: { task: TaskView }) {
  if (task.archived) {
    return (
      <span class="button disabled" title="The task is in the archive: it can be read, but not run again">
        In the archive
      </span>
    );
  }
  return STATE_LOOKS[task.state].ended ? <RerunButtons task={task} /> : <CancelButton task={task} />;
}

function RerunButtons({ task }: { task: TaskView }) {
  const { isSending, problem, run } = useAction();
  // A rerun also needs the right to start the pipeline.
  const refusal = refusalOf("rerun", task) ?? refusalOf(startVerb(task.action ?? task.pipeline), task);
  const isNewest = useSignal(false);
  const rerun = (from: Rerun["from"]): void =>
    run(async () => {
      const body = { from, definition: isNewest.value ? "newest" : "pinned" };
      const next = await send<TaskView>("POST", v1.rerun(task.id), body, newKey());
      if (!next) return;
      put(v1.task(next.id), next);
      go(to.task(next.id));
    });
  return (
    <>
      <label class="rerun-file" title="Otherwise with the pipeline file that this task ran with">
        <input
          type="checkbox"
          checked={isNewest.value}
          onChange={(event) => {
            isNewest.value = event.currentTarget.checked;
          }}
        />
        With the newest pipeline file
      </label>
      {decideReruns(task).map(({ from, label, hint }) => (
        <button
          key={from}
          type="button"
          class={from === "failed" ? "button primary" : "button"}
          disabled={isSending || refusal !== undefined}
          onClick={() => rerun(from)}
          title={refusal ?? hint}
        >
          {label}
        </button>
      ))}
      {problem ? <ProblemBox problem={problem} /> : null}
    </>
  );
}

function CancelButton({ task }: { task: TaskView }) {
  const isOpen = useSignal(false);
  const refusal = refusalOf("cancel", task);
  if (task.cancel) return <span class="button disabled">Cancel requested</span>;
  const setOpen = (value: boolean): void => {
    isOpen.value = value;
  };
  return (
    <>
      <button
        type="button"
        class="button"
        disabled={refusal !== undefined}
        title={refusal}
        onClick={() => setOpen(true)}
      >
        Cancel task
      </button>
      {isOpen.value ? <CancelDialog task={task} onClose={() => setOpen(false)} /> : null}
    </>
  );
}

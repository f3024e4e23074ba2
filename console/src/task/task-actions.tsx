// The buttons of a task: cancel it while it runs, run it again after it has ended.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { useSignal } from "@preact/signals";
import { refusalOf, startVerb } from "../data/session.ts";
import { RollbackButton, useTargetsToRollBack } from "../run/rollback.tsx";
import { CancelDialog } from "./cancel-dialog.tsx";
import { decideReruns, type Rerun } from "./decide-reruns.ts";
import { RerunDialog } from "./rerun-dialog.tsx";

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
  const targets = useTargetsToRollBack(task);
  const asked = useSignal<Rerun["from"] | undefined>(undefined);
  // A rerun also needs the right to start the pipeline.
  const refusal = refusalOf("rerun", task) ?? refusalOf(startVerb(task.action ?? task.pipeline), task);
  const ask = (from: Rerun["from"] | undefined): void => {
    asked.value = from;
  };
  return (
    <>
      {targets.length > 0 ? <RollbackButton app={task.app ?? ""} of={task} targets={targets} isPrimary /> : null}
      {decideReruns(task).map(({ from, label, hint }) => (
        <button
          key={from}
          type="button"
          class={from === "failed" && targets.length === 0 ? "button primary" : "button"}
          disabled={refusal !== undefined}
          onClick={() => ask(from)}
          title={refusal ?? hint}
        >
          {label}
        </button>
      ))}
      {asked.value ? <RerunDialog task={task} from={asked.value} onClose={() => ask(undefined)} /> : null}
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

// The dialog that asks whether to cancel a task, and why.

import type { TaskView } from "@gantry/wire/agent/views.ts";
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { send, v1 } from "../data/api.ts";
import { put } from "../data/store.ts";
import { useAction } from "../data/use-action.ts";
import { ProblemBox } from "../parts/loading-states.tsx";
import { Prose, withoutBackticks } from "../parts/prose.tsx";
import { ReasonInput } from "../parts/reason-input.tsx";

export function CancelDialog({ task, onClose }: { task: TaskView; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const reason = useSignal("");
  const { isSending, problem, run } = useAction();
  useEffect(() => dialog.current?.showModal(), []);
  const cancel = (): void =>
    run(async () => {
      const why = reason.value.trim();
      const next = await send<TaskView>("POST", v1.cancel(task.id), why === "" ? {} : { reason: why });
      if (next) put(v1.task(task.id), next);
      dialog.current?.close();
    });
  return (
    <dialog class="box" ref={dialog} onClose={onClose} aria-label={`Cancel ${withoutBackticks(task.title)}`}>
      <header>
        <h2>
          Cancel <Prose text={task.title} />?
        </h2>
      </header>
      <div class="box-body">
        <p>
          Running jobs are asked to stop. Jobs that have not started will not start. <code>finally</code> jobs still
          run.
        </p>
        <div class="field">
          <ReasonInput id="cancel-reason" reason={reason} />
        </div>
        {problem ? <ProblemBox problem={problem} /> : null}
        <div class="submit">
          <button type="button" class="button danger" disabled={isSending} onClick={cancel}>
            Cancel <Prose text={task.title} />
          </button>
          <button type="button" class="button" onClick={() => dialog.current?.close()}>
            Keep it running
          </button>
        </div>
      </div>
    </dialog>
  );
}

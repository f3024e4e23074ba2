// Run CD: asks for the plan of what is chosen in the form, and shows it before the button.

import type { CdPlan } from "@gantry/wire/agent/cd-plan.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { useSignal } from "@preact/signals";
import { newKey, send, to, v1 } from "../data/api.ts";
import { useResource } from "../data/store.ts";
import { useAction } from "../data/use-action.ts";
import { ProblemBox } from "../parts/loading-states.tsx";
import { PlanView } from "./plan-view.tsx";

type Chosen = { readonly build: string; readonly targets: readonly string[] };

export function AskPlan({ app, build, targets }: Chosen & { readonly app: string }) {
  const asked = useSignal<{ readonly task: string; readonly of: string } | undefined>(undefined);
  const { isSending, problem, run } = useAction();
  const chosen = JSON.stringify([build, targets]);
  const ask = (): void =>
    run(async () => {
      const params = { ...(build === "" ? {} : { build }), ...(targets.length === 0 ? {} : { targets: [...targets] }) };
      const task = await send<TaskView>("POST", v1.cdPlans(app), { params }, newKey());
      if (task) asked.value = { task: task.id, of: chosen };
    });
  const { task, of } = asked.value ?? {};
  const isOld = of !== undefined && of !== chosen;
  return (
    <section class="field" aria-label="What will change">
      <h3>What will change</h3>
      <p class="field-about">Argo CD renders what is in git with the images of the build. Nothing is changed.</p>
      {isOld ? <p class="field-about hue-amber">You have chosen something else since this plan.</p> : null}
      {task === undefined ? null : <Asked task={task} />}
      {problem ? <ProblemBox problem={problem} /> : null}
      <button type="button" class="button" disabled={isSending} aria-busy={isSending} onClick={ask}>
        {task === undefined ? "Show the plan" : "Plan again"}
      </button>
    </section>
  );
}

function Asked({ task }: { task: string }) {
  const plan = useResource<CdPlan>(v1.cdPlan(task), { reloadOn: ({ subject }) => subject === task });
  const found = plan.data.value;
  const link = (
    <a class="in-text" href={to.task(task)}>
      the task
    </a>
  );
  if (!found && plan.problem.value) return <ProblemBox problem={plan.problem.value} onRetry={plan.reload} />;
  if (!found || (found.state === "running" && found.targets.length === 0))
    return (
      <p class="loading" role="status">
        Planning at the sites of the targets: {link}
      </p>
    );
  return (
    <>
      <PlanView plan={found} />
      <p class="field-about" role="status">
        {found.state === "running" ? "The other targets are being planned: " : "Planned by "}
        {link}
      </p>
    </>
  );
}

// Run CD: asks for the plan of what is chosen in the form, and shows it before the button.

import type { CdPlan } from "@gantry/wire/agent/deployments.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { newKey, send, to, v1 } from "../data/api.ts";
import { type Resource, useResource } from "../data/store.ts";
import { useAction } from "../data/use-action.ts";
import { ProblemBox } from "../parts/loading-states.tsx";
import { PlanView } from "./plan-view.tsx";

type Chosen = { readonly build: string; readonly targets: readonly string[] };

type Props = Chosen & {
  readonly app: string;
  /** The hashes of the plan that the person sees: Run CD then does this or nothing. Empty when it is not of what is chosen. */
  readonly onSeen: (hashes: readonly string[]) => void;
};

export function AskPlan({ app, build, targets, onSeen }: Props) {
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
  const plan = useResource<CdPlan>(task === undefined ? undefined : v1.cdPlan(task), {
    reloadOn: ({ subject }) => subject === task,
  });
  const seen = of === chosen && plan.data.value?.state === "ready" ? plan.data.value.targets : [];
  const hashes = seen.map(({ hash }) => hash);
  useEffect(() => onSeen(hashes), [hashes.join()]);
  const isAsked = task !== undefined && !plan.problem.value;
  const isPlanning = isSending || (isAsked && (plan.data.value?.state ?? "running") === "running");
  const isOld = of !== undefined && of !== chosen;
  return (
    <section class="field plan-field" aria-label="What will change">
      <h3>What will change</h3>
      <p class="field-about">
        Argo CD renders what is in git with the images of the build, and compares it with what runs. Looking changes
        nothing.
      </p>
      {isOld ? <p class="field-about hue-amber">You have chosen something else since this plan.</p> : null}
      {task === undefined ? null : <Asked task={task} plan={plan} />}
      {problem ? <ProblemBox problem={problem} /> : null}
      <div class="submit">
        <button type="button" class="button" disabled={isPlanning} aria-busy={isPlanning} onClick={ask}>
          {task === undefined ? "Show the plan" : "Plan again"}
        </button>
      </div>
    </section>
  );
}

function Asked({ task, plan }: { task: string; plan: Resource<CdPlan> }) {
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

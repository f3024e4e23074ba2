// The plan on the page of its task, and of the deployment that was made from it.

import type { CdPlan } from "@gantry/wire/agent/deployments.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { v1 } from "../data/api.ts";
import { useResource } from "../data/store.ts";
import { PlanView } from "./plan-view.tsx";

/** Nothing for a task without a plan. */
export function TaskPlan({ task }: { task: TaskView }) {
  const has = task.jobs.some(({ outputs }) => outputs.plan !== undefined);
  return has ? <Plan id={task.id} /> : null;
}

function Plan({ id }: { id: string }) {
  const plan = useResource<CdPlan>(v1.cdPlan(id), { reloadOn: ({ subject }) => subject === id }).data.value;
  if (!plan || plan.targets.length === 0) return null;
  return (
    <section class="summaries" aria-label="Plan">
      <h2>Plan</h2>
      <PlanView plan={plan} />
    </section>
  );
}

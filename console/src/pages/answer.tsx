// The page that a message about an approval links to: what is asked, what will happen, and the answer. Opening it answers nothing.

import type { TaskView } from "@gantry/wire/agent/views.ts";
import { useSignal } from "@preact/signals";
import { type Answer, ApprovalCard } from "../approval/approval-card.tsx";
import { type AskedApproval, type Page, to, v1 } from "../data/api.ts";
import { useResource } from "../data/store.ts";
import { address } from "../frame/router.ts";
import { EmptyState, Loaded } from "../parts/loading-states.tsx";
import { PageHeader } from "../parts/page-layout.tsx";
import { TaskPlan } from "../plan/task-plan.tsx";

export function AnswerPage({ id }: { id: string }) {
  const { query } = address.value;
  const asked = useResource<Page<AskedApproval>>(v1.approvals({ task: id }), {
    reloadOn: ({ subject }) => subject === id,
  });
  const task = useResource<TaskView>(v1.task(id)).data.value;
  const plan = query.get("plan");
  const taken = useSignal<Answer | undefined>(undefined);
  return (
    <>
      <PageHeader title="Approval" note="Nothing happens before you press a button" />
      {taken.value === undefined ? null : (
        <p class="strong" role="status">
          You have {taken.value === "approve" ? "approved" : "rejected"} it. <a href={to.task(id)}>Open the task</a>
        </p>
      )}
      <Loaded resource={asked}>
        {({ items }) => {
          const one = items.find(({ job }) => job === query.get("job"));
          if (!one) return taken.value === undefined ? <NotAsked id={id} /> : null;
          return (
            <>
              {plan === null || plan === one.plan ? null : (
                <p class="strong" role="alert">
                  What the message was about has changed since. This is what is asked now: look at it again.
                </p>
              )}
              <ApprovalCard
                key={one.plan}
                asked={one}
                isRejecting={query.get("answer") === "reject"}
                onAnswered={(answer) => {
                  taken.value = answer;
                  asked.reload();
                }}
              >
                {task ? <TaskPlan task={task} /> : null}
              </ApprovalCard>
              <p>
                <a class="in-text" href={to.task(id)}>
                  Open the task
                </a>
              </p>
            </>
          );
        }}
      </Loaded>
    </>
  );
}

function NotAsked({ id }: { id: string }) {
  return (
    <EmptyState title="This does not wait for an answer any more">
      <p>
        It was answered, it has expired, or the task has ended. <a href={to.task(id)}>The task</a> shows what was
        answered, and by whom.
      </p>
    </EmptyState>
  );
}

// Home: what needs me, what is running, what changed.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { AppView, TaskSummary } from "@gantry/wire/agent/views.ts";
import { type Page, v1 } from "../data/api.ts";
import { applyToPage, changesTaskRows } from "../data/apply-event.ts";
import { needsAttention } from "../data/attention.ts";
import { useResource } from "../data/store.ts";
import { EmptyState, Loaded } from "../parts/loading-states.tsx";
import { PageHeader, Section } from "../parts/page-layout.tsx";
import { TaskRows } from "../parts/task-rows.tsx";
import { RunButton } from "../run/run-button.tsx";

export function HomePage() {
  const tasks = useResource<Page<TaskSummary>>(v1.tasks({ limit: "100" }), {
    reloadOn: changesTaskRows,
    patch: applyToPage,
  });
  const apps = useResource<Page<AppView>>(v1.apps, { reloadOn: ({ data }) => data.pipeline === "create-app" });
  const isNew = apps.data.value?.items.length === 0 && tasks.data.value?.items.length === 0;
  return (
    <>
      <PageHeader title="Home">
        {isNew ? null : <RunButton pipeline="create-app" label="Create app" isPrimary />}
      </PageHeader>
      <Loaded resource={tasks}>{({ items }) => (isNew ? <FirstSteps /> : <Now tasks={items} />)}</Loaded>
    </>
  );
}

function Now({ tasks }: { tasks: readonly TaskSummary[] }) {
  const needs = needsAttention.value;
  const open = tasks.filter((task) => !STATE_LOOKS[task.state].ended && task.state !== "held");
  const ended = tasks.filter((task) => STATE_LOOKS[task.state].ended && !needs.includes(task)).slice(0, 15);
  return (
    <>
      <Section title="Needs you" {...(needs.length > 0 ? { count: needs.length } : {})}>
        {needs.length === 0 ? (
          <p class="quiet">Nothing is waiting for you.</p>
        ) : (
          <TaskRows tasks={needs} label="Needs you" />
        )}
      </Section>
      <Section title="Running" {...(open.length > 0 ? { count: open.length } : {})}>
        {open.length === 0 ? <p class="quiet">Nothing is running.</p> : <TaskRows tasks={open} label="Running" />}
      </Section>
      <Section title="What changed">
        {ended.length === 0 ? (
          <p class="quiet">No task has ended yet.</p>
        ) : (
          <TaskRows tasks={ended} label="What changed" />
        )}
        <p>
          <a href="/tasks">All tasks</a>
        </p>
      </Section>
    </>
  );
}

function FirstSteps() {
  return (
    <EmptyState title="Three steps to a first app">
      <ol>
        <li>
          <strong>Create app</strong> makes its source repository, its yaml repository and its Jira project.
        </li>
        <li>
          <strong>Run CI</strong> builds and tests it, and pushes its image.
        </li>
        <li>
          <strong>Run CD</strong> brings the image to the clusters of its sites.
        </li>
      </ol>
      <RunButton pipeline="create-app" label="Create app" isPrimary />
    </EmptyState>
  );
}

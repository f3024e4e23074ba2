// Home: what needs attention, what is running, what has recently ended.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { SiteView } from "@gantry/wire/agent/sites/views.ts";
import type { AppView, TaskSummary } from "@gantry/wire/agent/views.ts";
import { type Page, to, v1 } from "../data/api.ts";
import { applyToPage, changesTaskRows } from "../data/apply-event.ts";
import { needsAttention } from "../data/attention.ts";
import { refusalOf } from "../data/session.ts";
import { useResource } from "../data/store.ts";
import { EmptyState, Loaded } from "../parts/loading-states.tsx";
import { MissingSystems } from "../parts/missing-systems.tsx";
import { PageHeader, Section } from "../parts/page-layout.tsx";
import { TaskRows } from "../parts/task-rows.tsx";
import { RunButton } from "../run/run-button.tsx";

export function HomePage() {
  const tasks = useResource<Page<TaskSummary>>(v1.tasks({ limit: "100" }), {
    reloadOn: changesTaskRows,
    patch: applyToPage,
  });
  const apps = useResource<Page<AppView>>(v1.apps, { reloadOn: ({ data }) => data.pipeline === "create-app" });
  // A check of the systems is a task, too, and comes before the first app.
  const hasTasksOfApps = tasks.data.value?.items.some(({ app }) => app !== undefined);
  const isNew = apps.data.value?.items.length === 0 && hasTasksOfApps === false;
  return (
    <>
      <PageHeader title="Home">
        {isNew ? null : <RunButton pipeline="create-app" label="Create app" isPrimary />}
      </PageHeader>
      <Loaded resource={tasks}>
        {({ items }) => (
          <>
            {isNew ? <FirstSteps /> : null}
            {isNew && items.length === 0 ? null : <Overview tasks={items} />}
          </>
        )}
      </Loaded>
    </>
  );
}

function Overview({ tasks }: { tasks: readonly TaskSummary[] }) {
  const attention = needsAttention.value;
  const open = tasks.filter((task) => !STATE_LOOKS[task.state].ended && task.state !== "held");
  const ended = tasks.filter((task) => STATE_LOOKS[task.state].ended && !attention.includes(task)).slice(0, 15);
  return (
    <>
      <Section title="Needs your attention" {...(attention.length > 0 ? { count: attention.length } : {})}>
        {attention.length === 0 ? (
          <p class="quiet">Nothing needs your attention.</p>
        ) : (
          <TaskRows tasks={attention} label="Needs your attention" />
        )}
      </Section>
      <Section title="Running" {...(open.length > 0 ? { count: open.length } : {})}>
        {open.length === 0 ? <p class="quiet">Nothing is running.</p> : <TaskRows tasks={open} label="Running" />}
      </Section>
      <Section title="Ended recently">
        {ended.length === 0 ? (
          <p class="quiet">No task has ended yet.</p>
        ) : (
          <TaskRows tasks={ended} label="Ended recently" />
        )}
        <p>
          <a href="/tasks">All tasks</a>
        </p>
      </Section>
    </>
  );
}

function FirstSteps() {
  const refusal = refusalOf("view");
  if (refusal !== undefined) {
    return (
      <EmptyState title="There is nothing here that you may see">
        <p>{refusal}</p>
      </EmptyState>
    );
  }
  return (
    <EmptyState title="Your first app in three steps">
      <ol>
        <li>
          <strong>Create app</strong> creates a source repository, a yaml repository and a Jira project.{" "}
          <a href={to.adopt}>Adopt an app</a> takes repositories that you have.
        </li>
        <li>
          <strong>Run CI</strong> builds and tests the app, and pushes its image.
        </li>
        <li>
          <strong>Run CD</strong> deploys the image to the clusters.
        </li>
      </ol>
      <RunButton pipeline="create-app" label="Create app" isPrimary />
      {refusalOf("view-sites") === undefined ? <MissingAtSites /> : null}
    </EmptyState>
  );
}

function MissingAtSites() {
  return <MissingSystems sites={useResource<Page<SiteView>>(v1.sites, {})} />;
}

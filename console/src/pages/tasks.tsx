// All tasks, newest first. The filters are in the address.

import { OUTCOMES, STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { AppView, PipelineView, TaskSummary } from "@gantry/wire/agent/views.ts";
import { type Page, v1 } from "../data/api.ts";
import { applyToPage, changesTaskRows } from "../data/apply-event.ts";
import { useResource } from "../data/store.ts";
import { usePages } from "../data/use-pages.ts";
import { address } from "../frame/router.ts";
import { Choice } from "../parts/filters.tsx";
import { EmptyState, Loaded } from "../parts/loading-states.tsx";
import { MoreButton } from "../parts/more-button.tsx";
import { PageHeader } from "../parts/page-layout.tsx";
import { withoutBackticks } from "../parts/prose.tsx";
import { TaskRows } from "../parts/task-rows.tsx";

export function TasksPage() {
  const { query } = address.value;
  const filter = {
    state: query.get("state") ?? undefined,
    app: query.get("app") ?? undefined,
    pipeline: query.get("pipeline") ?? undefined,
  };
  const path = v1.tasks(filter);
  const apps = useResource<Page<AppView>>(v1.apps);
  const pipelines = useResource<Page<PipelineView>>(v1.pipelines);
  const isFiltered = Object.values(filter).some((value) => value !== undefined);
  return (
    <>
      <PageHeader title="Tasks" />
      <search class="filters">
        <Choice
          name="state"
          label="State"
          options={[["open", "open"], ...OUTCOMES.map((one) => [one, STATE_LOOKS[one].word] as const)]}
          value={filter.state}
        />
        <Choice
          name="app"
          label="App"
          options={(apps.data.value?.items ?? []).map(({ name }) => [name, name])}
          value={filter.app}
        />
        <Choice
          name="pipeline"
          label="Pipeline"
          options={(pipelines.data.value?.items ?? []).map(({ name, title }) => [name, withoutBackticks(title)])}
          value={filter.pipeline}
        />
        {isFiltered ? <a href="/tasks">Clear filters</a> : null}
      </search>
      <List path={path} isFiltered={isFiltered} key={path} />
    </>
  );
}

function List({ path, isFiltered }: { path: string; isFiltered: boolean }) {
  const pages = usePages<TaskSummary>(path, { reloadOn: changesTaskRows, patch: applyToPage });
  return (
    <Loaded resource={pages.first}>
      {({ items }) => {
        const known = new Set(items.map(({ id }) => id));
        const all = [...items, ...pages.older.filter(({ id }) => !known.has(id))];
        return (
          <>
            {all.length === 0 ? (
              <NoTasks isFiltered={isFiltered} hasMore={pages.hasMore} />
            ) : (
              <TaskRows tasks={all} label="Tasks" />
            )}
            <MoreButton pages={pages} what="tasks" />
          </>
        );
      }}
    </Loaded>
  );
}

function NoTasks({ isFiltered, hasMore }: { isFiltered: boolean; hasMore: boolean }) {
  if (isFiltered) {
    return (
      <EmptyState title={hasMore ? "None of the newest tasks matches these filters" : "No task matches these filters"}>
        <p>
          <a href="/tasks">Clear filters</a>
        </p>
      </EmptyState>
    );
  }
  return (
    <EmptyState title="There are no tasks yet">
      <p>
        A task is one run of a pipeline. <a href="/apps">Create an app</a> to start the first.
      </p>
    </EmptyState>
  );
}

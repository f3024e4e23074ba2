// All tasks, newest first. The filters are in the address.

import { OUTCOMES, STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { ProblemBody } from "@gantry/runtime/http/problem.ts";
import type { AppView, PipelineView, TaskSummary } from "@gantry/wire/agent/views.ts";
import { useSignal } from "@preact/signals";
import { type Page, problemFrom, read, v1 } from "../data/api.ts";
import { applyToPage, changesTaskRows } from "../data/apply-event.ts";
import { useResource } from "../data/store.ts";
import { address } from "../frame/router.ts";
import { Choice } from "../parts/filters.tsx";
import { EmptyState, Loaded, ProblemBox } from "../parts/loading-states.tsx";
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
  const tasks = useResource<Page<TaskSummary>>(path, { reloadOn: changesTaskRows, patch: applyToPage });
  const more = useSignal<readonly TaskSummary[]>([]);
  const cursor = useSignal<string | undefined>(undefined);
  const problem = useSignal<ProblemBody | undefined>(undefined);
  const first = tasks.data.value;
  const next = more.value.length === 0 ? first?.nextCursor : cursor.value;
  const readMore = async (): Promise<void> => {
    try {
      const page = await read<Page<TaskSummary>>(`${path}${path.includes("?") ? "&" : "?"}cursor=${next}`);
      more.value = [...more.value, ...page.items];
      cursor.value = page.nextCursor;
    } catch (error) {
      problem.value = problemFrom(error);
    }
  };
  return (
    <Loaded resource={tasks}>
      {({ items }) => {
        const known = new Set(items.map(({ id }) => id));
        const all = [...items, ...more.value.filter(({ id }) => !known.has(id))];
        if (all.length === 0) return <NoTasks isFiltered={isFiltered} />;
        return (
          <>
            <TaskRows tasks={all} label="Tasks" />
            {problem.value ? <ProblemBox problem={problem.value} /> : null}
            {next === undefined ? null : (
              <button type="button" class="button" onClick={() => void readMore()}>
                Show older tasks
              </button>
            )}
          </>
        );
      }}
    </Loaded>
  );
}

function NoTasks({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) {
    return (
      <EmptyState title="No task matches these filters">
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

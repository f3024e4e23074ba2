// One task: the headline, its facts, its jobs as graph, list or timeline, and the selected step.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { useRef } from "preact/hooks";
import { WaitingJobs } from "../approval/waiting-jobs.tsx";
import { v1 } from "../data/api.ts";
import { applyToTask } from "../data/apply-event.ts";
import { announcement } from "../data/live.ts";
import { useResource } from "../data/store.ts";
import { usePolling } from "../data/use-polling.ts";
import { isNarrow } from "../frame/narrow.ts";
import { usePageTitle } from "../frame/page-title.ts";
import { address, go, withQuery } from "../frame/router.ts";
import { useShortcuts } from "../frame/shortcuts.ts";
import { readable } from "../parts/format.ts";
import { Loaded } from "../parts/loading-states.tsx";
import { PageHeader } from "../parts/page-layout.tsx";
import { withoutBackticks } from "../parts/prose.tsx";
import { StateBadge } from "../parts/state-badge.tsx";
import { TaskText, withTaskTitles } from "../parts/task-text.tsx";
import { KeyValueList } from "../parts/values.tsx";
import { TaskPlan } from "../plan/task-plan.tsx";
import {
  decideMove,
  decideNextFailure,
  decideSelection,
  positionText,
  type Selection,
} from "../task/decide-selection.ts";
import { decideFirstView, decideView, VIEWS, type View } from "../task/decide-view.ts";
import { FailureBox } from "../task/failure-box.tsx";
import { Graph } from "../task/graph.tsx";
import { HeldJob } from "../task/held-job.tsx";
import { Annotations } from "../task/results/annotations.tsx";
import { Summaries } from "../task/results/summaries.tsx";
import { StepList } from "../task/step-list.tsx";
import { StepPanel } from "../task/step-panel.tsx";
import { TaskActions } from "../task/task-actions.tsx";
import { FailedJobs, TaskFacts } from "../task/task-facts.tsx";
import { Timeline } from "../task/timeline.tsx";
import { Way } from "../task/way.tsx";
import { Artifacts } from "./sections/artifacts.tsx";
import { Callbacks } from "./sections/callbacks.tsx";

const POLL_MS = 10_000;

export function TaskPage({ id }: { id: string }) {
  const task = useResource<TaskView>(v1.task(id), { reloadOn: ({ subject }) => subject === id, patch: applyToTask });
  const view = task.data.value;
  const isOpen = view !== undefined && !STATE_LOOKS[view.state].ended;
  // No event says that a runner has fallen silent.
  usePolling(POLL_MS, () => {
    if (isOpen) task.reload();
  });
  usePageTitle(view && `${STATE_LOOKS[view.state].glyph} ${withoutBackticks(view.title)}`);
  return (
    <>
      {view === undefined && task.problem.value ? <PageHeader title={`Task ${id.slice(-8)}`} /> : null}
      <Loaded resource={task}>{(one) => <Task task={one} />}</Loaded>
    </>
  );
}

function Task({ task }: { task: TaskView }) {
  const { query } = address.value;
  const selected = decideSelection(task, { job: query.get("job"), step: query.get("step") });
  const first = useRef(decideFirstView(task)).current;
  const view = decideView(query.get("view"), first, isNarrow.value);
  useTaskShortcuts(task, selected);
  const isFailureOfStep = task.jobs.some((job) => job.steps.some((step) => step.failure));
  return (
    <div class={`task view-${view}`}>
      <Header task={task} />
      {task.jobs
        .filter((job) => job.state === "held")
        .map((job) => (
          <HeldJob task={task} job={job} key={job.key} />
        ))}
      <WaitingJobs task={task} />
      <Way task={task} />
      {task.failure && !isFailureOfStep ? (
        <FailureBox failure={task.failure} isPlatformError={task.state === "errored"} />
      ) : null}
      {view === "log" ? null : <ViewTabs current={view} />}
      <div class="task-body">
        {view === "graph" ? <Graph task={task} selected={selected} /> : null}
        {view === "list" ? <StepList task={task} selected={selected} /> : null}
        {view === "timeline" ? <Timeline task={task} selected={selected} /> : null}
        {selected ? <StepPanel task={task} selected={selected} /> : null}
      </div>
      {view === "log" ? null : <TaskPlan task={task} />}
      {view === "log" ? null : <Annotations task={task} />}
      {view === "log" ? null : <Summaries task={task} />}
      <Details task={task} />
    </div>
  );
}

function useTaskShortcuts(task: TaskView, selected: Selection | undefined): void {
  const select = (next: Selection | undefined): void => {
    if (!next) return;
    go(withQuery({ ...next, attempt: undefined }), { replace: true });
    // The focus stays where it is, so a screen reader would not notice the new selection.
    announcement.value = positionText(task, next);
  };
  const show = (view: View): void => go(withQuery({ view }), { replace: true });
  useShortcuts({
    j: () => select(decideMove(task, selected, 1)),
    k: () => select(decideMove(task, selected, -1)),
    f: () => select(decideNextFailure(task, selected)),
    l: () => document.getElementById("log")?.focus(),
    1: () => show("graph"),
    2: () => show("list"),
    3: () => show("timeline"),
  });
}

function Header({ task }: { task: TaskView }) {
  return (
    <>
      <header class="title task-title">
        <div>
          <StateBadge state={task.state} />
          <h1 title={withTaskTitles(task.headline)}>
            <TaskText text={readable(task.headline)} />
          </h1>
        </div>
        <div class="actions">
          <TaskActions task={task} />
        </div>
      </header>
      <FailedJobs task={task} />
      <TaskFacts task={task} />
    </>
  );
}

function ViewTabs({ current }: { current: View }) {
  return (
    <div class="views">
      <nav class="tabs" aria-label="View of the task">
        {VIEWS.map((one) => (
          <a
            key={one}
            href={withQuery({ view: one })}
            aria-current={one === current ? "true" : undefined}
            class={`tab-${one}`}
          >
            {one[0]?.toUpperCase() + one.slice(1)}
          </a>
        ))}
      </nav>
    </div>
  );
}

function Details({ task }: { task: TaskView }) {
  return (
    <div class="details-row">
      <Artifacts task={task} />
      <Callbacks task={task} />
      <section>
        <h2>Outputs</h2>
        {Object.keys(task.outputs).length === 0 ? (
          <p class="quiet">No outputs yet.</p>
        ) : (
          <KeyValueList values={task.outputs} />
        )}
      </section>
      <section>
        <h2>Parameters</h2>
        {Object.keys(task.params).length === 0 ? (
          <p class="quiet">No parameters were given.</p>
        ) : (
          <KeyValueList values={task.params} />
        )}
      </section>
    </div>
  );
}

// One task: a sentence, its facts, the same data as graph, list or timeline, and the selected step.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { useRef } from "preact/hooks";
import { to, v1 } from "../data/api.ts";
import { applyToTask } from "../data/apply-event.ts";
import { useResource } from "../data/store.ts";
import { usePolling } from "../data/use-polling.ts";
import { useTitle } from "../frame/page-title.ts";
import { address, go, withQuery } from "../frame/router.ts";
import { useShortcuts } from "../frame/shortcuts.ts";
import { readable } from "../parts/format.ts";
import { Loaded } from "../parts/loading-states.tsx";
import { StateBadge } from "../parts/state-badge.tsx";
import { CopyableId, Duration, KeyValueList, RelativeTime } from "../parts/values.tsx";
import { decideMove, decideNextFailure, decideSelection, type Selection } from "../task/decide-selection.ts";
import { FailureBox } from "../task/failure-box.tsx";
import { Graph } from "../task/graph.tsx";
import { StepPanel } from "../task/step-panel.tsx";
import { HeldBox, TaskActions } from "../task/task-actions.tsx";
import { StepList, Timeline } from "../task/views.tsx";

const VIEWS = ["graph", "list", "timeline"] as const;
type View = (typeof VIEWS)[number] | "log";

export function TaskPage({ id }: { id: string }) {
  const task = useResource<TaskView>(v1.task(id), { on: ({ subject }) => subject === id, patch: applyToTask });
  const view = task.data.value;
  const isOpen = view !== undefined && !STATE_LOOKS[view.state].ended;
  // Whether a runner is still heard is no event.
  usePolling(10_000, () => {
    if (isOpen) task.reload();
  });
  useTitle(view === undefined ? "Task" : `${STATE_LOOKS[view.state].glyph} ${view.title}`);
  return <Loaded of={task}>{(one) => <Task task={one} />}</Loaded>;
}

function Task({ task }: { task: TaskView }) {
  const { query } = address.value;
  const selected = decideSelection(task, { job: query.get("job"), step: query.get("step") });
  const opened = useRef(openedView(task)).current;
  const view = viewOf(query.get("view"), opened);
  const select = (next: Selection | undefined): void => {
    if (next) go(withQuery({ ...next, attempt: undefined }), { replace: true });
  };
  useShortcuts({
    j: () => select(decideMove(task, selected, 1)),
    k: () => select(decideMove(task, selected, -1)),
    f: () => select(decideNextFailure(task, selected)),
    l: () => document.getElementById("log")?.focus(),
    1: () => go(withQuery({ view: "graph" }), { replace: true }),
    2: () => go(withQuery({ view: "list" }), { replace: true }),
    3: () => go(withQuery({ view: "timeline" }), { replace: true }),
  });
  const held = task.jobs.filter((job) => job.state === "held");
  const isFailureShown = task.failure !== undefined && !task.jobs.some((job) => job.steps.some((step) => step.failure));
  return (
    <div class={`task view-${view}`}>
      <header class="title task-title">
        <div>
          <StateBadge state={task.state} />
          <h1 title={task.headline}>{readable(task.headline)}</h1>
        </div>
        <div class="actions">
          <TaskActions task={task} />
        </div>
      </header>
      <FactsLine task={task} />
      {held.map((job) => (
        <HeldBox task={task} job={job} key={job.key} />
      ))}
      {isFailureShown && task.failure ? <FailureBox failure={task.failure} isOurs={task.state === "errored"} /> : null}
      {view === "log" ? null : (
        <div class="views">
          <nav class="tabs" aria-label="View of the task">
            {VIEWS.map((one) => (
              <a
                key={one}
                href={withQuery({ view: one })}
                aria-current={one === view ? "true" : undefined}
                class={`tab-${one}`}
              >
                {one[0]?.toUpperCase() + one.slice(1)}
              </a>
            ))}
          </nav>
        </div>
      )}
      <div class="task-body">
        {view === "graph" ? <Graph task={task} selected={selected} /> : null}
        {view === "list" ? <StepList task={task} selected={selected} /> : null}
        {view === "timeline" ? <Timeline task={task} selected={selected} /> : null}
        {selected ? <StepPanel task={task} selected={selected} /> : null}
      </div>
      <Details task={task} />
    </div>
  );
}

const NARROW = matchMedia("(max-width: 719px)");
const MANY = 150;

/**
 * What a task opens as: the list has the log of the failing step beside it, in view at once, and is quick for huge tasks.
 * A task that fails while somebody looks at its graph stays a graph.
 */
function openedView(task: TaskView): View {
  const hasFailed = STATE_LOOKS[task.state].ended && task.failedAt !== undefined;
  return hasFailed || task.jobs.length > MANY ? "list" : "graph";
}

function viewOf(asked: string | null, opened: View): View {
  if (asked === "log") return "log";
  if (NARROW.matches) return "list";
  return VIEWS.find((one) => one === asked) ?? opened;
}

function FactsLine({ task }: { task: TaskView }) {
  const open = STATE_LOOKS[task.state].ended ? undefined : task.startedAt;
  return (
    <p class="facts-line soft">
      {task.app === undefined ? null : (
        <span>
          app <a href={to.app(task.app)}>{task.app}</a>
        </span>
      )}
      <span>
        pipeline <a href={to.pipeline(task.pipeline)}>{task.pipeline}</a> <CopyableId value={task.definition.version} />
      </span>
      <span>
        {task.requestedBy}, <RelativeTime at={task.requestedAt} />
      </span>
      <span>
        took <Duration ms={task.durationMs} since={open} />
      </span>
      <span class="num">
        {task.stepsDone} of {task.stepsTotal} steps
      </span>
      {task.sites.length === 0 ? null : <span>at {task.sites.join(", ")}</span>}
      <span>
        task <CopyableId value={task.id} />
      </span>
      {task.rerunOf === undefined ? null : (
        <span>
          rerun of <a href={to.task(task.rerunOf)}>{task.rerunOf.slice(-8)}</a>
        </span>
      )}
      {task.cancel === undefined ? null : (
        <span>
          cancel by {task.cancel.by} <RelativeTime at={task.cancel.at} />
          {task.cancel.reason === undefined ? "" : `: ${task.cancel.reason}`}
        </span>
      )}
      {task.waiting === undefined ? null : <span class="hue-amber waits">{task.waiting.text}</span>}
    </p>
  );
}

function Details({ task }: { task: TaskView }) {
  return (
    <div class="details-row">
      <section>
        <h2>Outputs</h2>
        {Object.keys(task.outputs).length === 0 ? (
          <p class="quiet">None yet.</p>
        ) : (
          <KeyValueList values={task.outputs} />
        )}
      </section>
      <section>
        <h2>Parameters</h2>
        {Object.keys(task.params).length === 0 ? (
          <p class="quiet">None were given.</p>
        ) : (
          <KeyValueList values={task.params} />
        )}
      </section>
    </div>
  );
}

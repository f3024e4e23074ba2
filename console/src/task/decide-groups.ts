// Groups jobs of one `matrix` or `each`: a graph or list with all of them would be too long to read.

import { STATES, type State } from "@gantry/core/task/states.ts";
import type { JobView, TaskView } from "@gantry/wire/agent/views.ts";
import { hasFailed, type Selection } from "./decide-selection.ts";

/** One job, or a group of at least MIN_GROUP jobs with the same id. */
export type TaskPart =
  | { readonly kind: "job"; readonly key: string; readonly job: JobView }
  | {
      readonly kind: "group";
      readonly key: string;
      readonly title: string;
      readonly jobs: readonly JobView[];
      /** The jobs to show, in the order of the task. */
      readonly shown: readonly JobView[];
      /** The state that most needs attention. */
      readonly state: State;
      /** How many jobs are in each state, the states that most need attention first. */
      readonly counts: readonly (readonly [State, number])[];
    };

export type Group = Extract<TaskPart, { kind: "group" }>;

/** Fewer jobs are shown one by one. */
const MIN_GROUP = 9;
/** Failed, held and running jobs of a collapsed group that are shown. */
const MAX_SHOWN = 8;

const BY_ATTENTION: readonly State[] = [
  "failed",
  "errored",
  "timed-out",
  "held",
  "running",
  "finalizing",
  "waiting",
  "queued",
  "canceled",
  "succeeded",
  "skipped",
];

/** The parts of a task in its order. A group stands where its first job is; `expanded` has the keys of opened groups. */
export function decideParts(
  task: TaskView,
  selected: Selection | undefined,
  expanded: ReadonlySet<string>,
): readonly TaskPart[] {
  const byId = Map.groupBy(task.jobs, (job) => job.id);
  return [...byId].flatMap(([id, jobs]): TaskPart[] => {
    const [first] = jobs;
    if (!first || jobs.length < MIN_GROUP) return jobs.map((job) => ({ kind: "job", key: job.key, job }));
    const key = `${id}[*]`;
    const counts = countStates(jobs);
    const shown = expanded.has(key) ? jobs : jobsToShow(jobs, selected);
    return [{ kind: "group", key, title: first.title, jobs, shown, state: counts[0]?.[0] ?? first.state, counts }];
  });
}

function countStates(jobs: readonly JobView[]): readonly (readonly [State, number])[] {
  const found = Map.groupBy(jobs, (job) => job.state);
  return [...BY_ATTENTION, ...STATES.filter((state) => !BY_ATTENTION.includes(state))].flatMap((state) => {
    const count = found.get(state)?.length ?? 0;
    return count === 0 ? [] : [[state, count] as const];
  });
}

/** The selected job, and the first ones that failed, are held or run. */
function jobsToShow(jobs: readonly JobView[], selected: Selection | undefined): readonly JobView[] {
  const failed = jobs.filter(hasFailed);
  const active = jobs.filter(({ state }) => state === "held" || state === "running");
  const chosen = jobs.filter(({ key }) => key === selected?.job);
  const shown = new Set([...chosen, ...[...failed, ...active].slice(0, MAX_SHOWN)]);
  return jobs.filter((job) => shown.has(job));
}

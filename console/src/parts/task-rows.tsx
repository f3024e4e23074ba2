// Tasks as rows: state, title, status, progress, who requested it and when, duration.

import { STATE_LOOKS } from "@gantry/core/task/states.ts";
import type { TaskSummary } from "@gantry/wire/agent/views.ts";
import { to } from "../data/api.ts";
import { progressWords, readable, starterOf } from "./format.ts";
import { Prose } from "./prose.tsx";
import { StateBadge, StateGlyph } from "./state-badge.tsx";
import { withTaskTitles } from "./task-text.tsx";
import { Duration, RelativeTime } from "./values.tsx";

export function TaskRows({ tasks, label }: { tasks: readonly TaskSummary[]; label: string }) {
  return (
    <ul class="rows" aria-label={label}>
      {tasks.map((task) => (
        <li key={task.id}>
          <a class="row task-row" href={to.task(task.id)}>
            <StateBadge state={task.state} />
            <span class="what">
              <Prose text={task.title} />
              <About about={task.about} />
            </span>
            <span class="says" title={task.headline}>
              <Prose text={readable(withTaskTitles(statusOf(task)))} />
            </span>
            {STATE_LOOKS[task.state].ended ? <span class="progress" /> : <Progress task={task} />}
            <span class="who soft" title={starterOf(task)}>
              {starterOf(task)}
            </span>
            <span class="when soft">
              <RelativeTime at={task.requestedAt} />
            </span>
            <span class="took">
              <Duration ms={task.durationMs} since={task.endedAt === undefined ? task.startedAt : undefined} />
            </span>
          </a>
        </li>
      ))}
    </ul>
  );
}

/** "#12 Mend the till a1b2c3d main Kim → seoul, tokyo": which of many tasks with the same title it is. */
function About({ about }: { about: TaskSummary["about"] }) {
  if (!about) return null;
  const { build, commit, branch, subject, author, targets = [] } = about;
  return (
    <span class="about">
      {build === undefined ? null : <span class="strong">#{build} </span>}
      {subject === undefined ? null : <span>{subject} </span>}
      {commit === undefined ? null : <span class="mono">{commit.slice(0, 7)} </span>}
      {[branch, author].filter((one) => one !== undefined).join(" · ")}
      {targets.length === 0 ? null : <span> → {targets.join(", ")}</span>}
    </span>
  );
}

/** The headline without the title, which the row shows already. */
function statusOf(task: TaskSummary): string {
  const text = task.headline.startsWith(task.title) ? task.headline.slice(task.title.length).trim() : task.headline;
  const plain = `${STATE_LOOKS[task.state].word} after `;
  return text.startsWith(plain) && task.state === "succeeded" ? task.sites.join(", ") : text;
}

/** How far an open task is; an ended task says in its headline how it ended. */
function Progress({ task }: { task: TaskSummary }) {
  const { stepsDone, stepsTotal, stepsSkipped = 0, stepsSucceeded = stepsDone - stepsSkipped } = task;
  const share = (steps: number): string => `${stepsTotal === 0 ? 0 : (steps / stepsTotal) * 100}%`;
  const words = progressWords(stepsSucceeded, stepsTotal, stepsSkipped);
  return (
    <span class={`progress hue-${STATE_LOOKS[task.state].hue}`} title={words}>
      <span class="bar" aria-hidden="true">
        <span style={{ width: share(stepsSucceeded) }} />
        <span class="is-skipped" style={{ width: share(stepsSkipped) }} />
      </span>
      <span class="num soft" aria-hidden="true">
        {stepsSucceeded}/{stepsTotal}
      </span>
      <span class="hidden">{words}</span>
    </span>
  );
}

export function TaskLink({ task }: { task: TaskSummary }) {
  return (
    <a class="task-link" href={to.task(task.id)}>
      <StateGlyph state={task.state} />
      <span>
        <Prose text={task.title} />
      </span>
    </a>
  );
}

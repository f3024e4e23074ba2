// The whole way to a task that something has started: the commit and its author, the tasks before this one, who approved each, and
// where it was deployed.

import type { TaskView } from "@gantry/wire/agent/views.ts";
import { to, v1 } from "../data/api.ts";
import { useResource } from "../data/store.ts";
import { Prose } from "../parts/prose.tsx";
import { StateGlyph } from "../parts/state-badge.tsx";
import { RelativeTime } from "../parts/values.tsx";

/** Longer ones are cut at their beginning; the task-agent starts no more after one another. */
const MAX_STEPS = 11;

/** Nothing for a task that a person started. */
export function Way({ task }: { task: TaskView }) {
  if (task.trigger === undefined) return null;
  return (
    <section aria-label="What led here">
      <h2>What led here</h2>
      <ol class="messages">
        <Before task={task} depth={MAX_STEPS} />
        <Stage task={task} isThis={true} />
      </ol>
    </section>
  );
}

/** What was before: another task with all that was before it, or a commit. */
function Before({ task: { trigger }, depth }: { task: TaskView; depth: number }) {
  if (trigger?.task !== undefined && depth > 0) return <Earlier id={trigger.task} depth={depth - 1} />;
  if (trigger?.commit === undefined) return null;
  const { commit, author, subject, url, text } = trigger;
  const short = <span class="mono">{commit.slice(0, 7)}</span>;
  return (
    <li>
      <StateGlyph state="succeeded" />
      <div>
        <p>
          <span class="strong">
            <Prose text={`${text[0]?.toUpperCase() ?? ""}${text.slice(1)}`} />
          </span>
        </p>
        <p class="soft">
          {url === undefined ? (
            short
          ) : (
            <a class="in-text" href={url} rel="noreferrer">
              {short}
            </a>
          )}{" "}
          {subject === undefined ? null : <Prose text={subject} />}
          {author === undefined ? null : ` by ${author}`}
        </p>
      </div>
    </li>
  );
}

/** A task that the reader may not see is left out, with what was before it. */
function Earlier({ id, depth }: { id: string; depth: number }) {
  const task = useResource<TaskView>(v1.task(id), { reloadOn: ({ subject }) => subject === id }).data.value;
  if (!task) return null;
  return (
    <>
      <Before task={task} depth={depth} />
      <Stage task={task} isThis={false} />
    </>
  );
}

function Stage({ task, isThis }: { task: TaskView; isThis: boolean }) {
  const answers = task.jobs.flatMap(({ key, approval }) => (approval?.answers ?? []).map((one) => ({ ...one, key })));
  return (
    <li>
      <StateGlyph state={task.state} />
      <div>
        <p>
          {isThis ? (
            <span class="strong" aria-current="step">
              <Prose text={task.title} />
            </span>
          ) : (
            <a class="strong" href={to.task(task.id)}>
              <Prose text={task.title} />
            </a>
          )}{" "}
          <span class="soft">at {task.sites.join(", ")}</span>
        </p>
        {answers.map(({ key, by, at, answer, reason }) => (
          <p class="soft" key={`${key} ${by}`}>
            {answer === "approve" ? "Approved" : "Rejected"} by {by}, <RelativeTime at={at} />
            {reason === undefined ? null : (
              <>
                : <Prose text={reason} />
              </>
            )}
          </p>
        ))}
      </div>
      <span class="soft when">
        <RelativeTime at={task.requestedAt} />
      </span>
    </li>
  );
}

// Sentences of the task-agent that name another task: the id becomes a link with the title of that task. Backticks become code.

import type { TaskSummary } from "@gantry/wire/agent/views.ts";
import type { ComponentChildren } from "preact";
import { to } from "../data/api.ts";
import { recentTasks } from "../data/attention.ts";
import { Prose, withoutBackticks } from "./prose.tsx";

/** An id as core/task/task-id.ts makes it. */
const TASK_ID = /^t[0-9a-z]{19}$/;
const WORDS = /(\bt[\w-]{5,}\b)/;

export function TaskText({ text }: { text: string }): ComponentChildren {
  return text.split(WORDS).map((word, at) => {
    const known = findTask(word);
    if (!known && !TASK_ID.test(word)) return <Prose key={at} text={word} />;
    return (
      <a key={word} class="in-text" href={to.task(word)} title={word}>
        {known ? <Prose text={known.title} /> : word.slice(-8)}
      </a>
    );
  });
}

/** The same as plain text, for places that are inside of a link already. */
export function withTaskTitles(text: string): string {
  return text
    .split(WORDS)
    .map((word) => titleOf(word) ?? (TASK_ID.test(word) ? word.slice(-8) : word))
    .join("");
}

function titleOf(id: string): string | undefined {
  const title = findTask(id)?.title;
  return title === undefined ? undefined : withoutBackticks(title);
}

function findTask(id: string): TaskSummary | undefined {
  return recentTasks.value.find((task) => task.id === id);
}

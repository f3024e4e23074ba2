// Sentences of the task-agent that people read. Those about tasks in general are in core/task/messages.ts.

import { STATE_LOOKS, type State } from "@gantry/core/task/states.ts";

/** "Run CD: orders is running at deploy[tokyo]: wait." */
export function waitingHeadline(
  title: string,
  state: State,
  waiting: string | undefined,
  active: readonly string[],
): string {
  const { word } = STATE_LOOKS[state];
  if (waiting) return `${title} is ${word}. ${waiting}`;
  if (active.length > 0) return `${title} is ${word} at ${active.join(", ")}.`;
  return `${title} is ${word}.`;
}

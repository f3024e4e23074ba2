// The Markdown that a step writes about itself travels and is kept like a log, under a name beside the log of the step. An
// older task-agent knows no step of this name and refuses it; the runner then goes on without it.

const PREFIX = "summary:";

/** Bytes of the summary of one step, with the sentence that says that it was cut. */
export const MAX_SUMMARY = 1_048_576;

/** The ids of steps contain no colon. */
export function summaryLogOf(step: string): string {
  return `${PREFIX}${step}`;
}

/** The step that the log of this name belongs to. */
export function stepOfLog(name: string): string {
  return name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
}

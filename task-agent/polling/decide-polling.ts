// What a source of polling does next, and what becomes of it when a task has ended. Pure.

import { parseDuration } from "@gantry/core/pipeline/duration.ts";
import { type Polled, polled } from "@gantry/core/poll/polled.ts";
import type { AppState, TaskState } from "@gantry/core/task/model.ts";
import { textAt } from "@gantry/core/webhook/look-up.ts";
import { openNames } from "@gantry/core/webhook/names.ts";
import type { SourceState } from "./poll-stream.ts";
import type { PollSource } from "./polling-config.ts";

/** As many repositories are looked at by one task. */
export const LOOK_AT_ONCE = 100;
export const READ_AT_ONCE = 20;

export function newSource(source: string): SourceState {
  return { source, round: 0, lookAt: 0, look: [], read: [], failed: {} };
}

/** Whether the repository of the app is polled by the source. */
export function isPolledBy(config: PollSource, { state, record }: Pick<AppState, "state" | "record">): boolean {
  const repository = repositoryOf(record);
  const system = textAt(record, "source", "system");
  if (state === "removed" || repository === undefined) return false;
  if (system !== undefined && config.system !== undefined && system !== config.system) return false;
  return openNames(config.repositories)(repository);
}

/** Each once, as the first app writes it: hosts ignore the case of names. */
export function repositoriesOf(config: PollSource, apps: readonly AppState[]): readonly string[] {
  const found = new Map<string, string>();
  for (const app of apps) {
    const repository = isPolledBy(config, app) ? repositoryOf(app.record) : undefined;
    if (repository !== undefined && !found.has(repository.toLowerCase()))
      found.set(repository.toLowerCase(), repository);
  }
  return [...found.values()].toSorted();
}

function repositoryOf(record: AppState["record"]): string | undefined {
  const [project, slug] = [textAt(record, "source", "project"), textAt(record, "source", "slug")];
  return project === undefined || slug === undefined ? undefined : `${project}/${slug}`;
}

/** `share`: between 0 and 1; so much of a tenth of the interval is added. */
export function nextLook({ every }: PollSource, now: number, share: number): number {
  const everyMs = parseDuration(every) ?? 0;
  return now + everyMs + Math.floor((everyMs / 10) * share);
}

/** What an ended task has found, or why it has found nothing. */
export function foundBy(task: TaskState | undefined, id: string): Polled | { readonly problem: string } {
  if (!task) return { problem: `Task ${id} is gone.` };
  const job = Object.values(task.jobs)[0];
  if (task.outcome !== "succeeded" || !job) {
    const why = task.failure ?? job?.failure;
    return { problem: `Task ${id} ${task.outcome ?? "has not ended"}${why ? `: ${why.message}` : ""}` };
  }
  const read = polled.safeParse(job.steps.find((one) => one.id === "poll")?.outputs);
  return read.success ? read.data : { problem: `What task ${id} has handed over cannot be understood.` };
}

/** The source after its task. */
export function settled(state: SourceState, found: Polled | { readonly problem: string }, now: number): SourceState {
  const { task, ...rest } = state;
  if (!task) return state;
  const last = { at: now, ...(task.id === undefined ? {} : { task: task.id }) };
  if ("problem" in found) return { ...rest, look: [], read: [], last: { ...last, problem: found.problem } };
  const asked = new Set(task.repositories);
  const problems = found.failed.filter(({ repository }) => asked.has(repository));
  const others = Object.entries(state.failed).filter(([repository]) => !asked.has(repository));
  const failed = Object.fromEntries([...others, ...problems.map((one) => [one.repository, one.problem] as const)]);
  return { ...rest, failed, last, read: stillToRead(state, found) };
}

/** After a look, what has changed. After reading, what did not fit into one task; a task that has found nothing is not repeated. */
function stillToRead({ task, read }: SourceState, found: Polled): readonly string[] {
  const asked = task?.repositories ?? [];
  const waiting = read.filter((one) => !asked.includes(one));
  if (!task?.read) return [...waiting, ...found.changed.filter((one) => asked.includes(one) && !waiting.includes(one))];
  if (found.found.length === 0) return waiting;
  const isDone = new Set([
    ...found.found.flatMap(({ repository, isWhole, changes }) => (isWhole || changes.length === 0 ? [repository] : [])),
    ...found.failed.map(({ repository }) => repository),
  ]);
  return [...waiting, ...found.changed.filter((one) => asked.includes(one) && !isDone.has(one))];
}

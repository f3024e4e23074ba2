// Effects whose end was not reported although their job has succeeded.

import type { TaskEventOf } from "./events.ts";
import type { JobState, TaskState } from "./model.ts";

/**
 * An attempt that was killed during a change leaves its effect begun. If the next attempt finds nothing left to change, it
 * does not request the effect again; the success of its step shows that the change was made. Done only at the end of the
 * job, because another attempt would need the result of the effect and must probe for it.
 */
export function effectsSettled(state: TaskState, job: JobState, now: number): readonly TaskEventOf<"EffectEnded">[] {
  const done = new Set(job.steps.filter((step) => step.state === "succeeded").map(({ id }) => id));
  return ended(state, job, now, (step) => done.has(step));
}

/**
 * All begun effects of a job that a person marks as done: that person has checked them, or takes responsibility for them.
 */
export function effectsMarkedDone(state: TaskState, job: JobState, now: number): readonly TaskEventOf<"EffectEnded">[] {
  return ended(state, job, now, () => true);
}

function ended(
  state: TaskState,
  job: JobState,
  now: number,
  isDone: (step: string) => boolean,
): readonly TaskEventOf<"EffectEnded">[] {
  return Object.entries(state.effects)
    .filter(([, effect]) => effect.job === job.key && effect.state === "begun" && isDone(effect.step))
    .map(([key]) => ({ kind: "EffectEnded", at: now, job: job.key, attempt: job.attempt, key, result: {} }));
}

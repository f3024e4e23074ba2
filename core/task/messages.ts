// The sentences about tasks that people read, wherever they read them: lists, pages, mail, chat.

import type { Pipeline } from "../pipeline/pipeline.ts";
import type { Failure } from "../step/outcome.ts";
import type { FailedAt, Resolved, TaskState } from "./model.ts";
import { type Outcome, STATE_LOOKS } from "./states.ts";

type Ending = {
  readonly outcome: Outcome;
  readonly durationMs: number;
  readonly failure: Failure | undefined;
  readonly failedAt: FailedAt | undefined;
};

/** "Run CD: orders failed at deploy[tokyo]: wait after 1 m 12 s. Degraded: image not found" */
export function headline(state: TaskState, end: Ending): string {
  const place = end.failedAt ? ` at ${placeName(end.failedAt)}` : "";
  const why = end.failure ? ` ${end.failure.message}${end.failure.line ? ` ${end.failure.line}` : ""}` : "";
  const by = end.outcome === "canceled" && state.cancel ? ` by ${state.cancel.by}` : "";
  const decided = end.outcome === "succeeded" ? markedDone(state) : "";
  return `${state.title} ${STATE_LOOKS[end.outcome].word}${by}${place} after ${duration(end.durationMs)}.${why}${decided}`;
}

/** A task must not look as if it had succeeded by itself when a person has decided so. */
function markedDone(state: TaskState): string {
  const jobs = Object.values(state.jobs).filter(({ resolved }) => resolved?.answer === "mark-done");
  return jobs.map(({ key, resolved }) => (resolved ? ` ${decision(resolved, key)}` : "")).join("");
}

/** "ops marked deploy[seoul] as done: the pods run." */
export function decision({ by, answer, reason }: Resolved, job: string): string {
  const what = {
    "mark-done": `marked ${job} as done`,
    fail: `ended ${job} as failed`,
    "run-again": `ran ${job} again`,
  };
  return `${by} ${what[answer]}${reason ? `: ${reason.replace(/\.$/, "")}` : ""}.`;
}

/** The place with the title of the step, as people know it, for its id. */
export function titledPlace(place: FailedAt, state: TaskState, pipeline: Pipeline): FailedAt {
  const id = state.jobs[place.job]?.id;
  const job = [...pipeline.jobs, ...pipeline.finally].find((one) => one.id === id);
  const step = job?.steps.find((one) => one.id === place.step);
  return step ? { job: place.job, step: step.title } : place;
}

export function placeName(place: FailedAt): string {
  return place.step ? `${place.job}: ${place.step}` : place.job;
}

/** 850 → "0.9 s", 72_000 → "1 m 12 s", 3_700_000 → "1 h 2 m". */
export function duration(ms: number): string {
  if (ms < 9_950) return `${(Math.max(0, ms) / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} m ${seconds % 60} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} m`;
}

export function taskTitle(button: string, app: string | undefined): string {
  return app ? `${button}: ${app}` : button;
}

// The sentences about tasks for lists, pages, mail and chat.

import type { Pipeline } from "../pipeline/pipeline.ts";
import type { Failure } from "../step/outcome.ts";
import { failedJobs, placeName, placeOf, toleratedJobs } from "./failed-places.ts";
import type { Resolved, TaskState } from "./model.ts";
import { type Outcome, STATE_LOOKS } from "./states.ts";

type Ending = {
  readonly outcome: Outcome;
  readonly durationMs: number;
  readonly failure: Failure | undefined;
};

/** More failed places than this are only counted. */
const MAX_PLACES = 3;

/**
 * "Run CD: orders failed at deploy[seoul]: Wait and deploy[tokyo]: Wait after 1 m 12 s. Degraded: image not found". Every
 * place that failed is named, up to three.
 */
export function headline(state: TaskState, pipeline: Pipeline, end: Ending): string {
  const place = end.outcome === "canceled" ? "" : failedPlaces(state, pipeline);
  const why = end.failure ? ` ${end.failure.message}${end.failure.line ? ` ${end.failure.line}` : ""}` : "";
  const by = state.cancel ? ` by ${state.cancel.by}` : "";
  const ended = end.outcome === "canceled" ? `was canceled${by}` : STATE_LOOKS[end.outcome].word;
  const decided = end.outcome === "succeeded" ? `${tolerated(state, pipeline)}${markedDone(state)}` : "";
  return `${state.title} ${ended}${place} after ${duration(end.durationMs)}.${why}${decided}`;
}

/** A task that went on after a failure must not look as if nothing had failed. */
function tolerated(state: TaskState, pipeline: Pipeline): string {
  const names = toleratedJobs(state).map((job) => placeName(placeOf(job), state, pipeline));
  const shown =
    names.length > MAX_PLACES
      ? [...names.slice(0, MAX_PLACES - 1), `${names.length - MAX_PLACES + 1} more jobs`]
      : names;
  return shown.length === 0 ? "" : ` Tolerated by continueOnError: ${shown.join(", ")}.`;
}

/** A task that a person marked as done must not look as if it had succeeded by itself. */
function markedDone(state: TaskState): string {
  const jobs = Object.values(state.jobs).filter(({ resolved }) => resolved?.answer === "mark-done");
  return jobs.map(({ key, resolved }) => (resolved ? ` ${decision(resolved, key)}` : "")).join("");
}

/** What a person did with a held job: "marked deploy[seoul] as done". */
export function answerInWords(answer: string, job: string): string {
  if (answer === "mark-done") return `marked ${job} as done`;
  if (answer === "fail") return `ended ${job} as failed`;
  return answer === "run-again" ? `ran ${job} again` : `decided about ${job}`;
}

/** "ops marked deploy[seoul] as done: the pods run." */
export function decision({ by, answer, reason }: Resolved, job: string): string {
  return `${by} ${answerInWords(answer, job)}${reason ? `: ${reason.replace(/\.$/, "")}` : ""}.`;
}

/** " at build: Run the tests", " at a, b and 46 more jobs"; empty when no job failed. */
function failedPlaces(state: TaskState, pipeline: Pipeline): string {
  const failed = failedJobs(state);
  const shown = failed.length > MAX_PLACES ? failed.slice(0, MAX_PLACES - 1) : failed;
  const names = shown.map((job) => placeName(placeOf(job), state, pipeline));
  if (shown.length < failed.length) names.push(`${failed.length - shown.length} more jobs`);
  const last = names.pop();
  if (last === undefined) return "";
  return names.length === 0 ? ` at ${last}` : ` at ${names.join(", ")} and ${last}`;
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

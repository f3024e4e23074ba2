// What the expressions of a task can see, at the level of jobs. The runner adds `steps` and `secrets`, and changes `status`
// once a step of the job did not succeed. Secret parameters are in none of them: the runner adds those that a step names.

import type { JsonObject, JsonValue } from "../json.ts";
import { type Job, mayWait, type Pipeline } from "../pipeline/pipeline.ts";
import { withoutSecretParams } from "../pipeline/secret-params.ts";
import { BY_PERSON } from "../trigger/facts.ts";
import { hasFailed } from "./failed-places.ts";
import type { JobState, Rollback, TaskState } from "./model.ts";
import { isBad } from "./states.ts";

export function taskScope(pipeline: Pipeline, state: TaskState): JsonObject {
  return {
    params: withoutSecretParams(pipeline.params, state.params),
    app: state.appScope,
    ...(state.build === undefined ? {} : { build: state.build }),
    task: {
      id: state.id,
      url: state.url,
      requestedBy: state.requestedBy,
      pipeline: state.pipeline,
      app: state.app ?? "",
      ...rollbackScope(state.rollback),
    },
    trigger: state.trigger ?? BY_PERSON,
  };
}

/**
 * `task.rollback`, absent for other tasks. `from`: the builds that it takes back, as text; `reverts`: the commits of the yaml
 * repository that deployed them, as far as they are known.
 */
export function rollbackScope(rollback: Rollback | undefined): JsonObject {
  if (rollback === undefined) return {};
  const taken = Object.values(rollback.from);
  const builds = [...new Set(taken.flatMap(({ build }) => (build === undefined ? [] : [`#${build}`])))];
  const reverts = [...new Set(taken.flatMap(({ commit }) => commit ?? []))];
  return { rollback: { from: builds.join(", "), reverts, reason: rollback.reason ?? "" } };
}

/** The scope of one job: the task's scope and the jobs that it needs. With `job`, also its own site, element and status. */
export function jobScope(pipeline: Pipeline, state: TaskState, jobId: string, job?: JobState): JsonObject {
  const definition = [...pipeline.jobs, ...pipeline.finally].find((one) => one.id === jobId);
  const final = pipeline.finally.some((one) => one.id === jobId);
  const needs = needsOf(state, visibleJobs(pipeline, jobId));
  return {
    ...taskScope(pipeline, state),
    needs,
    jobs: needs,
    ...(job ? { site: job.site, each: job.each } : {}),
    ...(job && state.siteDefaults ? { defaults: defaultsAt(state, job.site) } : {}),
    ...(job && definition ? { status: statusBefore(pipeline, state, definition, final) } : {}),
    ...(job && definition && mayWait(definition) ? { approval: approvalScope(job) } : {}),
  };
}

/** The ids of the jobs whose results a job sees: those that it needs, and for a job of `finally` all of `jobs`. */
export function visibleJobs(pipeline: Pipeline, jobId: string): readonly string[] {
  const final = pipeline.finally.find((one) => one.id === jobId);
  if (final) return pipeline.jobs.map((one) => one.id).concat(final.needs);
  return pipeline.jobs.find((one) => one.id === jobId)?.needs ?? [];
}

/** The defaults of a site, as they were when the task was requested. */
export function defaultsAt({ siteDefaults = {} }: TaskState, site: string): JsonObject {
  return (Object.hasOwn(siteDefaults, site) ? siteDefaults[site] : undefined) ?? {};
}

/**
 * The status of everything that a job waits for: of the whole task for a job of `finally`, otherwise of the jobs that it
 * needs.
 */
export function statusBefore(
  pipeline: Pipeline,
  state: TaskState,
  job: Job,
  final: boolean,
): "succeeded" | "failed" | "canceled" {
  const before = final ? pipeline.jobs.map((one) => one.id).concat(job.needs) : job.needs;
  const jobs = before
    .flatMap((id) => (state.expanded[id] ?? []).map((key) => state.jobs[key]))
    .filter((one) => one !== undefined);
  if (jobs.some((one) => hasFailed(one) || one.skipped === "upstream")) return "failed";
  return state.cancel ? "canceled" : "succeeded";
}

/** The scope of the pipeline's own `outputs` and `remember`: every job. */
export function outputScope(pipeline: Pipeline, state: TaskState): JsonObject {
  const jobs = needsOf(
    state,
    [...pipeline.jobs, ...pipeline.finally].map((one) => one.id),
  );
  return { ...taskScope(pipeline, state), jobs, needs: jobs };
}

/** Texts are empty where nobody was asked. */
function approvalScope({ approval }: JobState): JsonObject {
  const given = approval?.answers.filter(({ answer }) => answer === "approve") ?? [];
  const inputs: JsonObject = Object.assign({}, ...given.map((one) => one.inputs ?? {}));
  const reasons = given.flatMap(({ reason }) => reason ?? []);
  return { by: given.map(({ by }) => by).join(", "), reason: reasons.join("; "), inputs };
}

function needsOf(state: TaskState, ids: readonly string[]): JsonObject {
  return Object.fromEntries(ids.map((id): [string, JsonValue] => [id, needOf(state, id)]));
}

function needOf(state: TaskState, id: string): JsonObject {
  const jobs = (state.expanded[id] ?? []).map((key) => state.jobs[key]).filter((job) => job !== undefined);
  // A job whose key is its id is the only one of that id, or represents a list that was empty or is not known yet.
  const elements = jobs.filter((job) => job.key !== id);
  const each = elements.map((job) => {
    const { each, outcome = "", outputs } = job;
    return { each, outcome, outputs, ...(job.approval ? { approval: approvalScope(job) } : {}) };
  });
  const outcomes = jobs.map((job) => job.outcome);
  // One that was canceled because another one failed does not hide that failure.
  const worst = outcomes.find(isBad) ?? outcomes.find((outcome) => outcome !== "succeeded" && outcome !== "skipped");
  const [first] = jobs;
  const result = { outcome: worst ?? first?.outcome ?? "skipped", outputs: first?.outputs ?? {}, each };
  return first?.approval ? { ...result, approval: approvalScope(first) } : result;
}

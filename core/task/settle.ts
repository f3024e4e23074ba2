// Derives the events that follow from the state of a task: jobs become ready, are skipped or canceled, and the task ends.
// Called after every decision until nothing follows any more, so a consequence never waits for another trigger.

import { sitesOfRecord } from "../app/targets.ts";
import { readBuildFacts } from "../build/build.ts";
import { toldOf } from "../callback/decide-callbacks.ts";
import { followGroup, leaveGroup } from "../concurrency/job-group.ts";
import { GantryError } from "../errors.ts";
import { evaluateCondition } from "../expr/condition.ts";
import { checkExpression, expressionFailed } from "../expr/expression.ts";
import { unmetText } from "../expr/in-words.ts";
import { referencesIn, render, renderText } from "../expr/template.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts";
import { expandJob, MAX_TASK_JOBS, shownEach } from "../pipeline/expand.ts";
import { type Job, mayWait, type Pipeline, type Template } from "../pipeline/pipeline.ts";
import { type Failure, failureOf } from "../step/outcome.ts";
import { isCanceled } from "./decision.ts";
import type { TaskEvent } from "./events.ts";
import { evolveAll } from "./evolve.ts";
import { endExpired, failureOfExpired, followJobExpiry, followTaskExpiry } from "./expiry.ts";
import { failedJobs, hasFailed, placeOf } from "./failed-places.ts";
import { askOnce, forkWord, isFromFork } from "./from-fork.ts";
import { followGate, type GateFacts } from "./gate.ts";
import { headline } from "./messages.ts";
import type { DeployedTarget, JobState, TaskResult, TaskState } from "./model.ts";
import { defaultsAt, jobScope, outputScope, statusBefore, taskScope } from "./scope.ts";
import { cancelOthers, roomFor } from "./settle-many.ts";
import { isBad, type Outcome } from "./states.ts";

/**
 * The events that follow from `state` at this time, in order; folding them in gives a state from which nothing follows until
 * `nextTurn` (gate.ts), unless the facts change.
 */
export function settle(pipeline: Pipeline, state: TaskState, now: number, gates: GateFacts): TaskEvent[] {
  const all: TaskEvent[] = [];
  for (let current = state; ; ) {
    const events = follow(pipeline, current, now, gates);
    if (events.length === 0) return all;
    all.push(...events);
    current = evolveAll(current, events);
  }
}

function follow(pipeline: Pipeline, state: TaskState, now: number, gates: GateFacts): TaskEvent[] {
  if (state.phase === "ended") return [];
  const expired = followTaskExpiry(pipeline, state, now);
  if (expired) return [expired];
  if (state.expired) {
    const ended = endExpired(pipeline, state, now);
    return ended.length > 0 ? [...ended] : [end(pipeline, state, now)];
  }
  if (state.phase === "queued" && !state.cancel) return [];
  let room = MAX_TASK_JOBS - Object.keys(state.jobs).length;
  const main = pipeline.jobs.flatMap((job) => {
    const events = followJob(pipeline, state, job, { final: false, room, now, gates });
    if (events.length > 0)
      room -= events.reduce((total, event) => total + (event.kind === "JobExpanded" ? event.jobs.length : 0), 0);
    return events;
  });
  if (main.length > 0) return askOnce(state, main);
  if (!allEnded(state, pipeline.jobs)) return [];
  if (pipeline.finally.length === 0 || Object.keys(state.jobs).length === 0) return [end(pipeline, state, now)];
  if (state.phase !== "finalizing") return [{ kind: "TaskFinalizing", at: now }];
  // Clean-up runs, however large the task is.
  const pass = { final: true, room: Infinity, now, gates };
  const last = pipeline.finally.flatMap((job) => followJob(pipeline, state, job, pass));
  if (last.length > 0) return last;
  return allEnded(state, pipeline.finally) ? [end(pipeline, state, now)] : [];
}

/** `room`: how many more jobs the task may have. */
type Pass = { readonly final: boolean; readonly room: number; readonly now: number; readonly gates: GateFacts };

function followJob(pipeline: Pipeline, state: TaskState, job: Job, pass: Pass): TaskEvent[] {
  const keys = state.expanded[job.id];
  if (!keys) return expand(pipeline, state, job, pass);
  // Of a thousand jobs, a decision is about one: most have ended, or wait for others.
  if (keys.every((key) => state.jobs[key]?.phase === "ended")) return [];
  if (!state.cancel && !needsEnded(state, job) && keys.every((key) => isUntouched(state.jobs[key]))) return [];
  const canceled = cancelOthers(state, job, pass.now);
  if (canceled.length > 0) return canceled;
  let free = roomFor(state, job);
  return keys.flatMap((key) => {
    const one = state.jobs[key];
    if (!one) return [];
    // Without room none begins, but one that is ready may be held again, and all of them expire.
    if (free <= 0 && one.phase === "pending" && !isCanceled(state, one))
      return followJobExpiry(job, one, pass.now) ?? [];
    const events = followOne(pipeline, state, job, one, pass);
    free -= events.filter(({ kind }) => kind === "JobReady" || kind === "ChildRequested").length;
    return events;
  });
}

function followOne(pipeline: Pipeline, state: TaskState, job: Job, one: JobState, { now, gates }: Pass): TaskEvent[] {
  const canceled = isCanceled(state, one);
  if (canceled && (one.phase === "pending" || one.phase === "ready" || one.phase === "held")) {
    return [{ kind: "JobEnded", at: now, job: one.key, outcome: "canceled", outputs: {} }];
  }
  // Before its first attempt, a job that is ready can be held again: no runner has taken it while a window was open.
  const isReady = one.phase === "ready" && one.attempt === 0 && mayWait(job);
  const expired = followJobExpiry(job, one, now);
  if (expired) return [expired];
  if ((one.phase !== "pending" && !isReady) || !needsEnded(state, job)) return [];
  const status = statusBefore(pipeline, state, job, one.final);
  const unheard = withoutWord(state, one, now);
  if (unheard) return [unheard];
  const kept = state.kept[one.key];
  if (kept && status === "succeeded") return [{ kind: "JobKept", at: now, job: one.key, ...kept }];
  try {
    const scope = jobScope(pipeline, state, job.id, one);
    const runs = job.when === undefined ? one.final || status === "succeeded" : evaluateCondition(job.when, scope);
    if (runs) {
      const gate = followGate({ pipeline, state, job, one, scope, facts: gates, now });
      if (!gate.open) return [...leaveGroup(one, now), ...gate.events];
      const queued = isReady ? undefined : followGroup(state, job, one, { scope, now });
      if (queued) return [...queued];
      const passed = gate.passed === undefined ? {} : { passed: gate.passed };
      const { pipeline: child, params = {} } = job;
      if (child !== undefined)
        return [
          {
            kind: "ChildRequested",
            at: now,
            job: one.key,
            pipeline: child,
            params: renderMap(params, scope),
            ...passed,
          },
        ];
      return isReady ? [] : [{ kind: "JobReady", at: now, job: one.key, ...passed }];
    }
    const upstream = status !== "succeeded";
    const reason = upstream
      ? `not run, because ${blame(state, job) ?? "an earlier job"} did not succeed`
      : `its condition is not met: ${unmetText(job.when ?? "", scope)}`;
    return [{ kind: "JobSkipped", at: now, job: one.key, because: upstream ? "upstream" : "condition", reason }];
  } catch (error) {
    return [{ kind: "JobEnded", at: now, job: one.key, outcome: "errored", outputs: {}, failure: expected(error) }];
  }
}

/** Of a task from a fork: what does not run because no person let the task run. The job that was asked for says why itself. */
function withoutWord(state: TaskState, { key, final, approval }: JobState, now: number): TaskEvent | undefined {
  const word = forkWord(state);
  const isAnswered = approval?.state === "rejected" || approval?.state === "expired";
  if (word === undefined || word === "approved" || isAnswered || (word === "open" && !final)) return undefined;
  const reason = "not run, because nobody let this pull request from a fork run";
  return { kind: "JobSkipped", at: now, job: key, because: "upstream", reason };
}

function expand(pipeline: Pipeline, state: TaskState, job: Job, { final, room, now }: Pass): TaskEvent[] {
  if (isCanceled(state, { final })) return [{ kind: "JobExpanded", at: now, job: job.id, final, jobs: [] }];
  const late = [job.each, job.site, job.labels, job.continueOnError].some(
    (part) =>
      part !== undefined && referencesIn(part).some(({ variable }) => variable === "needs" || variable === "jobs"),
  );
  const placeholder = {
    key: job.id,
    each: null,
    ...(job.continueOnError === true ? { continueOnError: true as const } : {}),
    site: typeof job.site === "string" && !job.site.includes("${{") ? job.site : "",
  };
  if (late && !needsEnded(state, job)) return [];
  try {
    if (late && !mayRun(pipeline, state, job, final))
      return [{ kind: "JobExpanded", at: now, job: job.id, final, jobs: [placeholder] }];
    const scope = late || final ? jobScope(pipeline, state, job.id) : taskScope(pipeline, state);
    const jobs = expandJob(job, scope, { defaultsAt: (site) => defaultsAt(state, site) });
    const foreign = jobs.find(({ site }) => !mayRunAt(pipeline, state, site));
    if (foreign) throw outsideSites(job.id, foreign.site);
    if (jobs.length > Math.max(1, room))
      throw expressionFailed(shownEach(job), `with its ${jobs.length} jobs the task has more than ${MAX_TASK_JOBS}`);
    if (jobs.length > 0) return [{ kind: "JobExpanded", at: now, job: job.id, final, jobs }];
    // Without this, a job whose list is empty would disappear from the task.
    return [
      { kind: "JobExpanded", at: now, job: job.id, final, jobs: [placeholder] },
      {
        kind: "JobSkipped",
        at: now,
        job: job.id,
        because: "condition",
        reason: "not run, because it is for each entry of an empty list",
      },
    ];
  } catch (error) {
    return [
      { kind: "JobExpanded", at: now, job: job.id, final, jobs: [placeholder] },
      { kind: "JobEnded", at: now, job: job.id, outcome: "errored", outputs: {}, failure: expected(error) },
    ];
  }
}

/** Whether the job may run as it stands. If not, it is skipped, and what its list would be is not asked. */
function mayRun(pipeline: Pipeline, state: TaskState, job: Job, final: boolean): boolean {
  const status = statusBefore(pipeline, state, job, final);
  const { when } = job;
  if (status === "succeeded" || when === "always") return true;
  if (when === undefined) return final;
  const expression = checkExpression(when);
  const names = "problem" in expression ? [] : expression.references.map(({ variable }) => variable);
  // Of the elements, nothing is known yet.
  if (names.includes("each") || names.includes("site")) return names.includes("status");
  return evaluateCondition(when, { ...jobScope(pipeline, state, job.id), status });
}

/** A pipeline of an app's own repository runs only at the sites of the app. */
function mayRunAt({ origin }: Pipeline, { appScope }: TaskState, site: string): boolean {
  return origin !== "app" || sitesOfRecord(appScope).includes(site);
}

function outsideSites(job: string, site: string): GantryError {
  const problem = `the job ${job} is at the site ${site}, and a pipeline of an app may use only the sites where the app is built or runs`;
  return expressionFailed("site", problem);
}

function end(pipeline: Pipeline, state: TaskState, now: number): TaskEvent {
  const worst = worstJob(state);
  let outcome: Outcome = worst?.outcome ?? "succeeded";
  let failure = worst?.failure ?? failureOfExpired(state).failure;
  if (state.cancel && (worst === undefined || worst.outcome === "canceled") && wasCanceled(state, pipeline))
    outcome = "canceled";
  if (state.expired) outcome = "timed-out";
  let outputs: JsonObject = {};
  let facts: TaskResult = {};
  if (outcome === "succeeded") {
    try {
      outputs = renderMap(pipeline.outputs, outputScope(pipeline, state));
      facts = factsOf(pipeline, state);
    } catch (error) {
      outcome = "errored";
      failure = expected(error);
    }
  }
  const deployed = deploymentsOf(pipeline, state);
  const result = { ...facts, ...(deployed.length === 0 ? {} : { deployed }) };
  const failedAt = worst && outcome !== "canceled" ? placeOf(worst) : undefined;
  const durationMs = now - state.requestedAt;
  const told = toldOf(state.callbacks, outcome);
  return {
    kind: "TaskEnded",
    at: now,
    outcome,
    durationMs,
    outputs,
    ...(failure ? { failure } : {}),
    ...(failedAt ? { failedAt } : {}),
    headline: headline(state, pipeline, { outcome, durationMs, failure }),
    ...(Object.keys(result).length === 0 ? {} : { result }),
    ...(told.length === 0 ? {} : { told }),
  };
}

/**
 * What the task leaves behind when it succeeds: `remember` and `build`. CD deploys what they say, so the people of an app cannot
 * write them into a pipeline of their own, and pull requests from forks leave nothing behind. Throws GantryError `expression-failed`.
 */
function factsOf(pipeline: Pipeline, state: TaskState): TaskResult {
  if (isFromFork(state) || (pipeline.origin === "app" && pipeline.mayBuild !== true)) return {};
  const scope = outputScope(pipeline, state);
  const { remember, build } = pipeline;
  const facts = Object.keys(remember).length === 0 ? undefined : renderMap(remember, scope);
  const read = build && readBuildFacts(renderMap(build, scope));
  if (read && "problem" in read) throw expressionFailed("build", read.problem);
  return { ...(facts ? { facts } : {}), ...(read ? { build: read } : {}) };
}

/** The deployments that began: of a job that was skipped, or canceled before a runner took it, nothing is known. */
function deploymentsOf(pipeline: Pipeline, state: TaskState): NonNullable<TaskResult["deployed"]> {
  // A build counts for an environment where it is deployed, so an app's own pipeline cannot say that it is.
  if (pipeline.origin === "app" || isFromFork(state)) return [];
  return pipeline.jobs.flatMap((job) =>
    job.deploys === undefined
      ? []
      : (state.expanded[job.id] ?? []).flatMap((key) => {
          const one = state.jobs[key];
          if (one?.outcome === undefined || one.attempt === 0) return [];
          const target = renderText(job.deploys ?? "", jobScope(pipeline, state, job.id, one));
          return [{ target, outcome: one.outcome, ...deployedFacts(one) }];
        }),
  );
}

/** What the steps of the job say of the app: `revision` and `health` are outputs of the steps of Argo CD. */
function deployedFacts({ steps, outcome }: JobState): Pick<DeployedTarget, "commit" | "unhealthy"> {
  const last = (name: string): JsonValue | undefined =>
    steps.findLast(({ outputs }) => typeof outputs[name] === "string" && outputs[name] !== "")?.outputs[name];
  const [commit, health] = [last("revision"), last("health")];
  const isUnhealthy = outcome === "failed" && health !== undefined && health !== "Healthy";
  return { ...(typeof commit === "string" ? { commit } : {}), ...(isUnhealthy ? { unhealthy: true } : {}) };
}

function renderMap(templates: { readonly [name: string]: Template }, scope: JsonObject): JsonObject {
  const rendered = render(templates, scope);
  return isJsonObject(rendered) ? rendered : {};
}

/** The job that determines the outcome of a task: the first one that did not succeed. */
function worstJob(state: TaskState): JobState | undefined {
  return failedJobs(state)[0] ?? Object.values(state.jobs).find((job) => job.outcome === "canceled");
}

function wasCanceled(state: TaskState, pipeline: Pipeline): boolean {
  return (
    Object.values(state.jobs).some((job) => job.outcome === "canceled") ||
    pipeline.jobs.some((job) => state.expanded[job.id]?.length === 0)
  );
}

function allEnded(state: TaskState, jobs: readonly Job[]): boolean {
  return jobs.every((job) => state.expanded[job.id]?.every((key) => state.jobs[key]?.phase === "ended") ?? false);
}

function isUntouched(job: JobState | undefined): boolean {
  return job?.phase === "pending" && job.cancel === undefined;
}

function needsEnded(state: TaskState, job: Job): boolean {
  return job.needs.every((id) => state.expanded[id]?.every((key) => state.jobs[key]?.phase === "ended") ?? false);
}

function blame(state: TaskState, job: Job): string | undefined {
  const keys = job.needs.flatMap((id) => state.expanded[id] ?? []);
  return keys.find((key) => {
    const one = state.jobs[key];
    if (one?.outcome === undefined || one.outcome === "succeeded" || one.skipped === "condition") return false;
    return !isBad(one.outcome) || hasFailed(one);
  });
}

function expected(error: unknown): Failure {
  if (error instanceof GantryError) return failureOf(error);
  throw error;
}

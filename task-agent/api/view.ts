// State → views of the HTTP API. Pure.

import type { Callback } from "@gantry/core/callback/callback-shape.ts";
import { actionOf } from "@gantry/core/choice/actions.ts";
import type { Job, Pipeline } from "@gantry/core/pipeline/pipeline.ts";
import { hideSecretParams } from "@gantry/core/pipeline/secret-params.ts";
import { placeName } from "@gantry/core/task/failed-places.ts";
import { concurrencyOf } from "@gantry/core/task/from-fork.ts";
import { decision, headline } from "@gantry/core/task/messages.ts";
import type {
  ApprovalState,
  ChildState,
  JobState,
  LateReport,
  StepState,
  TaskState,
  Waiting,
} from "@gantry/core/task/model.ts";
import { waitsForRoom } from "@gantry/core/task/settle-many.ts";
import type { State } from "@gantry/core/task/states.ts";
import { TRIGGER_KINDS } from "@gantry/core/trigger/trigger.ts";
import { triggerText } from "@gantry/core/trigger/trigger-text.ts";
import type { JobView, StepView, TaskSummary, TaskView } from "@gantry/wire/agent/views.ts";
import { answerView } from "../approvals/answer-view.ts";
import { shownOutputs } from "../definitions/hide-bundle.ts";
import { waitingHeadline } from "../messages.ts";
import { iso } from "./iso.ts";
import { taskAbout } from "./task-about.ts";

type Views = { readonly silentSince: (task: string, job: string) => number | undefined };
type Jsons = TaskView["outputs"];

/** `made`: the number of the build that it made, where that is known. */
export function taskSummary(state: TaskState, pipeline: Pipeline, made?: number): TaskSummary {
  const about = taskAbout(state, pipeline, made);
  const jobs = Object.values(state.jobs);
  const steps = jobs.flatMap((job) => stepStates(job, definitionOf(pipeline, job.id)));
  const succeeded = steps.filter((step) => step === "succeeded").length;
  const skipped = steps.filter((step) => step === "skipped").length;
  const current = taskState(state);
  return {
    id: state.id,
    pipeline: state.pipeline,
    title: state.title,
    ...(state.app === undefined ? {} : { app: state.app }),
    state: current,
    headline: sentence(state, pipeline),
    requestedBy: state.requestedBy,
    ...triggerView(state),
    ...(state.parent === undefined ? {} : { parent: { task: state.parent.task, job: state.parent.job } }),
    ...(about === undefined ? {} : { about }),
    requestedAt: iso(state.requestedAt),
    ...times(state),
    stepsDone: succeeded + skipped,
    stepsSucceeded: succeeded,
    stepsSkipped: skipped,
    stepsTotal: steps.length + unexpanded(state, pipeline).reduce((sum, job) => sum + job.steps.length, 0),
    sites: [...new Set(jobs.map((job) => job.site).filter((site) => site !== ""))],
    ...(state.failedAt ? { failedAt: state.failedAt } : {}),
  };
}

export function taskView(
  state: TaskState,
  pipeline: Pipeline,
  version: number,
  views: Views,
  reruns: readonly string[] = [],
): TaskView {
  const waiting = taskWaiting(state, pipeline);
  return {
    ...taskSummary(state, pipeline),
    version,
    params: hideSecretParams(pipeline.params, state.params) as Jsons,
    ...(actionOf(pipeline) === undefined ? {} : { action: actionOf(pipeline) }),
    definition: { name: state.pipeline, version: state.definition },
    ...(state.children === undefined ? {} : { children: Object.keys(state.children) }),
    ...(state.rerunOf === undefined ? {} : { rerunOf: state.rerunOf }),
    ...(reruns.length === 0 ? {} : { reruns: [...reruns] }),
    ...(state.override === undefined ? {} : { override: state.override }),
    ...(state.rollback === undefined ? {} : { rollback: state.rollback }),
    ...(state.callbacks === undefined ? {} : { callbacks: state.callbacks.map(callbackView) }),
    ...(state.priority === undefined ? {} : { priority: state.priority }),
    ...(state.cancel
      ? {
          cancel: {
            by: state.cancel.by,
            at: iso(state.cancel.at),
            ...(state.cancel.reason === undefined ? {} : { reason: state.cancel.reason }),
          },
        }
      : {}),
    ...(waiting ? { waiting: waitingView(waiting) } : {}),
    ...(state.failure ? { failure: state.failure as TaskView["failure"] } : {}),
    outputs: state.outputs as Jsons,
    jobs: [...pipeline.jobs, ...pipeline.finally].flatMap((job) => jobViews(state, pipeline, job, views)),
  };
}

function callbackView({ url, on }: Callback): NonNullable<TaskView["callbacks"]>[number] {
  return { url, ...(on === undefined ? {} : { on: [...on] }) };
}

function triggerView({ trigger }: TaskState): Pick<TaskSummary, "trigger"> {
  const text = triggerText(trigger);
  const kind = TRIGGER_KINDS.find((one) => one === trigger?.kind);
  if (text === undefined || kind === undefined) return {};
  const { task, commit, author, subject = trigger?.title, url } = trigger ?? {};
  const facts = Object.entries({ task, commit, author, subject, url }).filter(
    (one): one is [string, string] => typeof one[1] === "string" && one[1] !== "",
  );
  return { trigger: { kind, text, ...Object.fromEntries(facts) } };
}

export function waitingView({ code, text, since, until }: Waiting): NonNullable<JobView["waiting"]> {
  return { code, text, since: iso(since), ...(until === undefined ? {} : { until: iso(until) }) };
}

/** The state of the whole task: the most important of its states. */
export function taskState(state: TaskState): State {
  if (state.outcome) return state.outcome;
  if (state.phase === "queued") return "waiting";
  const jobs = Object.values(state.jobs);
  if (jobs.some((job) => job.phase === "held")) return "held";
  if (state.phase === "finalizing") return "finalizing";
  if (jobs.some(isRunning)) return "running";
  if (jobs.some(isWaiting)) return "waiting";
  return state.startedAt === undefined ? "queued" : "running";
}

function taskWaiting(state: TaskState, pipeline: Pipeline): Waiting | undefined {
  if (state.phase === "queued")
    return { code: "concurrency", text: turnText(state, pipeline), since: state.requestedAt };
  const current = taskState(state);
  if (current !== "waiting" && current !== "held") return undefined;
  return Object.values(state.jobs).find((job) => (current === "held" ? job.phase === "held" : isWaiting(job)))?.waiting;
}

function turnText(state: TaskState, pipeline: Pipeline): string {
  const { behind, group } = state;
  const { limit = 1 } = concurrencyOf(pipeline, state) ?? {};
  const many = limit === 1 ? "" : ` Of this group, at most ${limit} tasks run at the same time.`;
  return `Waiting in the concurrency group ${group} behind task ${behind}, which was requested before.${many}`;
}

/** For a runner, for people, or for the calendar of an environment. */
function isWaiting({ phase, waiting }: JobState): boolean {
  return (phase === "ready" || phase === "pending") && waiting !== undefined;
}

function sentence(state: TaskState, pipeline: Pipeline): string {
  if (state.outcome) {
    const durationMs = (state.endedAt ?? state.requestedAt) - state.requestedAt;
    return headline(state, pipeline, { outcome: state.outcome, durationMs, failure: state.failure });
  }
  const waiting = taskWaiting(state, pipeline);
  const active = Object.values(state.jobs).flatMap((job) => {
    if (job.phase === "delegated") return [job.key];
    if (job.phase !== "leased") return [];
    const running = job.steps.filter((step) => step.state === "running" || step.state === "waiting");
    return running.map((step) => placeName({ job: job.key, step: step.id }, state, pipeline));
  });
  return waitingHeadline(state.title, taskState(state), waiting?.text, active);
}

function jobViews(state: TaskState, pipeline: Pipeline, job: Job, views: Views): JobView[] {
  const final = pipeline.finally.includes(job);
  const keys = state.expanded[job.id];
  if (!keys) return [unexpandedView(job, final)];
  return keys.flatMap((key) => {
    const one = state.jobs[key];
    return one ? [jobView(state, job, one, views)] : [];
  });
}

function jobView(state: TaskState, definition: Job, job: JobState, views: Views): JobView {
  const silent = views.silentSince(state.id, job.key);
  const waiting = job.waiting ?? waitsForRoom(state, definition, job);
  const effects = Object.entries(state.effects).filter(([, effect]) => effect.job === job.key);
  return {
    key: job.key,
    id: job.id,
    title: definition.title,
    site: job.site,
    labels: [...definition.labels],
    needs: definition.needs.flatMap((id) => state.expanded[id] ?? [id]),
    final: job.final,
    state: jobState(job),
    ...(waiting && job.outcome !== "succeeded" ? { waiting: waitingView(waiting) } : {}),
    ...(job.continueOnError ? { continueOnError: true } : {}),
    ...(job.cancel ? { canceledBecause: job.cancel.reason } : {}),
    ...(job.approval ? { approval: jobApproval(job.approval) } : {}),
    ...(job.overridden ? { overridden: { ...job.overridden, at: iso(job.overridden.at) } } : {}),
    ...(job.child ? { child: childView(job.child) } : {}),
    attempt: job.attempt,
    attempts: job.attempts.map((one) => ({
      attempt: one.attempt,
      runner: one.runner,
      ...times(one),
      ...(one.outcome ? { outcome: one.outcome } : {}),
      ...(one.failure ? { failure: one.failure as JobView["failure"] } : {}),
      ...(one.late ? { late: lateView(one.late) } : {}),
    })),
    ...(job.lease ? { runner: job.lease.runner } : {}),
    ...(silent === undefined ? {} : { notHeardSince: iso(silent) }),
    ...times(job),
    ...(job.failure ? { failure: job.failure as JobView["failure"] } : {}),
    outputs: job.outputs as Jsons,
    steps: stepViews(job, definition),
    effects: effects.map(([key, effect]) => ({
      key,
      step: effect.step,
      effect: effect.effect,
      what: effect.what,
      state: effect.state,
      attempt: effect.attempt,
      ...(effect.result ? { result: effect.result as Jsons } : {}),
    })),
  };
}

function childView({ pipeline, task }: ChildState): NonNullable<JobView["child"]> {
  return { pipeline, ...(task === undefined ? {} : { task }) };
}

function jobApproval({ state, question, plan, expiresAt, answers }: ApprovalState): NonNullable<JobView["approval"]> {
  return { state, question, plan, until: iso(expiresAt), answers: answers.map(answerView) };
}

function lateView(late: LateReport): NonNullable<JobView["attempts"][number]["late"]> {
  const { at, outcome, outputs, failure } = late;
  return {
    at: iso(at),
    outcome,
    outputs: outputs as Jsons,
    ...(failure ? { failure: failure as JobView["failure"] } : {}),
  };
}

function isRunning({ phase, child }: JobState): boolean {
  return phase === "leased" || (phase === "delegated" && child?.task !== undefined);
}

function jobState(job: JobState): State {
  if (job.outcome) return job.outcome;
  if (job.phase === "held") return "held";
  if (isRunning(job)) return "running";
  return isWaiting(job) ? "waiting" : "queued";
}

function stepViews(job: JobState, definition: Job | undefined): StepView[] {
  return (definition?.steps ?? []).map((spec) => {
    const known = job.steps.find((step) => step.id === spec.id);
    const lostAt = isInterrupted(job, known) ? job.attempts.at(-1)?.endedAt : undefined;
    const reason = stepReason(job, known);
    return {
      id: spec.id,
      title: spec.title,
      ...(spec.action.kind === "uses" ? { uses: spec.action.uses } : {}),
      state: stepState(job, known),
      ...times({ startedAt: known?.startedAt, endedAt: known?.endedAt ?? lostAt }),
      ...(known?.durationMs === undefined ? {} : { durationMs: known.durationMs }),
      ...(known?.waiting && !isInterrupted(job, known) ? { waiting: waitingView(known.waiting) } : {}),
      ...(known?.told && known.state === "running" ? { told: toldView(known.told) } : {}),
      tries: known?.tries ?? 0,
      ...(known?.failure ? { failure: known.failure as StepView["failure"] } : {}),
      outputs: shownOutputs(spec, known?.outputs ?? {}) as Jsons,
      ...(reason === undefined ? {} : { reason }),
      ...(known?.tolerated ? { tolerated: true } : {}),
      ...(known?.annotations ? { annotations: [...known.annotations] } : {}),
      ...(known?.annotationsLeftOut === undefined ? {} : { annotationsLeftOut: known.annotationsLeftOut }),
      ...(known?.summaryBytes === undefined ? {} : { summaryBytes: known.summaryBytes }),
    };
  });
}

function toldView({ at, ...told }: NonNullable<StepState["told"]>): NonNullable<StepView["told"]> {
  return { ...told, at: iso(at) };
}

function stepStates(job: JobState, definition: Job | undefined): State[] {
  return (definition?.steps ?? []).map((spec) =>
    stepState(
      job,
      job.steps.find((step) => step.id === spec.id),
    ),
  );
}

/** It was running or waiting when its attempt ended, so its own end is unknown. */
function isInterrupted(job: JobState, step: StepState | undefined): boolean {
  return job.phase !== "leased" && (step?.state === "running" || step?.state === "waiting");
}

/** Explains the state of a step in a sentence; undefined if it needs no explanation. */
function stepReason(job: JobState, step: StepState | undefined): string | undefined {
  if (step?.reason !== undefined) return step.reason;
  const isOpen = isInterrupted(job, step);
  if (job.phase === "ended" && job.resolved) {
    const decided = decision(job.resolved, "the job");
    if (isOpen) return decided;
    return step === undefined || step.state === "queued" ? `Not run: ${decided}` : undefined;
  }
  const last = job.attempts.at(-1);
  return isOpen && last?.outcome === "lost" ? `Its runner ${last.runner} was lost while it ran.` : undefined;
}

/** A step that never ran, or was interrupted, has the outcome of its job. */
function stepState(job: JobState, step: StepState | undefined): State {
  if (isInterrupted(job, step)) return job.outcome ?? (job.phase === "held" ? "held" : "errored");
  if (step && step.state !== "queued") return step.state;
  if (job.outcome === undefined) return "queued";
  return job.outcome === "canceled" ? "canceled" : "skipped";
}

function unexpandedView(job: Job, final: boolean): JobView {
  return {
    key: job.id,
    id: job.id,
    title: job.title,
    site: typeof job.site === "string" && !job.site.includes("${{") ? job.site : "",
    labels: [...job.labels],
    needs: [...job.needs],
    final,
    state: "queued",
    ...(job.pipeline === undefined ? {} : { child: { pipeline: job.pipeline } }),
    attempt: 0,
    attempts: [],
    outputs: {},
    effects: [],
    steps: job.steps.map((step) => ({
      id: step.id,
      title: step.title,
      ...(step.action.kind === "uses" ? { uses: step.action.uses } : {}),
      state: "queued",
      tries: 0,
      outputs: {},
    })),
  };
}

function unexpanded(state: TaskState, pipeline: Pipeline): readonly Job[] {
  return [...pipeline.jobs, ...pipeline.finally].filter((job) => !state.expanded[job.id]);
}

function definitionOf(pipeline: Pipeline, id: string): Job | undefined {
  return [...pipeline.jobs, ...pipeline.finally].find((job) => job.id === id);
}

function times(of: { startedAt?: number | undefined; endedAt?: number | undefined }): {
  startedAt?: string;
  endedAt?: string;
  durationMs?: number;
} {
  return {
    ...(of.startedAt === undefined ? {} : { startedAt: iso(of.startedAt) }),
    ...(of.endedAt === undefined ? {} : { endedAt: iso(of.endedAt) }),
    ...(of.startedAt !== undefined && of.endedAt !== undefined ? { durationMs: of.endedAt - of.startedAt } : {}),
  };
}

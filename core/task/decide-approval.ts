// A person's answer about a job that waits: approve it, reject it, or override the policy of its environments.

import { type Answerer, isApprover } from "../access/approvers.ts";
import { GantryError, type Problem } from "../errors.ts";
import type { JsonObject } from "../json.ts";
import { checkParams } from "../pipeline/params.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { jobDefinition } from "./decide-lease.ts";
import { type Decision, NOTHING, refuse } from "./decision.ts";
import { boundTo, type GateFacts, heldBy } from "./gate.ts";
import type { ApprovalState, JobState, TaskState } from "./model.ts";
import { jobScope } from "./scope.ts";

export type Answer = {
  readonly job: string;
  readonly answer: "approve" | "reject" | "override";
  /** What the person has looked at. Not needed for an override. */
  readonly plan?: string | undefined;
  readonly who: Answerer;
  readonly reason?: string | undefined;
  readonly inputs?: JsonObject | undefined;
};

type Asked = {
  readonly pipeline: Pipeline;
  readonly state: TaskState;
  readonly facts: GateFacts;
  readonly now: number;
};

/** The person has the verb for it on the app of the task. Safe to repeat: the same answer of the same person has no new effect. */
export function decideAnswer(asked: Asked, request: Answer): Decision {
  const job = asked.state.jobs[request.job];
  if (!job) return refuse("not-found", { kind: "job", name: request.job });
  if (request.answer === "override") return decideOverride(asked, job, request);
  const { approval } = job;
  const before = approval?.answers.find(({ by }) => by === request.who.name);
  if (approval && before?.answer === request.answer && approval.plan === request.plan) return NOTHING;
  if (approval?.state !== "asked" || job.phase !== "pending" || asked.now >= approval.expiresAt)
    return tooLate(asked.state, job);
  if (approval.plan !== request.plan)
    return refuse("conflict", {
      what: `What job ${job.key} asks for`,
      problem: "has changed since you looked at it",
      why: "An approval is of one plan: the pipeline file, the parameters, the build, the targets and the policy.",
      todo: "Look at it again, then answer.",
    });
  if (before)
    return refuse("conflict", {
      what: `Job ${job.key}`,
      problem: `was answered by ${before.by} already: ${before.answer}`,
      why: "A person answers once.",
      todo: "Nothing. To stop the job, cancel the task.",
    });
  return request.answer === "reject"
    ? decideReject(asked, approval, request)
    : decideApprove(asked, job, approval, request);
}

function decideReject({ state, now }: Asked, approval: ApprovalState, { job, who, reason }: Answer): Decision {
  const refused = whyNotAnswer(approval, who, state, "reject");
  if (refused !== undefined) return notAsked(who, refused);
  if (reason === undefined) return refuse("bad-request", { problem: "reason is missing: say why you reject it" });
  const { plan } = approval;
  const of = { kind: "ApprovalAnswered", at: now, job } as const;
  return { events: [{ ...of, plan, by: who.name, answer: "reject", reason, counts: [] }] };
}

function decideApprove(asked: Asked, one: JobState, approval: ApprovalState, request: Answer): Decision {
  const { state, now } = asked;
  const { job, who, reason } = request;
  const refused = whyNotAnswer(approval, who, state, "approve");
  if (refused !== undefined) return notAsked(who, refused);
  const counts = countsFor(approval, who, state);
  const inputs = inputsOf(asked, one, request);
  if (inputs instanceof GantryError) return { refuse: inputs };
  const said = { ...(reason === undefined ? {} : { reason }), ...(inputs === undefined ? {} : { inputs }) };
  const { plan } = approval;
  const of = { kind: "ApprovalAnswered", at: now, job } as const;
  return { events: [{ ...of, plan, by: who.name, answer: "approve", ...said, counts }] };
}

/** With defaults filled in; undefined when nothing is asked. */
function inputsOf(
  { pipeline, state }: Asked,
  one: JobState,
  { inputs = {} }: Answer,
): JsonObject | GantryError | undefined {
  const schema = jobDefinition(pipeline, one.id).approval?.inputs;
  if (!schema && Object.keys(inputs).length === 0) return undefined;
  const empty = { type: "object", properties: {}, required: [], additionalProperties: false } as const;
  const checked = checkParams(schema ?? empty, inputs, jobScope(pipeline, state, one.id, one));
  if (checked.problems.length === 0) return checked.params;
  const problems = checked.problems.map(
    ({ pointer = "", detail }): Problem => ({ pointer: `/inputs${pointer}`, detail }),
  );
  const problem = problems.map(({ pointer, detail }) => `${(pointer ?? "").split("/").at(-1)}: ${detail}`).join("; ");
  return new GantryError("bad-request", { problem }, { problems });
}

type Asking = Pick<ApprovalState, "demands">;
type Requested = Pick<TaskState, "requestedBy"> & { readonly causedBy?: readonly string[] | undefined };

/** Why this person cannot answer, as a sentence; undefined when they can. They have the verb for it. */
export function whyNotAnswer(
  asking: Asking,
  who: Answerer,
  task: Requested,
  answer: "approve" | "reject",
): string | undefined {
  if (!asking.demands.some(({ approvers }) => isApprover(approvers, who))) {
    const wanted = [...new Set(asking.demands.flatMap(({ approvers }) => approvers))].join(", ");
    return `It asks ${wanted}, and ${who.name} is none of them.`;
  }
  if (answer === "reject" || countsFor(asking, who, task).length > 0) return undefined;
  return "Who requested the task cannot approve it.";
}

/** The indexes of the demands that the approval of this person counts for. */
function countsFor({ demands }: Asking, who: Answerer, { requestedBy, causedBy = [] }: Requested): readonly number[] {
  const isOwn = [requestedBy, ...causedBy].includes(who.name);
  return demands.flatMap(({ approvers, notOwn }, at) => (isApprover(approvers, who) && !(notOwn && isOwn) ? [at] : []));
}

function notAsked({ name }: Answerer, why: string): Decision {
  return refuse("not-asked", { who: name, why });
}

/** It says how it stands, so that nobody has to look for it. */
function tooLate(state: TaskState, { key, approval, phase, outcome }: JobState): Decision {
  const asked = approval?.state === "asked" && phase === "pending" ? "expired" : approval?.state;
  const who = approval?.answers.map(({ by }) => by).join(", ") ?? "";
  const told = {
    approved: `was approved by ${who}`,
    rejected: `was rejected by ${who}`,
    expired: "was not approved in time",
  };
  const problem =
    state.cancel && outcome === "canceled"
      ? `was canceled by ${state.cancel.by}`
      : asked === undefined || asked === "asked"
        ? "does not wait for an approval"
        : told[asked];
  const why = `It is ${outcome ?? phase}.`;
  return refuse("conflict", { what: `Job ${key}`, problem, why, todo: "Nothing: look at the task." });
}

function decideOverride({ pipeline, state, facts, now }: Asked, one: JobState, { who, reason }: Answer): Decision {
  if (one.overridden) return NOTHING;
  if (reason === undefined)
    return refuse("bad-request", { problem: "reason is missing: say why the policy does not count" });
  const job = jobDefinition(pipeline, one.id);
  const scope = jobScope(pipeline, state, one.id, one);
  const isHeld = one.phase === "pending" && one.waiting !== undefined;
  if (
    state.phase === "ended" ||
    !isHeld ||
    heldBy({ pipeline, state, job, one, facts }, boundTo(job, scope, state.appScope)).length === 0
  )
    return refuse("conflict", {
      what: `Job ${one.key}`,
      problem: "is not held by the policy of an environment",
      why: `It is ${one.outcome ?? one.phase}.`,
    });
  return { events: [{ kind: "PolicyOverridden", at: now, job: one.key, by: who.name, reason }] };
}

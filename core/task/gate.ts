// What holds a job although its needs are met: people who must approve it, and the calendar of an environment. Pure: it follows
// from the task, the policy in force and the time, so every agent comes to the same result.

import type { Escalation } from "../access/approval.ts";
import { targetsOf } from "../app/targets.ts";
import { closedAt } from "../build/calendar.ts";
import { type Environment, type Environments, environmentNamed, policyOfRollback } from "../build/environments.ts";
import { canonicalJson } from "../canonical-json.ts";
import { expressionFailed } from "../expr/expression.ts";
import { render, renderText } from "../expr/template.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../json.ts";
import { type Job, mayWait, type Pipeline } from "../pipeline/pipeline.ts";
import type { TaskEvent } from "./events.ts";
import { missingOf } from "./evolve-approval.ts";
import { FORK_DEMAND, FORK_EXPIRES_MS, forkQuestion, isFromFork, wordElsewhere } from "./from-fork.ts";
import type { ApprovalState, Demand, JobState, TaskState } from "./model.ts";

export type GateFacts = {
  /** The policy in force. */
  readonly environments: Environments;
  /** SHA-256 of a text, as hexadecimal digits. */
  readonly digest: (text: string) => string;
};

export type Gate = {
  readonly pipeline: Pipeline;
  readonly state: TaskState;
  readonly job: Job;
  readonly one: JobState;
  /** What the expressions of the job see. */
  readonly scope: JsonObject;
  readonly facts: GateFacts;
  readonly now: number;
};

/** `open`: nothing holds the job. Otherwise what follows at this time; no events: it goes on waiting. */
export type GateResult =
  /** `passed`: the targets; undefined when the job is in no environment. */
  | { readonly open: true; readonly passed: readonly string[] | undefined }
  | { readonly open: false; readonly events: readonly TaskEvent[] };

/** Throws GantryError `expression-failed`. */
export function followGate(gate: Gate): GateResult {
  const { job, one } = gate;
  if (one.final || !(mayWait(job) || isFromFork(gate.state))) return { open: true, passed: undefined };
  if (isFromFork(gate.state) && wordElsewhere(gate.state, one.key) === "asked" && one.approval === undefined)
    return { open: false, events: [] };
  const bound = boundTo(job, gate.scope, gate.state.appScope);
  const held = heldBy(gate, bound);
  const ask = askOf(gate, held);
  const asking = ask && followAsk(gate, ask);
  if (asking) return { open: false, events: asking };
  const closed = followCalendar(gate, held);
  if (closed) return { open: false, events: closed };
  const targets = bound.flatMap(({ target }) => target ?? []);
  return { open: true, passed: bound.length === 0 ? undefined : [...new Set(targets)] };
}

/** A window may close while no runner takes the job. */
const LOOK_AGAIN_MS = 30_000;

/** When what holds the job, or lets it through, may change by itself: a reminder, the expiry, the calendar. ms since 1970. */
export function nextTurnOf({ phase, waiting, approval, attempt, passed }: JobState, now: number): number | undefined {
  if (phase === "ready" && attempt === 0 && passed) return now + LOOK_AGAIN_MS;
  if (phase !== "pending") return undefined;
  if (approval?.state !== "asked") return waiting?.until;
  const turns = [
    ...(approval.reminded ? [] : [remindAt(approval)]),
    ...toEscalate(approval).map(({ afterMs }) => approval.requestedAt + afterMs),
  ];
  return Math.min(approval.expiresAt, ...turns);
}

/** The demands that are not met and have not been escalated, with their indexes. */
function toEscalate(approval: ApprovalState): readonly (Escalation & { readonly index: number })[] {
  return approval.demands.flatMap((demand, index) =>
    demand.escalate && !demand.escalated && missingOf(approval, index) > 0 ? [{ ...demand.escalate, index }] : [],
  );
}

/** Halfway. */
function remindAt({ requestedAt, expiresAt }: Pick<ApprovalState, "requestedAt" | "expiresAt">): number {
  return requestedAt + Math.floor((expiresAt - requestedAt) / 2);
}

/** An environment whose policy holds the job, with the targets there that the job is about. */
export type Held = { readonly name: string; readonly targets: readonly string[]; readonly policy: Environment };

/**
 * The environments of a job whose policy counts: not with a reason of a person who may override policies, and not where a job
 * that this one needs was let through for all these targets, because then the deployment has begun.
 */
export function heldBy(
  { pipeline, state, job, one, facts }: Omit<Gate, "now" | "scope">,
  bound: readonly Bound[],
): readonly Held[] {
  if (state.override !== undefined || one.overridden) return [];
  const names = [...new Set(bound.map(({ environment }) => environment))];
  const passed = new Set(names.length === 0 ? [] : passedBefore(pipeline, state, job));
  return names.flatMap((name): readonly Held[] => {
    const named = environmentNamed(facts.environments, name);
    const policy = named && state.rollback ? policyOfRollback(named) : named;
    if (!policy || !(policy.approval || policy.windows || policy.freezes)) return [];
    const targets = bound.flatMap(({ environment, target }) =>
      environment === name && target !== undefined ? [target] : [],
    );
    if (targets.length > 0 && targets.every((target) => passed.has(target))) return [];
    return [{ name, targets, policy }];
  });
}

/** An environment that a job is in, and the target there, if that is known. */
export type Bound = { readonly environment: string; readonly target?: string };

/** The environments that a job names, and that of the target that it deploys to. Throws GantryError `expression-failed`. */
export function boundTo(job: Job, scope: JsonObject, appScope: JsonObject): readonly Bound[] {
  const known = targetsOf(appScope);
  const ofTarget = (name: string, otherwise: string | undefined): readonly Bound[] => {
    const target = known.find((one) => one.name === name);
    const environment = target ? target.environment : otherwise;
    return environment === undefined || environment === "" ? [] : [{ environment, target: name }];
  };
  const named = (value: JsonValue): readonly Bound[] => {
    if (Array.isArray(value)) return (value as readonly JsonValue[]).flatMap(named);
    if (typeof value === "string") return value.trim() === "" ? [] : [{ environment: value.trim() }];
    if (isJsonObject(value) && typeof value.name === "string")
      return ofTarget(value.name, typeof value.environment === "string" ? value.environment : undefined);
    throw expressionFailed("environment", "it gives neither the name of an environment nor a target of the app");
  };
  const deployed = job.deploys === undefined ? [] : ofTarget(renderText(job.deploys, scope), undefined);
  return [...(job.environment === undefined ? [] : named(render(job.environment, scope))), ...deployed];
}

/** The targets that jobs which this one needs, directly or not, were let through for. Not those taken over from another task. */
function passedBefore(pipeline: Pipeline, state: TaskState, job: Job): readonly string[] {
  const before = new Set<string>();
  const add = (ids: readonly string[]): void => {
    for (const id of ids) {
      if (before.has(id)) continue;
      before.add(id);
      add(pipeline.jobs.find((one) => one.id === id)?.needs ?? []);
    }
  };
  add(job.needs);
  const jobs = [...before].flatMap((id) => (state.expanded[id] ?? []).map((key) => state.jobs[key]));
  return jobs.flatMap((one) => (one?.outcome === "succeeded" && one.attempt > 0 ? (one.passed ?? []) : []));
}

type Ask = {
  readonly plan: string;
  readonly question: string;
  readonly demands: readonly Demand[];
  readonly environments: readonly string[];
  readonly targets: readonly string[];
  readonly expiresMs: number;
};

/** What people must approve; undefined when nobody demands it. */
function askOf(gate: Gate, held: readonly Held[]): Ask | undefined {
  const { job, scope, state, one } = gate;
  const asking = held.filter(({ policy }) => policy.approval);
  const asksForFork = isFromFork(state) && wordElsewhere(state, one.key) !== "approved";
  const all = [
    ...(asksForFork ? [{ ...FORK_DEMAND, expiresMs: FORK_EXPIRES_MS, environment: undefined }] : []),
    ...(job.approval ? [{ ...job.approval, environment: undefined }] : []),
    ...asking.flatMap(({ name, policy }) => (policy.approval ? [{ ...policy.approval, environment: name }] : [])),
  ];
  if (all.length === 0) return undefined;
  const demands = all.map(({ environment, escalate, approvers, count, notOwn }): Demand => {
    const asked = { ...(environment === undefined ? {} : { environment }), approvers, count, notOwn };
    // Part of the plan only where it is written, so that requests of older versions stay valid.
    return escalate === undefined ? asked : { ...asked, escalate };
  });
  const environments = asking.map(({ name }) => name);
  const targets = [...new Set(asking.flatMap((each) => each.targets))];
  const questions = [
    ...(asksForFork ? [forkQuestion(state)] : []),
    ...(job.approval ? [renderText(job.approval.question, scope)] : []),
  ];
  const question = questions.length > 0 ? questions.join(" ") : usualQuestion(state, asking, one);
  const asked = {
    question,
    demands,
    environments,
    targets,
    expiresMs: Math.min(...all.map(({ expiresMs }) => expiresMs)),
  };
  return { ...asked, plan: planOf(gate, asked) };
}

function usualQuestion({ app, build, rollback }: TaskState, asking: readonly Held[], { key }: JobState): string {
  const number = isJsonObject(build) && typeof build.number === "number" && build.number > 0 ? ` #${build.number}` : "";
  const what = app === undefined ? key : `${app}${number}`;
  const where = asking.map(({ name, targets }) => (targets.length === 0 ? name : `${name} (${targets.join(", ")})`));
  return `${rollback ? "Roll back to" : "Deploy"} ${what} ${rollback ? "in" : "to"} ${where.join(" and ")}?`;
}

/**
 * The digest of everything that decides what the job does: an approval is of this and nothing else. The rest of the task is of
 * the definition and what is listed here.
 */
function planOf({ state, job, one, scope, facts }: Gate, asked: Omit<Ask, "plan">): string {
  const { definition, params, build = null, appScope: app } = state;
  const fork = isFromFork(state) ? { trigger: state.trigger } : {};
  const { key, each, site, labels = [] } = one;
  const { needs = {}, defaults = {} } = scope;
  const inputs = job.approval?.inputs ?? null;
  const plan = { definition, params, build, app, key, each, site, labels, needs, defaults, inputs, ...fork, ...asked };
  return `sha256:${facts.digest(canonicalJson(JSON.parse(JSON.stringify(plan)) as JsonValue))}`;
}

/** Undefined: it is approved. */
function followAsk({ one, now }: Gate, { expiresMs, ...ask }: Ask): readonly TaskEvent[] | undefined {
  const { approval, key } = one;
  const of = { at: now, job: key };
  if (approval?.plan !== ask.plan) {
    const approvers = [...new Set(ask.demands.flatMap((demand) => demand.approvers))];
    return [{ kind: "ApprovalRequested", ...of, ...ask, approvers, until: now + expiresMs }];
  }
  const { state, question, expiresAt } = approval;
  if (state === "approved") return undefined;
  if (state === "rejected") return [rejected(one, approval, now)];
  if (state === "expired" || now >= expiresAt) {
    const expired: TaskEvent = { kind: "ApprovalExpired", ...of, question };
    return [...(state === "expired" ? [] : [expired]), failed(one, now, "approval-expired", expiryInWords(approval))];
  }
  const escalated = followEscalation(one, approval, now);
  if (escalated) return [escalated];
  if (approval.reminded || now < remindAt(approval)) return [];
  const approvers = [...new Set(approval.demands.flatMap((demand) => demand.approvers))];
  return [{ kind: "ApprovalReminded", ...of, plan: ask.plan, question, approvers, until: expiresAt }];
}

function followEscalation({ key }: JobState, approval: ApprovalState, now: number): TaskEvent | undefined {
  const due = toEscalate(approval).filter(({ afterMs }) => now >= approval.requestedAt + afterMs);
  if (due.length === 0) return undefined;
  const { plan, question, expiresAt: until } = approval;
  const approvers = [...new Set(due.flatMap(({ to }) => to))];
  const escalated = due.map(({ index }) => index);
  return { kind: "ApprovalEscalated", at: now, job: key, plan, question, approvers, until, escalated };
}

function followCalendar({ one, now }: Gate, held: readonly Held[]): readonly TaskEvent[] | undefined {
  const closed = held.flatMap(({ name, policy }) => closedAt(name, policy, now) ?? []);
  const [first] = closed.toSorted((a, b) => (b.opensAt ?? Infinity) - (a.opensAt ?? Infinity));
  if (!first) return undefined;
  const { code, text, opensAt } = first;
  const { waiting } = one;
  if (one.phase === "pending" && waiting?.code === code && waiting.text === text && waiting.until === opensAt)
    return [];
  return [
    { kind: "JobGated", at: now, job: one.key, code, text, ...(opensAt === undefined ? {} : { until: opensAt }) },
  ];
}

function rejected(one: JobState, { answers }: ApprovalState, now: number): TaskEvent {
  const last = answers.findLast(({ answer }) => answer === "reject");
  return failed(one, now, "approval-rejected", {
    message: `${last?.by ?? "Somebody"} rejected it.`,
    ...(last?.reason === undefined ? {} : { why: last.reason }),
  });
}

function expiryInWords({ demands, answers }: ApprovalState): { message: string; why: string } {
  const given = answers.map(({ by }) => by).join(", ");
  const wanted = Math.max(...demands.map(({ count }) => count));
  return {
    message: "Nobody approved it in time.",
    why:
      given === ""
        ? "There was no answer before the request expired."
        : `Only ${given} approved it, of ${wanted} people.`,
  };
}

function failed(one: JobState, at: number, code: string, words: { message: string; why?: string }): TaskEvent {
  return { kind: "JobEnded", at, job: one.key, outcome: "failed", outputs: {}, failure: { code, ...words } };
}

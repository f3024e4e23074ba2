// Safety invariants. They are checked against commits, answers and changes of the outside system, and keep their own record
// of every job, so that they depend on nothing that the processes say about themselves.

import { isCanceled } from "@gantry/core/task/decision.ts";
import type { TaskEvent } from "@gantry/core/task/events.ts";
import type { TaskState } from "@gantry/core/task/model.ts";
import type { StreamAppend } from "@gantry/journal/journal.ts";
import type { JobRef } from "@gantry/wire/runner/protocol.ts";
import type { Trace } from "../machine/trace.ts";
import { JOB_LIMIT, type JobRules } from "../plan/library.ts";
import type { Invariant, Violation } from "../violation.ts";
import { createChildInvariant } from "./child-invariants.ts";
import { createGroupInvariant, createJobGroupInvariant } from "./group-invariants.ts";

/** The record that the invariants keep of one job. */
export type JobAccount = {
  readonly task: string;
  readonly job: string;
  fence: number;
  attempt: number;
  runner: string;
  started: boolean;
  /** A lease is open. */
  open: boolean;
  ended: boolean;
  /** A person has marked it as done: this settles its effects, although no lease is open. */
  markedDone: boolean;
  /** Simulated time from which it may be offered; undefined: it is not ready. */
  readyMs: number | undefined;
  claimedMs: number;
  /** When its last lease ended. */
  closedMs: number;
  /** Simulated time of the last renewal of the open lease that was answered. */
  heardMs: number;
  lost: number;
  /** Attempt number → how it ended. */
  readonly ends: Map<number, string>;
};

export type Invariants = ReturnType<typeof createInvariants>;

/** What the invariants must know of the task-agents. */
export type AgentFacts = {
  readonly hosts: readonly unknown[];
  readonly readySinceMs: () => number | undefined;
  readonly atWorkSinceMs: () => number | undefined;
  readonly rates: () => readonly [slowest: number, fastest: number];
};

type InvariantDeps = {
  readonly nowMs: () => number;
  readonly trace: Trace;
  readonly rules: (pipeline: string, job: string) => JobRules;
  readonly limitOf: (pipeline: string) => number;
  readonly agents: () => AgentFacts;
  readonly reassignAfterMs: (mode: "strict" | "lenient") => number;
  /** After this long, a canceled lenient job whose runner is silent may be given up. */
  readonly unconfirmedAfterMs: number;
  /** Since when no fault is active; undefined while one is. */
  readonly quietSinceMs: () => number | undefined;
};

/** A claim this long after the last fault must not be lost. */
const SETTLED_MS = 60_000;
/** An agent knows its own commit when the store has answered, or, when the answer was lost, after it has reloaded. */
const ANSWERED_WITHIN_MS = 1_000;
/** An agent learns of a commit of the other agent within this time, also with a slow store or a stopped process. */
const OTHER_KNOWS_WITHIN_MS = 90_000;
/** Sweeps run once a second; a slow store delays them. */
const SWEEP_SLACK_MS = 45_000;

export function createInvariants(deps: InvariantDeps) {
  const { nowMs, trace } = deps;
  const violations: Violation[] = [];
  const versions = new Map<string, number>();
  const tasks = new Map<string, TaskState>();
  const jobs = new Map<string, JobAccount>();
  const effects = new Map<string, "begun" | "done">();
  const cancels = new Map<string, number>();
  const claims = new Map<number, JobRef>();
  /** Leases of former processes that must be given away soon. */
  const mustBeReassigned = new Map<JobAccount, { readonly fence: number; readonly untilMs: number }>();
  /** The number of the newest build. */
  let newestBuild = 0;
  let lastEndMs = 0;

  const violated = (invariant: Invariant, text: string): void => {
    violations.push({ invariant, text, atMs: nowMs() });
    trace.line(`!! ${invariant}: ${text}`);
  };
  const checkGroup = createGroupInvariant(deps.limitOf, violated);
  const checkJobGroups = createJobGroupInvariant(JOB_LIMIT, violated);
  const checkChildren = createChildInvariant((pipeline, job) => deps.rules(pipeline, job).wait !== false, violated);
  const accountOf = (task: string, job: string): JobAccount => {
    const key = `${task} ${job}`;
    const known = jobs.get(key) ?? newAccount(task, job);
    jobs.set(key, known);
    return known;
  };

  const onEvent = (task: TaskState, event: TaskEvent): void => {
    trace.line(`  ${task.id} ${event.kind} ${"job" in event ? event.job : ""} ${detail(event)}`);
    if (event.kind === "TaskCancelRequested") cancels.set(task.id, nowMs());
    if (event.kind === "EffectBegun" && !effects.has(event.key)) effects.set(event.key, "begun");
    if (event.kind === "EffectEnded") {
      if (effects.get(event.key) !== "begun")
        violated("one-end", `effect ${event.key} ended twice, or was never begun`);
      effects.set(event.key, "done");
    }
    if ("job" in event && event.kind !== "JobExpanded") onJob(task, accountOf(task.id, event.job), event);
  };

  const onJob = (task: TaskState, job: JobAccount, event: Extract<TaskEvent, { job: string }>): void => {
    if (!isNotLate(event)) return;
    const name = `${job.job} of ${job.task}`;
    if (job.ended) violated("one-end", `${name} had ended, then ${event.kind}`);
    if (event.kind === "JobResolved") job.markedDone = event.answer === "mark-done";
    const isOfPerson = event.kind === "EffectEnded" && job.markedDone && event.attempt === job.attempt;
    const isHolder = job.open && "attempt" in event && event.attempt === job.attempt;
    if ("attempt" in event && event.kind !== "JobClaimed" && !isHolder && !isOfPerson)
      violated("no-stale-write", `${event.kind} of attempt ${event.attempt} of ${name}; ${job.attempt} is the newest`);
    const one = task.jobs[job.job];
    const canceled = one !== undefined && isCanceled(task, one);
    switch (event.kind) {
      case "JobReady":
        job.readyMs = nowMs() + Math.max(0, (event.notBefore ?? 0) - event.at) / deps.agents().rates()[0];
        break;
      case "JobClaimed":
        if (event.fence <= job.fence) violated("fences-grow", `${name}: ${event.fence} after ${job.fence}`);
        if (job.open) violated("one-holder", `${name} was claimed by ${event.runner} while ${job.runner} held it`);
        if (canceled) violated("cancel-holds", `${name} was claimed after its task was canceled`);
        claims.set(event.fence, { task: task.id, job: event.job, attempt: event.attempt, fence: event.fence });
        Object.assign(job, { fence: event.fence, attempt: event.attempt, runner: event.runner });
        Object.assign(job, { open: true, started: false, readyMs: undefined, claimedMs: nowMs(), heardMs: nowMs() });
        break;
      case "JobStarted":
        if (canceled) violated("cancel-holds", `${name} was started after its task was canceled`);
        job.started = true;
        break;
      case "AttemptEnded":
        if (job.ends.has(event.attempt)) violated("one-end", `attempt ${event.attempt} of ${name} ended twice`);
        lastEndMs = nowMs();
        job.ends.set(event.attempt, event.outcome);
        Object.assign(job, { open: false, closedMs: nowMs() });
        break;
      case "AttemptLost":
        checkLost(task, job, event.reason);
        // An attempt that its runner stopped by itself is reported again, unchanged, when the answer was lost.
        job.ends.set(event.attempt, event.digest === undefined ? "lost" : "cut off");
        Object.assign(job, { open: false, closedMs: nowMs() });
        if (event.started) job.lost += 1;
        break;
      case "JobHeld":
        checkHeld(task, job);
        job.readyMs = undefined;
        break;
      case "JobSkipped":
      case "JobEnded":
      case "JobKept":
        Object.assign(job, { ended: true, open: false, readyMs: undefined });
        break;
    }
  };

  const checkLost = (task: TaskState, job: JobAccount, reason: string): void => {
    const quietSince = deps.quietSinceMs() ?? Number.POSITIVE_INFINITY;
    if (job.claimedMs > quietSince + SETTLED_MS)
      violated("alive-is-not-lost", `${job.job} of ${job.task} was lost although no fault was active: ${reason}`);
    if (!reason.includes("not been heard")) return;
    const [, rate] = deps.agents().rates();
    const needMs = deps.reassignAfterMs(deps.rules(task.pipeline, job.job).mode) / rate;
    const heard = Math.max(job.heardMs, deps.agents().readySinceMs() ?? 0);
    const canceled = cancels.get(task.id);
    const isUnconfirmed =
      canceled !== undefined &&
      deps.rules(task.pipeline, job.job).mode === "lenient" &&
      nowMs() - canceled >= (deps.unconfirmedAfterMs / rate) * 0.999;
    if (nowMs() - heard < needMs * 0.999 && !isUnconfirmed)
      violated(
        "alive-is-not-lost",
        `${job.job} of ${job.task} was given away ${nowMs() - heard} ms after its last renewal`,
      );
  };

  const checkGivenAway = (job: JobAccount, fence: number): void => {
    if (!job.open || job.fence !== fence) return;
    const text = `${job.runner} has a new process, and ${job.job} of ${job.task} still belongs to the old one`;
    violated("dead-is-reassigned", text);
  };

  const checkHeld = (task: TaskState, job: JobAccount): void => {
    const { retrySafe } = deps.rules(task.pipeline, job.job);
    if (!job.started) violated("held-by-rule", `${job.job} of ${job.task} is held although it never started`);
    if (retrySafe && job.lost <= 2)
      violated("held-by-rule", `${job.job} of ${job.task} is held although it is retrySafe`);
  };

  return {
    violations,
    tasks,
    jobs,
    violated,
    account: accountOf,
    /** The attempt that was claimed with this fence. */
    claimed: (fence: number): JobRef | undefined => claims.get(fence),
    /** A new process of a runner has registered and was answered: attempts that it does not list are no longer its own. */
    onNewProcess: (runner: string, running: readonly { readonly ref: JobRef }[]): void => {
      for (const job of jobs.values()) {
        if (!job.open || job.runner !== runner || running.some(({ ref }) => ref.fence === job.fence)) continue;
        // With two agents, one learns of the other's commits a little later.
        if (deps.agents().hosts.length > 1)
          mustBeReassigned.set(job, { fence: job.fence, untilMs: nowMs() + OTHER_KNOWS_WITHIN_MS });
        else checkGivenAway(job, job.fence);
      }
    },
    /** Called once a second: no job may wait for a runner that has been silent for longer than its lease allows. */
    checkSilence: (): void => {
      for (const [job, { fence, untilMs }] of mustBeReassigned) {
        if (nowMs() < untilMs) continue;
        mustBeReassigned.delete(job);
        checkGivenAway(job, fence);
      }
      const { atWorkSinceMs, rates } = deps.agents();
      const sinceMs = atWorkSinceMs();
      if (sinceMs === undefined) return;
      for (const job of jobs.values()) {
        const task = job.open && tasks.get(job.task);
        if (!task) continue;
        const limitMs = deps.reassignAfterMs(deps.rules(task.pipeline, job.job).mode) / rates()[0] + SWEEP_SLACK_MS;
        const silentMs = nowMs() - Math.max(job.heardMs, sinceMs);
        if (silentMs > limitMs)
          violated(
            "dead-is-reassigned",
            `${job.job} of ${job.task} waits for ${job.runner}, silent for ${silentMs} ms`,
          );
      }
    },
    /** Simulated time at which the last attempt ended. */
    lastEndMs: (): number => lastEndMs,
    /** How many builds there are. */
    builds: (): number => newestBuild,
    onCommit: (batch: readonly StreamAppend[]): void => {
      newestBuild += checkBuilds(batch, newestBuild, violated);
      for (const part of batch) {
        if (!part.stream.startsWith("task/")) continue;
        const version = versions.get(part.stream) ?? 0;
        if (part.expected !== version)
          violated("events-without-gap", `${part.stream}: ${part.expected} after ${version}`);
        versions.set(part.stream, version + part.events.length);
        const state = part.snapshot as unknown as TaskState;
        const before = tasks.get(state.id);
        const events = part.events as unknown as readonly TaskEvent[];
        if (before?.phase === "ended" && (events.some(isNotLate) || before.outcome !== state.outcome))
          violated("one-end", `${state.id} changed after its end`);
        tasks.set(state.id, state);
        checkGroup(state);
        checkJobGroups(state);
        checkChildren(state);
        for (const event of events) onEvent(before ?? state, event);
      }
    },
    versionOf: (task: string): number => versions.get(`task/${task}`) ?? 0,
    /** A call about an attempt was granted. `before`: the record of the job when the call arrived. */
    onGranted: (
      call: string,
      ref: JobRef,
      before: { readonly fence: number; readonly outcome: string | undefined },
    ): void => {
      if (ref.fence >= before.fence) return;
      // A repeated report is answered like the first one.
      if (call === "report" && before.outcome !== undefined && before.outcome !== "lost") return;
      if (call === "effectEnd") return;
      violated(
        "no-stale-write",
        `${call} of ${ref.job} of ${ref.task} with fence ${ref.fence}; ${before.fence} was the newest`,
      );
    },
    /**
     * A renewal was granted to a request that arrived at `arrivedMs`. The lease counts from then at the earliest, and may have
     * ended before the answer was sent.
     */
    onRenewed: (ref: JobRef, arrivedMs: number): void => {
      const job = accountOf(ref.task, ref.job);
      const knownWithinMs = deps.agents().hosts.length > 1 ? OTHER_KNOWS_WITHIN_MS : ANSWERED_WITHIN_MS;
      const overMs = ref.fence < job.fence ? job.claimedMs : job.closedMs;
      if (job.fence === ref.fence && job.open) job.heardMs = Math.max(job.heardMs, arrivedMs);
      else if (overMs + knownWithinMs < arrivedMs)
        violated("no-stale-write", `a renewal of ${ref.job} of ${ref.task} with fence ${ref.fence} was granted`);
    },
  };
}

/**
 * Builds are numbered without gaps, each by the commit that ends its task, and a task deploys one that there is. Returns how
 * many were made.
 */
function checkBuilds(
  batch: readonly StreamAppend[],
  newest: number,
  violated: (invariant: Invariant, text: string) => void,
): number {
  const numbers = batch.flatMap(({ stream }) =>
    stream.startsWith("build/") ? [Number(stream.split("/").at(-1))] : [],
  );
  const ends = batch
    .flatMap(({ stream, events }) => (stream.startsWith("task/") ? events : []))
    .map((event) => event as unknown as TaskEvent);
  const made = ends.filter((event) => event.kind === "TaskEnded" && event.result?.build !== undefined).length;
  if (made !== numbers.length)
    violated("builds-in-order", `${made} tasks have ended with a build, ${numbers.length} were stored`);
  numbers.forEach((number, index) => {
    if (number !== newest + index + 1) violated("builds-in-order", `build ${number} after ${newest + index}`);
  });
  for (const event of ends) {
    const deployed = event.kind === "TaskRequested" ? event.build?.number : undefined;
    if (typeof deployed === "number" && (deployed < 1 || deployed > newest))
      violated(
        "builds-in-order",
        `${event.kind === "TaskRequested" ? event.task : ""} deploys ${deployed} of ${newest}`,
      );
  }
  return numbers.length;
}

/** A report that arrives after its attempt was given away is only recorded; it has no effect. */
function isNotLate(event: TaskEvent): boolean {
  return event.kind !== "ReportCameLate";
}

function newAccount(task: string, job: string): JobAccount {
  return {
    task,
    job,
    fence: 0,
    attempt: 0,
    runner: "",
    started: false,
    open: false,
    ended: false,
    markedDone: false,
    readyMs: undefined,
    claimedMs: 0,
    closedMs: 0,
    heardMs: 0,
    lost: 0,
    ends: new Map(),
  };
}

function detail(event: TaskEvent): string {
  switch (event.kind) {
    case "JobClaimed":
      return `#${event.attempt} ${event.fence} ${event.runner}`;
    case "AttemptEnded":
    case "JobEnded":
    case "TaskEnded":
      return event.outcome;
    case "StepEnded":
      return `${event.step} ${event.outcome} ${event.failure?.message ?? ""} ${event.failure?.why ?? ""}`;
    case "AttemptLost":
    case "JobHeld":
      return event.reason;
    case "EffectBegun":
    case "EffectEnded":
      return event.key;
    default:
      return "";
  }
}

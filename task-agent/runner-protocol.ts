// The runner's side of the house: every call of wire/protocol.ts, as functions of who is calling and what it says.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import {
  decideClaim,
  decideEffectBegin,
  decideEffectEnd,
  decideLost,
  decideProgress,
  decideReport,
  decideStart,
  type Permit,
} from "@gantry/core/task/decide-lease.ts";
import { type Claimant, holder, NOTHING, refuse } from "@gantry/core/task/decision.ts";
import { jobScope } from "@gantry/core/task/scope.ts";
import { effectKey } from "@gantry/wire/effect-key.ts";
import type * as wire from "@gantry/wire/protocol.ts";
import type { z } from "zod";
import type { Dispatch } from "./dispatch.ts";
import { canceled, type Leases } from "./leases.ts";
import type { Session, Sessions } from "./sessions.ts";
import { jobMode, type TaskRecord, type Tasks } from "./tasks.ts";

export type ProtocolDeps = {
  readonly tasks: Tasks;
  readonly sessions: Sessions;
  readonly dispatch: Dispatch;
  readonly leases: Leases;
  readonly cancelGraceMs: number;
  /** Keeps what a runner tells of itself, so that it is listed when it is away. */
  readonly keepRunner: (facts: wire.SessionRequest) => Promise<void>;
};

export type RunnerProtocol = ReturnType<typeof openRunnerProtocol>;

export function openRunnerProtocol(deps: ProtocolDeps) {
  const { tasks, sessions, dispatch, leases } = deps;

  const claimant = (session: Session, ref: wire.JobRef): Claimant => ({
    job: ref.job,
    attempt: ref.attempt,
    fence: ref.fence,
    runner: session.facts.runner,
  });

  const lose = (task: string, lost: { job: string; fence: number; reason: string }): Promise<TaskRecord> =>
    tasks.change(task, ({ state, pipeline }, now) => decideLost(pipeline, state, lost, now));

  return {
    /** Leases that the runner no longer lists are lost at once; those it lists go on. */
    session: async (request: wire.SessionRequest, site: string): Promise<wire.SessionReply> => {
      if (request.site !== site)
        throw new GantryError("forbidden", {
          who: `A runner of site ${site}`,
          verb: `register at site ${request.site}`,
        });
      const other = sessions.byRunner(request.runner);
      if (other && other.facts.site !== site)
        throw new GantryError("conflict", {
          what: `The runner name ${request.runner} is used at site ${other.facts.site}: it`,
        });
      const session = sessions.open(request);
      await deps.keepRunner(request);
      const held = leases.of(request.runner);
      const lists = (lease: { task: string; job: string; fence: number }): boolean =>
        request.running.some(
          ({ ref }) => ref.task === lease.task && ref.job === lease.job && ref.fence === lease.fence,
        );
      for (const lease of held) {
        if (!lists(lease))
          await lose(lease.task, { ...lease, reason: `runner ${request.runner} came back without it` });
      }
      const directives = await Promise.all(
        request.running.map(async ({ ref }) => {
          if (!leases.renew(ref.task, ref.job, ref.fence, request.runner)) return { ref, do: "drop" as const };
          const record = await tasks.read(ref.task);
          return { ref, do: record && canceled(record.state, ref.job) ? ("cancel" as const) : ("continue" as const) };
        }),
      );
      return { session: session.id, directives };
    },

    poll: (request: wire.PollRequest, site: string, gone: AbortSignal): Promise<wire.PollReply> =>
      sessions.poll(sessions.use(request.session, site), request.freeSlots, request.waitMs, gone),

    claim: async (request: z.infer<typeof wire.claimRequest>, site: string): Promise<wire.ClaimReply> => {
      const session = sessions.use(request.session, site);
      const open = dispatch.offered(session, request.offer);
      const who = claimant(session, request.ref);
      const task = await tasks.change(request.ref.task, ({ state, pipeline }, now) => {
        if (open) return decideClaim(pipeline, state, { ...who, ...open.ref, choice: open.choice }, now);
        // A claim whose answer was lost is repeated without an open offer: it finds its lease, or the offer is gone.
        return holder(state, who) instanceof GantryError ? refuse("offer-gone", { problem: "It expired." }) : NOTHING;
      });
      if (open) {
        dispatch.settled(session, request.offer);
        session.free = Math.max(0, session.free - 1);
        warm(session, task.state.app);
      }
      return {
        lease: leases.terms(jobMode(task.pipeline, jobOf(task, request.ref.job).id)),
        spec: jobSpec(task, request.ref.job),
      };
    },

    decline: async (request: z.infer<typeof wire.declineRequest>, site: string): Promise<JsonObject> => {
      dispatch.declined(sessions.use(request.session, site), request.offer);
      return {};
    },

    start: async ({ session, ref }: z.infer<typeof wire.startRequest>, site: string): Promise<JsonObject> => {
      const who = claimant(sessions.use(session, site), ref);
      await tasks.change(ref.task, ({ state }, now) => decideStart(state, who, now));
      return {};
    },

    heartbeat: async (request: z.infer<typeof wire.heartbeatRequest>, site: string): Promise<wire.HeartbeatReply> => {
      const session = sessions.use(request.session, site);
      const items = await Promise.all(
        request.items.map(async ({ ref }) => {
          if (!leases.renew(ref.task, ref.job, ref.fence, session.facts.runner)) return { ref, state: "lost" as const };
          const record = await tasks.read(ref.task);
          if (!record || !canceled(record.state, ref.job)) return { ref, state: "ok" as const };
          return { ref, state: "cancel" as const, graceMs: deps.cancelGraceMs, reason: cancelReason(record) };
        }),
      );
      return { items };
    },

    progress: async (request: z.infer<typeof wire.progressRequest>, site: string): Promise<{ ack: number }> => {
      const who = claimant(sessions.use(request.session, site), request.ref);
      const task = await tasks.change(request.ref.task, ({ state }, now) =>
        decideProgress(state, who, request.from, request.events, now),
      );
      return { ack: jobOf(task, request.ref.job).progress };
    },

    effectBegin: async (request: z.infer<typeof wire.effectBegin>, site: string): Promise<wire.EffectPermit> => {
      const who = claimant(sessions.use(request.session, site), request.ref);
      const { step, effect, what, ordinal, ref } = request;
      const key = effectKey(ref.task, ref.job, step, effect, ordinal);
      let permit: Permit | undefined;
      await tasks.change(ref.task, ({ state }, now) => {
        const answer = decideEffectBegin(state, who, { key, step, effect, what }, now);
        permit = answer.permit;
        return answer.decision;
      });
      if (!permit) throw new Error("a begun effect has a permit");
      return permit.answer === "done"
        ? { answer: "done", key, result: permit.result as Record<string, z.core.util.JSONType> }
        : { answer: permit.answer, key };
    },

    effectEnd: async (request: z.infer<typeof wire.effectEnd>, site: string): Promise<JsonObject> => {
      const who = claimant(sessions.use(request.session, site), request.ref);
      await tasks.change(request.ref.task, ({ state }, now) =>
        decideEffectEnd(state, who, request.key, request.result, now),
      );
      return {};
    },

    report: async (request: wire.ReportRequest, site: string): Promise<JsonObject> => {
      const who = claimant(sessions.use(request.session, site), request.ref);
      await tasks.change(request.ref.task, ({ state, pipeline }, now) =>
        decideReport(pipeline, state, who, request, now),
      );
      return {};
    },

    /** May this caller append to the log of that attempt? The newest attempt of the runner, or an older one of its own. */
    mayLog: async (session: string, site: string, ref: wire.JobRef): Promise<void> => {
      const { runner } = sessions.use(session, site).facts;
      const record = await tasks.read(ref.task);
      const job = record?.state.jobs[ref.job];
      const attempt = job?.attempts.find((one) => one.attempt === ref.attempt);
      if (
        !job ||
        !attempt ||
        attempt.runner !== runner ||
        ref.fence > job.fence ||
        (ref.attempt === job.attempt && ref.fence !== job.fence)
      ) {
        throw new GantryError("lease-lost", { problem: "The log belongs to another attempt." });
      }
    },

    /** Tells the holders of a canceled task's jobs at once, through their open polls. */
    cancel: (task: TaskRecord): void => {
      for (const job of Object.values(task.state.jobs)) {
        if (!job.lease || !canceled(task.state, job.key)) continue;
        const session = sessions.byRunner(job.lease.runner);
        const ref = { task: task.state.id, job: job.key, attempt: job.attempt, fence: job.fence };
        session?.cancels.set(`${ref.task} ${ref.job}`, {
          ref,
          graceMs: deps.cancelGraceMs,
          reason: cancelReason(task),
        });
        session?.wake?.();
      }
    },
  };
}

/** Everything that the runner needs for the attempt, and nothing of other jobs. */
function jobSpec({ state, pipeline }: TaskRecord, key: string): wire.JobSpec {
  const job = jobOf({ state }, key);
  const definition = [...pipeline.jobs, ...pipeline.finally].find((one) => one.id === job.id);
  if (!definition) throw new Error(`pipeline ${pipeline.name} has no job ${job.id}`);
  return structuredClone({
    pipeline: pipeline.name,
    ...(state.app === undefined ? {} : { app: state.app }),
    title: definition.title,
    site: job.site,
    mode: definition.mode,
    timeoutMs: definition.timeoutMs,
    requestedBy: state.requestedBy,
    requestedAtMs: state.requestedAt,
    taskUrl: state.url,
    env: definition.env,
    outputs: definition.outputs,
    steps: definition.steps,
    scope: jobScope(pipeline, state, job.id, job),
  }) as wire.JobSpec;
}

function jobOf(task: { state: TaskRecord["state"] }, key: string): TaskRecord["state"]["jobs"][string] {
  const job = task.state.jobs[key];
  if (!job) throw new GantryError("lease-lost", { problem: "The task has no such job." });
  return job;
}

function cancelReason({ state }: TaskRecord): string {
  return `canceled by ${state.cancel?.by ?? "nobody"}${state.cancel?.reason ? `: ${state.cancel.reason}` : ""}`;
}

const MAX_WARM = 200;
function warm(session: Session, app: string | undefined): void {
  if (app === undefined || session.warm.includes(app)) return;
  session.warm.unshift(app);
  session.warm.length = Math.min(session.warm.length, MAX_WARM);
}

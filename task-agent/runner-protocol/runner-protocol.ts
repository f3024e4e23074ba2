// The runner's side of the house: every call of wire/runner/protocol.ts, as functions of who is calling and what it says. What
// is said about an attempt that has begun is in attempt-words.ts.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import { attemptOf, decideClaim } from "@gantry/core/task/decide-lease.ts";
import { type Claimant, holder, NOTHING, refuse } from "@gantry/core/task/decision.ts";
import type * as wire from "@gantry/wire/runner/protocol.ts";
import type { z } from "zod";
import type { Alarms } from "../alarms.ts";
import type { Dispatch, OpenOffer } from "../dispatch/dispatch.ts";
import type { RunnerRegistry } from "../dispatch/runner-registry.ts";
import type { Session, Sessions } from "../dispatch/sessions.ts";
import type { Fences } from "../leases/fences.ts";
import { canceled, type HeldLease, type Leases } from "../leases/leases.ts";
import { serialize } from "../tasks/serialize.ts";
import { jobMode, type TaskRecord, type Tasks } from "../tasks/tasks.ts";
import { attemptHandlers } from "./attempt-handlers.ts";
import { jobOf, jobSpec } from "./job-spec.ts";

export type ProtocolDeps = {
  readonly tasks: Tasks;
  readonly sessions: Sessions;
  readonly dispatch: Dispatch;
  readonly leases: Leases;
  readonly fences: Fences;
  readonly fleet: Pick<RunnerRegistry, "keep" | "setRemoved">;
  readonly alarms: Alarms;
  readonly cancelGraceMs: number;
  /** Other agents use the same journal. */
  readonly shared?: boolean;
};

export type RunnerProtocol = ReturnType<typeof openRunnerProtocol>;

export function openRunnerProtocol(deps: ProtocolDeps) {
  const { tasks, sessions, dispatch, leases, fences, fleet } = deps;

  /** The task that a runner speaks about, when there is one. A fence that was never given is told on the way. */
  const look = async (ref: wire.JobRef, runner: string): Promise<TaskRecord | undefined> => {
    const record = await tasks.read(ref.task);
    await fences.heard(ref, record?.state.jobs[ref.job]?.fence ?? 0, runner);
    return record;
  };

  /** Who speaks about an attempt that was claimed. Throws `session-gone`, and `lease-lost` for a task that is not there. */
  const speaker = async (id: string, site: string, ref: wire.JobRef): Promise<Claimant> => {
    const { runner } = sessions.use(id, site).facts;
    // What is said is tested against the newest state by its commit. Only a fence that is not known must be looked at here.
    const seen = tasks.remembered(ref.task)?.state;
    const isKnown = seen?.phase !== "ended" && (seen?.jobs[ref.job]?.fence ?? 0) >= ref.fence;
    if (!isKnown && !(await look(ref, runner)))
      throw new GantryError("lease-lost", { problem: "There is no such task." });
    return claimantOf(runner, ref);
  };

  const registering = new Map<string, Promise<unknown>>();
  /** Claims that are being committed. */
  const claiming = new Set<{ readonly runner: string; readonly over: Promise<unknown> }>();
  /** Fences of the claims that were made here lately: of those whose commit is not answered yet others may hear before us. */
  const mine = new Set<number>();
  /**
   * The session of a runner is over, so it can begin no claim any more. What it has begun is settled first, also where its
   * commit was not answered: nothing of it may be left that nobody knows of.
   */
  const claimsOf = async (runner: string): Promise<void> => {
    await Promise.allSettled([...claiming].filter((one) => one.runner === runner).map(({ over }) => over));
    await tasks.recheck();
  };
  const register = async (request: wire.SessionRequest, site: string): Promise<wire.SessionReply> => {
    const { runner, running } = request;
    checkSite(request, site, sessions.byRunner(runner));
    await fleet.keep(request);
    const session = sessions.open(request);
    await claimsOf(runner);
    for (const lease of leases.of(runner)) {
      if (!running.some(({ ref }) => isSame(ref, lease)))
        await leases.lose(lease, `runner ${runner} came back without it`);
    }
    const directives = await Promise.all(
      running.map(async ({ ref }) => {
        const record = await look(ref, runner);
        if (!record || !leases.renew(ref.task, ref.job, ref.fence, runner)) return { ref, do: "drop" as const };
        return { ref, do: canceled(record.state, ref.job) ? ("cancel" as const) : ("continue" as const) };
      }),
    );
    return { session: session.id, directives };
  };

  /** A registration of the runner waits for this. */
  const settled = async <T>({ runner, fence }: Claimant, isNew: boolean, work: () => Promise<T>): Promise<T> => {
    const one = { runner, over: work() };
    claiming.add(one);
    // A repeated claim commits nothing that could be heard of.
    if (deps.shared && isNew) {
      mine.add(fence);
      const [oldest] = mine;
      if (mine.size > MAX_MINE && oldest !== undefined) mine.delete(oldest);
    }
    try {
      return await one.over;
    } catch (error) {
      mine.delete(fence);
      throw error;
    } finally {
      claiming.delete(one);
    }
  };
  /** What another agent has given to somebody is not offered here again and again until this one hears of it. */
  const withdraw = async (session: Session, { offer, ref }: z.infer<typeof wire.claimRequest>): Promise<void> => {
    dispatch.settled(session, offer);
    const record = await tasks.read(ref.task);
    if (record) dispatch.look(record);
  };
  /** Also where the commit of the claim was not answered, so that the lease is not known here yet. */
  const renewed = async ({ task, job, fence }: wire.JobRef, runner: string): Promise<boolean> => {
    if (leases.renew(task, job, fence, runner)) return true;
    await tasks.recheck();
    return leases.renew(task, job, fence, runner);
  };
  const claim = (who: Claimant, { task }: wire.JobRef, open: OpenOffer | undefined): Promise<TaskRecord> =>
    tasks.change(task, ({ state, pipeline }, now) => {
      if (open) return decideClaim(pipeline, state, { ...who, ...open.ref, choice: open.choice }, now);
      // A claim whose answer was lost is repeated without an open offer: it finds its lease, or the offer is gone.
      return holder(state, who) instanceof GantryError ? refuse("offer-gone", { problem: "It expired." }) : NOTHING;
    });

  return {
    /** Leases that the runner no longer lists are lost at once; those it lists go on. */
    session: (request: wire.SessionRequest, site: string): Promise<wire.SessionReply> =>
      serialize(registering, request.runner, () => register(request, site)),

    poll: (request: wire.PollRequest, site: string, gone: AbortSignal): Promise<wire.PollReply> =>
      sessions.poll(sessions.use(request.session, site), request.freeSlots, request.waitMs, gone),

    claim: async (request: z.infer<typeof wire.claimRequest>, site: string): Promise<wire.ClaimReply> => {
      const session = sessions.use(request.session, site);
      const open = dispatch.offered(session, request.offer);
      const who = claimantOf(session.facts.runner, request.ref);
      const task = await settled(who, open !== undefined, () => claim(who, request.ref, open)).catch(
        async (error: unknown) => {
          if (open && error instanceof GantryError && error.code === "offer-gone") await withdraw(session, request);
          throw error;
        },
      );
      // Registered anew while this was committed: the registration did not list it, and has given it away.
      if (sessions.bySession(session.id) !== session) throw new GantryError("session-gone");
      // Of a claim that came twice the runner counts from the later one: its lease begins anew here, too.
      if (!(await renewed(request.ref, who.runner)))
        throw new GantryError("offer-gone", { problem: "It was given away." });
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

    /**
     * A claim was committed, perhaps at another agent that shares the journal and had not heard yet that the runner has
     * registered here since. The process that is signed in here does not know of it: it is given away.
     */
    heardOfClaim: async (claimed: HeldLease & { readonly runner: string }): Promise<void> => {
      const session = sessions.byRunner(claimed.runner);
      const isMine = mine.delete(claimed.fence);
      if (isMine || !session || session.facts.running.some(({ ref }) => isSame(ref, claimed))) return;
      await leases.lose(claimed, `runner ${claimed.runner} came back without it`);
    },

    decline: async (request: z.infer<typeof wire.declineRequest>, site: string): Promise<JsonObject> => {
      dispatch.declined(sessions.use(request.session, site), request.offer);
      return {};
    },

    heartbeat: async (request: z.infer<typeof wire.heartbeatRequest>, site: string): Promise<wire.HeartbeatReply> => {
      const { runner } = sessions.use(request.session, site).facts;
      const items = await Promise.all(
        request.items.map(async ({ ref }) => {
          const record = await look(ref, runner);
          if (!record || !leases.renew(ref.task, ref.job, ref.fence, runner)) return { ref, state: "lost" as const };
          if (!canceled(record.state, ref.job)) return { ref, state: "ok" as const };
          return { ref, state: "cancel" as const, graceMs: deps.cancelGraceMs, reason: cancelReason(record) };
        }),
      );
      return { items };
    },

    ...attemptHandlers({ tasks, alarms: deps.alarms, speaker }),

    /** May this caller append to the log of that attempt? The newest attempt of the runner, or an older one of its own. */
    mayLog: async (session: string, site: string, ref: wire.JobRef): Promise<void> => {
      const { runner } = sessions.use(session, site).facts;
      const record = await look(ref, runner);
      if (!record || !attemptOf(record.state, claimantOf(runner, ref)))
        throw new GantryError("lease-lost", { problem: "The log belongs to another attempt." });
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

    /**
     * Takes a runner out of service: it may not register again and can renew nothing. What it has not started is given
     * away at once; what it has started when its lease is over, because nobody knows that it has stopped. Throws
     * `not-found`.
     */
    remove: async (runner: string): Promise<void> => {
      await fleet.setRemoved(runner, true);
      sessions.end(runner);
      await claimsOf(runner);
      for (const lease of leases.of(runner)) {
        const record = await tasks.read(lease.task);
        if (!record?.state.jobs[lease.job]?.lease?.started)
          await leases.lose(lease, `runner ${runner} was taken out of service`);
      }
    },
  };
}

function checkSite({ runner, site: wished }: wire.SessionRequest, site: string, other: Session | undefined): void {
  if (wished !== site)
    throw new GantryError("forbidden", { who: `A runner of site ${site}`, verb: `register at site ${wished}` });
  if (other && other.facts.site !== site)
    throw new GantryError("conflict", {
      what: `The runner name ${runner} is used at site ${other.facts.site}: it`,
    });
}

function claimantOf(runner: string, { job, attempt, fence }: wire.JobRef): Claimant {
  return { job, attempt, fence, runner };
}

function isSame(ref: wire.JobRef, lease: HeldLease): boolean {
  return ref.task === lease.task && ref.job === lease.job && ref.fence === lease.fence;
}

function cancelReason({ state }: TaskRecord): string {
  return `canceled by ${state.cancel?.by ?? "nobody"}${state.cancel?.reason ? `: ${state.cancel.reason}` : ""}`;
}

/** Many more than can be under way at once. */
const MAX_MINE = 10_000;
const MAX_WARM = 200;
function warm(session: Session, app: string | undefined): void {
  if (app === undefined || session.warm.includes(app)) return;
  session.warm.unshift(app);
  session.warm.length = Math.min(session.warm.length, MAX_WARM);
}

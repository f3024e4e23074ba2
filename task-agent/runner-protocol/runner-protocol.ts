// The runner protocol at the agent: every call of wire/runner/protocol.ts as a function of the caller's site and its request.
// Calls about a claimed attempt are in attempt-handlers.ts.

import { GantryError } from "@gantry/core/errors.ts";
import { attemptOf, jobDefinition } from "@gantry/core/task/decide-lease.ts";
import { decideTold } from "@gantry/core/task/decide-told.ts";
import { cancelReason } from "@gantry/core/task/decision.ts";
import type { ObserveReply, ObserveRequest } from "@gantry/wire/runner/fleet.ts";
import type * as wire from "@gantry/wire/runner/protocol.ts";
import { stepOfLog } from "@gantry/wire/runner/summary-log.ts";
import type { z } from "zod";
import type { Alarms } from "../alarms.ts";
import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import { stopOf } from "../dispatch/decide-asked.ts";
import type { Dispatch } from "../dispatch/dispatch.ts";
import type { RunnerRegistry } from "../dispatch/runner-registry.ts";
import type { Sessions } from "../dispatch/sessions.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Fences } from "../leases/fences.ts";
import { canceled, type LeaseOwner } from "../leases/lease-table.ts";
import type { Leases } from "../leases/leases.ts";
import type { Limits } from "../limits.ts";
import type { Seal } from "../secrets/seal.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import type { Tasks } from "../tasks/tasks.ts";
import { artifactHandlers } from "./artifact-handlers.ts";
import { claimantOf, openAttemptAccess } from "./attempt-access.ts";
import { openAttemptBudget } from "./attempt-budget.ts";
import { attemptHandlers } from "./attempt-handlers.ts";
import { sendCancels } from "./cancel-directives.ts";
import { claimHandlers } from "./claim-handlers.ts";
import { jobOf } from "./job-spec.ts";
import type { OwnLogs } from "./own-logs.ts";
import { PendingClaims } from "./pending-claims.ts";
import { registrationHandlers } from "./registration.ts";

export type ProtocolDeps = {
  readonly tasks: Tasks;
  readonly sessions: Sessions;
  readonly dispatch: Dispatch;
  readonly leases: Leases;
  readonly fences: Fences;
  readonly registry: Pick<RunnerRegistry, "save" | "setRemoved">;
  readonly fleet: Pick<Fleet, "observe">;
  readonly ownLogs: Pick<OwnLogs, "receive">;
  readonly alarms: Alarms;
  readonly limits: Limits;
  /** How long a canceled job may take to stop, ms. Asked for each cancel, because it can change at any time. */
  readonly cancelGraceMs: () => number;
  readonly seal?: Seal | undefined;
  readonly artifacts?: ArtifactStore | undefined;
  /** Store time, ms since 1970. */
  readonly now: () => Promise<number>;
  /** Other agents use the same journal. */
  readonly shared?: boolean;
};

export type RunnerProtocol = ReturnType<typeof openRunnerProtocol>;

export function openRunnerProtocol(deps: ProtocolDeps) {
  const { tasks, sessions, leases, ownLogs } = deps;
  const access = openAttemptAccess(deps);
  const claims = new PendingClaims(tasks, deps.shared ?? false);
  const budget = openAttemptBudget(deps.limits);

  /** What cannot be stored now is lost: the next heartbeat has a newer one, and the lease is more important. */
  const tell = (ref: wire.JobRef, owner: LeaseOwner, told: wire.Told): void => {
    const claimant = claimantOf(owner, ref);
    tasks.change(ref.task, ({ state }, now) => budget(ref, decideTold(state, claimant, told, now))).catch(() => {});
  };
  const renew = async (ref: wire.JobRef, owner: LeaseOwner): Promise<wire.HeartbeatReply["items"][number]> => {
    const record = await access.readTask(ref, owner);
    if (!record || !leases.renew(ref, owner)) return { ref, state: "lost" as const };
    if (!canceled(record.state, ref.job)) return { ref, state: "ok" as const };
    return {
      ref,
      state: "cancel" as const,
      graceMs: deps.cancelGraceMs(),
      reason: cancelReason(record.state, record.state.jobs[ref.job]),
    };
  };

  return {
    ...registrationHandlers({ ...deps, access, claims }),
    ...claimHandlers({ ...deps, claims }),
    ...attemptHandlers({ ...deps, budget, claimantOf: access.claimant }),
    ...artifactHandlers({ ...deps, budget, artifacts: deps.artifacts, claimantOf: access.claimant }),

    poll: (request: wire.PollRequest, site: string, gone: AbortSignal): Promise<wire.PollReply> =>
      sessions.poll(sessions.use(request.session, site), request.freeSlots, request.waitMs, gone),

    heartbeat: async (request: z.infer<typeof wire.heartbeatRequest>, site: string): Promise<wire.HeartbeatReply> => {
      const session = sessions.use(request.session, site);
      const { facts } = session;
      const items = await Promise.all(request.items.map(({ ref }) => renew(ref, facts)));
      for (const [at, { ref, told }] of request.items.entries())
        if (told && items[at]?.state === "ok") tell(ref, facts, told);
      const stop = stopOf(session);
      const log = session.log?.order;
      return { items, ...(stop ? { stop } : {}), ...(log ? { log } : {}) };
    },

    ownLog: async (message: wire.OwnLog, site: string): Promise<object> => {
      await ownLogs.receive(message, site);
      return {};
    },

    observe: (request: ObserveRequest, site: string): Promise<ObserveReply> =>
      deps.fleet.observe(request, sessions.use(request.session, site).facts),

    /**
     * Throws `lease-lost` unless the caller may append to the log of this attempt: the runner's newest attempt, or an older
     * one of its own. Throws `session-gone`, and `not-found` for a step that the job does not have.
     */
    mayLog: async (session: string, site: string, ref: wire.JobRef, step: string): Promise<void> => {
      const { facts } = sessions.use(session, site);
      const record = await access.readTask(ref, facts);
      if (!record || !attemptOf(record.state, claimantOf(facts, ref)))
        throw new GantryError("lease-lost", { problem: "The log belongs to another attempt." });
      const { id } = jobOf(record, ref.job);
      if (!jobDefinition(record.pipeline, id).steps.some((one) => one.id === stepOfLog(step)))
        throw new GantryError("not-found", { kind: "step", name: step });
    },

    bind: sessions.bind,
    checkSender: sessions.checkSender,

    /** Informs the runners that hold jobs of a canceled task at once, through their open polls. */
    cancel: (task: TaskRecord): void => sendCancels(sessions, task, deps.cancelGraceMs()),
  };
}

// A runner claims or declines a job that it was offered.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import { decideClaim, jobDefinition } from "@gantry/core/task/decide-lease.ts";
import { type Claimant, holder, NOTHING, refuse } from "@gantry/core/task/decision.ts";
import type * as wire from "@gantry/wire/runner/protocol.ts";
import type { z } from "zod";
import type { Dispatch } from "../dispatch/dispatch.ts";
import type { OpenOffer } from "../dispatch/ready-jobs.ts";
import type { Session, Sessions } from "../dispatch/sessions.ts";
import type { HeldLease, LeaseOwner } from "../leases/lease-table.ts";
import type { Leases } from "../leases/leases.ts";
import type { Seal } from "../secrets/seal.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import type { Tasks } from "../tasks/tasks.ts";
import { claimantOf, isSameLease, isSameRef } from "./attempt-access.ts";
import { jobOf, jobSpec } from "./job-spec.ts";
import type { PendingClaims } from "./pending-claims.ts";

type ClaimRequest = z.infer<typeof wire.claimRequest>;

export type ClaimDeps = {
  readonly tasks: Tasks;
  readonly sessions: Sessions;
  readonly dispatch: Dispatch;
  readonly leases: Leases;
  readonly claims: PendingClaims;
  /** Opens the secret parameters of tasks. */
  readonly seal?: Seal | undefined;
};

export function claimHandlers(deps: ClaimDeps) {
  const { sessions, dispatch, leases, claims } = deps;
  return {
    /** Throws `session-gone`, and `offer-gone` when the offer has expired or another runner has the job. */
    claim: async (request: ClaimRequest, site: string): Promise<wire.ClaimReply> => {
      const session = sessions.use(request.session, site);
      const open = dispatch.openOffer(session, request.offer);
      if (open && !isSameRef(open.ref, request.ref))
        throw new GantryError("offer-gone", { problem: "It is for another attempt." });
      const claimant = claimantOf(session.facts, request.ref);
      const task = await claims
        .run(claimant, open !== undefined, () => commitClaim(deps, claimant, request.ref, open))
        .catch(async (error: unknown) => {
          if (open && error instanceof GantryError && error.code === "offer-gone")
            await withdrawOffer(deps, session, request);
          throw error;
        });
      // The runner registered again during the commit: that registration did not list the job, so its lease was revoked.
      if (sessions.bySession(session.id) !== session) throw new GantryError("session-gone");
      // The runner counts from the later of two equal claims, so the lease starts again here as well.
      if (!(await renewClaimed(deps, request.ref, claimant)))
        throw new GantryError("offer-gone", { problem: "It was given away." });
      if (open) {
        dispatch.settleOffer(session, request.offer);
        session.freeSlots = Math.max(0, session.freeSlots - 1);
        rememberApp(session, task.state.app);
      }
      return {
        lease: leases.terms(jobDefinition(task.pipeline, jobOf(task, request.ref.job).id).mode),
        spec: jobSpec(task, request.ref.job, deps.seal),
      };
    },

    /** Throws `session-gone`. */
    decline: async (request: z.infer<typeof wire.declineRequest>, site: string): Promise<JsonObject> => {
      dispatch.declineOffer(sessions.use(request.session, site), request.offer);
      return {};
    },

    /**
     * The event of a claim has come back from the journal. If another agent committed it and did not know yet that the runner
     * has registered here since, then the process that is signed in here does not know of the job: its lease is revoked.
     */
    onClaimCommitted: async (claimed: HeldLease & { readonly runner: string }): Promise<void> => {
      const session = sessions.byRunner(claimed.runner);
      const isLocal = claims.takeLocal(claimed.fence);
      if (isLocal || !session || session.facts.running.some(({ ref }) => isSameLease(ref, claimed))) return;
      await leases.revoke(claimed, `runner ${claimed.runner} registered again without this job`);
    },
  };
}

function commitClaim(
  { tasks }: ClaimDeps,
  claimant: Claimant,
  { task }: wire.JobRef,
  open: OpenOffer | undefined,
): Promise<TaskRecord> {
  return tasks.change(task, ({ state, pipeline }, now) => {
    if (open) return decideClaim(pipeline, state, { ...claimant, ...open.ref, choice: open.choice }, now);
    // A claim is repeated without an open offer when its reply was lost: then the runner holds the lease already.
    return holder(state, claimant) instanceof GantryError ? refuse("offer-gone", { problem: "It expired." }) : NOTHING;
  });
}

/** Another agent gave the job to a runner: it must not be offered here until the events of that arrive. */
async function withdrawOffer(
  { tasks, dispatch }: ClaimDeps,
  session: Session,
  { offer, ref }: ClaimRequest,
): Promise<void> {
  dispatch.settleOffer(session, offer);
  const record = await tasks.read(ref.task);
  if (record) dispatch.onTaskChanged(record);
}

/** Also when the commit of the claim was not answered, so that the lease is not known here yet. */
async function renewClaimed({ tasks, leases }: ClaimDeps, ref: wire.JobRef, owner: LeaseOwner): Promise<boolean> {
  if (leases.renew(ref, owner)) return true;
  await tasks.resolveUnanswered();
  return leases.renew(ref, owner);
}

const MAX_WARM = 200;

/** The runner has a mirror of this app's repository now. */
function rememberApp(session: Session, app: string | undefined): void {
  if (app === undefined || session.warm.includes(app)) return;
  session.warm.unshift(app);
  session.warm.length = Math.min(session.warm.length, MAX_WARM);
}

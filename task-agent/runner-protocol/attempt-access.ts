// Which attempt a runner's message is about, and whether the runner may send it.

import { GantryError } from "@gantry/core/errors.ts";
import type { Claimant } from "@gantry/core/task/decision.ts";
import type { JobRef } from "@gantry/wire/runner/protocol.ts";
import type { Sessions } from "../dispatch/sessions.ts";
import type { Fences } from "../leases/fences.ts";
import type { HeldLease, LeaseOwner } from "../leases/lease-table.ts";
import type { TaskRecord } from "../tasks/task-store.ts";
import type { Tasks } from "../tasks/tasks.ts";

export type AttemptAccess = {
  /** The task that a runner names; undefined when it does not exist. Checks the presented fence on the way. */
  readonly readTask: (ref: JobRef, runner: LeaseOwner) => Promise<TaskRecord | undefined>;
  /**
   * The sender of a message about a claimed attempt. Throws `session-gone`, and `lease-lost` for a task that does not exist.
   * Whether the lease still counts is tested by the commit of the message.
   */
  readonly claimant: (session: string, site: string, ref: JobRef) => Promise<Claimant>;
};

export function openAttemptAccess(deps: {
  readonly tasks: Pick<Tasks, "read" | "cached">;
  readonly sessions: Pick<Sessions, "use">;
  readonly fences: Pick<Fences, "checkPresented">;
}): AttemptAccess {
  const { tasks, sessions, fences } = deps;
  const readTask = async (ref: JobRef, runner: LeaseOwner): Promise<TaskRecord | undefined> => {
    const record = await tasks.read(ref.task);
    await fences.checkPresented(ref, record?.state.jobs[ref.job]?.fence ?? 0, runner);
    return record;
  };
  return {
    readTask,
    claimant: async (session, site, ref) => {
      const { facts } = sessions.use(session, site);
      // The commit tests the message against the newest state. Only a fence that is not known yet needs a read here.
      const cached = tasks.cached(ref.task)?.state;
      const isKnown = cached?.phase !== "ended" && (cached?.jobs[ref.job]?.fence ?? 0) >= ref.fence;
      if (!isKnown && !(await readTask(ref, facts)))
        throw new GantryError("lease-lost", { problem: "There is no such task." });
      return claimantOf(facts, ref);
    },
  };
}

export function claimantOf({ runner, site }: LeaseOwner, { job, attempt, fence }: JobRef): Claimant {
  return { job, attempt, fence, runner, site };
}

export function isSameRef(a: JobRef, b: JobRef): boolean {
  return a.task === b.task && a.job === b.job && a.attempt === b.attempt && a.fence === b.fence;
}

export function isSameLease(ref: JobRef, lease: HeldLease): boolean {
  return ref.task === lease.task && ref.job === lease.job && ref.fence === lease.fence;
}

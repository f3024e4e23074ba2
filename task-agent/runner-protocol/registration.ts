// A runner's process registers: its newest process takes over, and leases that it does not list are revoked.

import { GantryError } from "@gantry/core/errors.ts";
import type * as wire from "@gantry/wire/runner/protocol.ts";
import type { RunnerRegistry } from "../dispatch/runner-registry.ts";
import type { Sessions } from "../dispatch/sessions.ts";
import { canceled } from "../leases/lease-table.ts";
import type { Leases } from "../leases/leases.ts";
import type { Limits } from "../limits.ts";
import { serialize } from "../tasks/serialize.ts";
import type { Tasks } from "../tasks/tasks.ts";
import { type AttemptAccess, isSameLease } from "./attempt-access.ts";
import { checkRunnerSize } from "./decide-limits.ts";
import type { PendingClaims } from "./pending-claims.ts";

export type RegistrationDeps = {
  readonly tasks: Tasks;
  readonly sessions: Sessions;
  readonly leases: Leases;
  readonly registry: Pick<RunnerRegistry, "save" | "setRemoved">;
  readonly access: AttemptAccess;
  readonly claims: PendingClaims;
  readonly limits: Limits;
};

export function registrationHandlers(deps: RegistrationDeps) {
  const { tasks, sessions, leases, registry, claims } = deps;
  const queues = new Map<string, Promise<unknown>>();
  return {
    /**
     * Leases that the runner does not list are revoked at once; those that it lists continue. Throws `forbidden` for
     * another site than that of the token, `body-too-large`, and what `RunnerRegistry.save` throws.
     */
    session: (request: wire.SessionRequest, site: string): Promise<wire.SessionReply> =>
      serialize(queues, request.runner, () => register(deps, request, site)),

    /**
     * Takes a runner out of service: it may not register again and cannot renew anything. Leases of jobs
     * that it has not started are revoked at once. Leases of started jobs are revoked when their time is up, because it is not
     * known whether the jobs have stopped. Throws `not-found`.
     */
    remove: async (runner: string): Promise<void> => {
      const { facts } = await registry.setRemoved(runner, true);
      sessions.end(runner);
      await claims.settle(runner);
      for (const lease of leases.ofRunner(facts)) {
        const record = await tasks.read(lease.task);
        if (!record?.state.jobs[lease.job]?.lease?.started)
          await leases.revoke(lease, `runner ${runner} was taken out of service`);
      }
    },
  };
}

async function register(
  { sessions, leases, registry, access, claims, limits }: RegistrationDeps,
  request: wire.SessionRequest,
  site: string,
): Promise<wire.SessionReply> {
  const { runner, running } = request;
  checkSite(request, site);
  checkRunnerSize(limits, request);
  const { asked } = await registry.save(request);
  const session = sessions.open(request, asked);
  await claims.settle(runner);
  for (const lease of leases.ofRunner(request)) {
    if (!running.some(({ ref }) => isSameLease(ref, lease)))
      await leases.revoke(lease, `runner ${runner} registered again without this job`);
  }
  const directives = await Promise.all(
    running.map(async ({ ref }) => {
      const record = await access.readTask(ref, request);
      if (!record || !leases.renew(ref, request)) return { ref, do: "drop" as const };
      return { ref, do: canceled(record.state, ref.job) ? ("cancel" as const) : ("continue" as const) };
    }),
  );
  return { session: session.id, directives };
}

function checkSite({ site: requested }: wire.SessionRequest, site: string): void {
  if (requested !== site)
    throw new GantryError("forbidden", { who: `A runner of site ${site}`, verb: `register at site ${requested}` });
}

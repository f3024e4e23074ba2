// What the environment of a target demands of people and of the time, before anything is started. Pure.

import type { Approvers } from "@gantry/core/access/approval.ts";
import { targetsOf } from "@gantry/core/app/targets.ts";
import { type Closed, closedAt } from "@gantry/core/build/calendar.ts";
import { type Environments, environmentNamed, policyOfRollback } from "@gantry/core/build/environments.ts";
import type { AppState } from "@gantry/core/task/model.ts";

export type Demanded = {
  readonly target: string;
  readonly site?: string | undefined;
  readonly environment?: string | undefined;
  readonly approval?: Omit<Approvers, "expiresMs">;
  readonly closed?: Closed;
};

/** One for each target of the app. `rollback`: what a rollback need not wait for is left out. */
export function demandsOf(
  { record }: Pick<AppState, "record">,
  environments: Environments,
  now: number,
  { rollback = false } = {},
): readonly Demanded[] {
  return targetsOf(record).map(({ name: target, site, environment }): Demanded => {
    const named = environment === undefined ? undefined : environmentNamed(environments, environment);
    const policy = named && rollback ? policyOfRollback(named) : named;
    const closed = policy && closedAt(environment ?? "", policy, now);
    return {
      target,
      ...(site === undefined ? {} : { site }),
      ...(environment === undefined ? {} : { environment }),
      ...(policy?.approval ? { approval: asked(policy.approval) } : {}),
      ...(closed ? { closed } : {}),
    };
  });
}

function asked({ expiresMs: _, ...approval }: Approvers): NonNullable<Demanded["approval"]> {
  return approval;
}

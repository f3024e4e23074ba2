// The rights of callers under the policy in force.

import {
  type GivenRole,
  hasNoMore,
  type Rights,
  rightsOf,
  rolesOf,
  type Subject,
} from "@gantry/core/access/decide-right.ts";
import type { Policy } from "@gantry/core/access/policy.ts";

export type RightsOf = {
  /** Under the current policy. Long-lived callers, such as streams, must ask again. */
  readonly of: (caller: Subject) => Rights;
  /** See `hasNoMore` of core. */
  readonly hasNoMore: (other: Subject, caller: Subject) => boolean;
  /** The roles of somebody, and where they come from. */
  readonly rolesOf: (subject: Subject) => readonly GivenRole[];
  /** Grows when the policy changes. */
  readonly version: () => number;
};

/** The source of the policy; `version` increases when it changes. */
export type PolicySource = { readonly policy: () => Policy | undefined; readonly version: () => number };

const MAX_ENTRIES = 5_000;

/** Caches the rights of callers, because every request creates a new object for its caller. */
export function makeRights(source: PolicySource): RightsOf {
  const known = new Map<string, Rights>();
  let version = source.version();
  return {
    version: source.version,
    rolesOf: (subject) => rolesOf(subject, source.policy()),
    hasNoMore: (other, caller) => hasNoMore(other, caller, source.policy()),
    of: (caller) => {
      const { name, role, groups, issuer, scope } = caller;
      if (version !== source.version() || known.size >= MAX_ENTRIES) known.clear();
      version = source.version();
      const key = JSON.stringify([name, role, groups, issuer, scope]);
      const before = known.get(key);
      if (before) return before;
      const rights = rightsOf(caller, source.policy());
      known.set(key, rights);
      return rights;
    },
  };
}

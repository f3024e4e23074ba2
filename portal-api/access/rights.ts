// The rights of callers under the policy in force.

import { type Rights, rightsOf, type Subject } from "@gantry/core/access/decide-right.ts";
import type { Policy } from "@gantry/core/access/policy.ts";

export type RightsOf = {
  /** Under the policy in force now: a caller that stays, as that of a stream, must ask again. */
  readonly of: (caller: Subject) => Rights;
  /** Grows when the policy changes. */
  readonly version: () => number;
};

/** Where the policy comes from; `version` grows when it changes. */
export type PolicySource = { readonly policy: () => Policy | undefined; readonly version: () => number };

export function makeRights(source: PolicySource): RightsOf {
  const known = new WeakMap<Subject, { readonly version: number; readonly rights: Rights }>();
  return {
    version: source.version,
    of: (caller) => {
      const version = source.version();
      const before = known.get(caller);
      if (before?.version === version) return before.rights;
      const rights = rightsOf(caller, source.policy());
      known.set(caller, { version, rights });
      return rights;
    },
  };
}

// The caller as what a job asks names people: with groups and with roles on the app of the task.

import type { Answerer } from "@gantry/core/access/approvers.ts";
import { groupNames, type Rights } from "@gantry/core/access/decide-right.ts";
import type { Caller } from "./decide-access.ts";
import type { AppFacts } from "./facts.ts";

type About = AppFacts & {
  readonly app: string | undefined;
  readonly pipeline: string;
  /** Where the job runs. */
  readonly sites: readonly string[];
};

export function answererOf(caller: Caller, rights: Rights, about: About): Answerer {
  return { name: caller.name, groups: groupNames(caller), roles: rights.rolesOn({ ...about, verb: "approve" }) };
}

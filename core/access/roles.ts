// The built-in roles: names for sets of verbs. A policy can define more.

import { VERB_NAMES, type Verb } from "./verbs.ts";

/** `none`: a person or token that has only what the policy gives. */
export const ROLES = ["none", "viewer", "developer", "approver", "operator", "admin"] as const;
export type Role = (typeof ROLES)[number];

const VIEWER: readonly Verb[] = ["view", "view-logs", "view-pipelines", "view-sites", "view-metrics"];
const DEVELOPER: readonly Verb[] = [
  ...VIEWER,
  "run-ci",
  "run-cd",
  "start-task",
  "cancel",
  "rerun",
  "redeliver",
  "resolve",
  "mark-done",
  "create-app",
  "change-app",
  "pause-app",
  "remove-app",
];

/** An approver cannot deploy and an operator cannot approve, so that a deployment can need two people. */
export const ROLE_VERBS: Readonly<Record<Role, readonly Verb[]>> = {
  none: [],
  viewer: VIEWER,
  developer: DEVELOPER,
  approver: [...VIEWER, "approve"],
  operator: [...DEVELOPER, "override-policy", "manage-runners", "pause-pipeline", "enrol", "manage-settings"],
  admin: VERB_NAMES,
};

export function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text);
}

/** The built-in role with the fewest verbs that has this one. */
export function leastRole(verb: Verb): Role {
  return ROLES.toSorted((a, b) => ROLE_VERBS[a].length - ROLE_VERBS[b].length).find((role) =>
    ROLE_VERBS[role].includes(verb),
  ) as Role;
}

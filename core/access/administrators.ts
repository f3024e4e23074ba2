// Whether a policy leaves somebody who can correct it. Pure.

import type { Policy, Subjects } from "./policy.ts";
import { coversSome, matchesAny } from "./selector.ts";
import type { Verb } from "./verbs.ts";

/** With these, an administrator can read corrected definitions, and give rights to people and tokens. */
const RULING: readonly Verb[] = ["manage-settings", "manage-tokens", "manage-people"];

/**
 * Why nobody would be an administrator; undefined when somebody is. Accounts and tokens with the role admin do not count:
 * a policy is written for people, and must work without them. Nor can it be seen here who is in a group.
 */
export function administratorProblem({ bindings, deny }: Policy): string | undefined {
  const admins = bindings.filter((one) => RULING.every((verb) => one.verbs.includes(verb) && coversSome(one, verb)));
  const denied = deny.filter((one) => RULING.some((verb) => one.verbs.includes(verb) && coversSome(one, verb)));
  if (admins.some((one) => isLeft(one, denied))) return undefined;
  if (admins.length > 0) return "nobody would be an administrator: a deny covers everybody with the role admin";
  return "nobody would be an administrator: give the role admin to groups or people, without apps, sites and pipelines";
}

/** Whether any of these subjects is not denied as a whole. */
function isLeft({ groups, people }: Subjects, denied: readonly Subjects[]): boolean {
  const isDenied = (kind: keyof Subjects, name: string): boolean =>
    denied.some((one) => matchesAny(one[kind], name) || (kind === "groups" && matchesAny(one.people, issuerOf(name))));
  return people.some((one) => !isDenied("people", one)) || groups.some((one) => !isDenied("groups", one));
}

/** `corp:` of `corp:platform`: `corp:*` and `*` are everybody in that group. */
function issuerOf(group: string): string {
  return group.slice(0, group.indexOf(":") + 1);
}

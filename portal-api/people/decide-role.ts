// Which role a person has: the one that an administrator gave, and those that their groups have by configuration. Pure.

import { ROLES, type Role } from "../access/decide-access.ts";
import type { PersonRecord } from "./person-record.ts";

export type RoleRule = {
  readonly group?: string | undefined;
  readonly person?: string | undefined;
  readonly role: Role;
};

/** The last one in the list of roles that applies. `otherwise`: of people to whom no administrator gave one. */
export function decideRole(
  person: Pick<PersonRecord, "name" | "groups" | "role" | "issuer">,
  rules: readonly RoleRule[],
  otherwise: Role,
): Role {
  const prefix = person.issuer === undefined ? "" : `${person.issuer}:`;
  const groups = person.groups.map((group) => `${prefix}${group}`);
  const given = rules
    .filter((rule) => rule.person === person.name || (rule.group !== undefined && groups.includes(rule.group)))
    .map(({ role }) => role);
  return [person.role ?? otherwise, ...given].reduce((best, role) =>
    ROLES.indexOf(role) > ROLES.indexOf(best) ? role : best,
  );
}

// The role of a person, from the one that an administrator gave and those that the configuration gives to their groups.
// Pure.

import { ROLES, type Role } from "../access/decide-access.ts";
import type { PersonRecord } from "./person-record.ts";

export type RoleRule = {
  readonly group?: string | undefined;
  readonly person?: string | undefined;
  readonly role: Role;
};

/** The last role in the list of roles that applies. `otherwise`: for people to whom no administrator gave one. */
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

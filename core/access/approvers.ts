// Who may approve, as pipelines and environments name them: `group:NAME`, `person:NAME` or `role:NAME`. Names are those of the
// policy of rights, and `*` stands for any characters. Pure.

import { matches } from "./selector.ts";

export const APPROVER = /^(?:group|person|role):[^\s*]*(?:\*[^\s*]*)*$/;
/** For a text that does not fit the pattern. */
export const APPROVER_HINT =
  "group:NAME, person:NAME or role:NAME, with names as in the policy of rights; a team is a list of apps and cannot approve";

/** A verified person, or token. */
export type Answerer = {
  readonly name: string;
  /** As the policy names them: those of an issuer begin with its id. */
  readonly groups: readonly string[];
  /** The names of the roles that they have on what is asked about. */
  readonly roles: readonly string[];
};

/** An empty list: everybody who has the verb `approve` there. */
export function isApprover(approvers: readonly string[], { name, groups, roles }: Answerer): boolean {
  return (
    approvers.length === 0 ||
    approvers.some((one) => {
      const at = one.indexOf(":");
      const [kind, pattern] = [one.slice(0, at), one.slice(at + 1)];
      const names = kind === "group" ? groups : kind === "role" ? roles : [name];
      return names.some((text) => matches(pattern, text));
    })
  );
}

/** "2 of group:ops or person:kim", "somebody who may approve". */
export function approversInWords({ approvers, count }: { approvers: readonly string[]; count: number }): string {
  const names = approvers.length === 0 ? "" : approvers.join(" or ");
  if (count === 1) return names === "" ? "somebody who may approve" : names;
  return `${count} ${names === "" ? "people who may approve" : `of ${names}`}`;
}

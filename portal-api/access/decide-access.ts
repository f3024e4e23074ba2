// Determines who sent a request, and whether it comes from a page of the portal. What a caller may do is decided in
// core/access. Pure.

import type { Role } from "@gantry/core/access/roles.ts";
import type { Scope } from "@gantry/core/access/selector.ts";
import { GantryError } from "@gantry/core/errors.ts";

export { ROLES, type Role } from "@gantry/core/access/roles.ts";

/** The sender of a request. `token`: the token that the identity comes from; revoking it ends its sessions and streams. */
export type Caller = {
  /** Unique in the installation. A person of an issuer is `<issuer id>:<username>`; local accounts and tokens have no colon. */
  readonly name: string;
  /** Applies everywhere. With `none`, the caller has only the rights that the policy gives. */
  readonly role: Role;
  /** Groups from the claims of the issuer, or of the local account. */
  readonly groups: readonly string[];
  /** Id of the OIDC issuer. Undefined for local accounts and tokens. */
  readonly issuer?: string;
  readonly scope?: Scope;
  readonly via: "token" | "session";
  readonly token?: string;
  /** Hash of the secret of the token: a rotation ends one secret, and the sessions made with it, but not the token. */
  readonly tokenHash?: string;
  /** Hash of the session that the request came with. */
  readonly session?: string;
};

export type RequestSource = {
  readonly secFetchSite: string;
  readonly origin: string;
  /** Addresses of the portal: the first one, and the one that the request came to. */
  readonly ownOrigins: readonly string[];
};

/**
 * Whether a page of the portal sent this request. A browser may add the cookie to requests that another site caused, and
 * only the browser can say so: with Sec-Fetch-Site, or with Origin if it does not send the former. A request with neither
 * is not accepted with a cookie.
 */
export function isFromOwnPage(source: RequestSource): boolean {
  if (source.secFetchSite !== "") return source.secFetchSite === "same-origin";
  if (!URL.canParse(source.origin)) return false;
  return source.ownOrigins.some((own) => URL.canParse(own) && new URL(own).origin === source.origin);
}

/** Whether two callers have the same rights. */
export function haveSameRights(one: Caller, other: Caller): boolean {
  const rightsOf = ({ name, role, groups, issuer, scope }: Caller): string =>
    JSON.stringify([name, role, [...groups].sort(), issuer, scope]);
  return rightsOf(one) === rightsOf(other);
}

/** The path on this server to open after sign-in; `/` for anything that is not such a path. */
export function safeNext(next: string | undefined): string {
  return next !== undefined && /^\/(?![/\\])[\w./~:@!$&'()*+,;=?%[\]-]*$/.test(next) ? next : "/";
}

/** `does`: completes "… may not <does>". Without `words`: the general text of the verb. */
export function refusal(
  { name }: Caller,
  does: string,
  words: { readonly why?: string; readonly todo?: string } = {},
): GantryError {
  return new GantryError("forbidden", { who: name, verb: does, ...words });
}

// Who may do what: roles, and whether a request comes from a page of the portal. Pure.

export const ROLES = ["viewer", "developer", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** `anyone` needs no sign-in; each role may do what the roles before it may. */
export type Access = "anyone" | Role;

/** Narrows what a token may do. A missing list allows everything of its kind; the rights of the owner are never widened. */
export type Scope = {
  readonly verbs?: readonly string[];
  readonly apps?: readonly string[];
  readonly sites?: readonly string[];
};

/** Who sent a request. `token`: the token that the identity comes from; revoking it ends its sessions and streams. */
export type Caller = {
  /** Unique in the installation. A person of an issuer is `<issuer id>:<username>`; local accounts and tokens have no colon. */
  readonly name: string;
  readonly role: Role;
  /** Groups from the claims of the issuer, or of the local account. */
  readonly groups: readonly string[];
  /** Id of the OIDC issuer. Undefined for local accounts and tokens. */
  readonly issuer?: string;
  readonly scope?: Scope;
  readonly via: "token" | "session";
  readonly token?: string;
  /** Hash of the session that the request came with. */
  readonly session?: string;
};

export function mayDo(role: Role, needed: Access): boolean {
  return needed === "anyone" || ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

export type RequestSource = {
  readonly secFetchSite: string;
  readonly origin: string;
  readonly host: string;
  readonly publicOrigin: string;
};

/**
 * Whether a page of the portal sent this request. A browser may add the cookie to requests that another site caused, and
 * only the browser can say so: with Sec-Fetch-Site, or with Origin if it does not send the former. A request with neither
 * is not accepted with a cookie.
 */
export function isFromOwnPage(source: RequestSource): boolean {
  if (source.secFetchSite !== "") return source.secFetchSite === "same-origin";
  if (source.origin === "") return false;
  return source.origin === source.publicOrigin || hostOf(source.origin) === source.host;
}

/** The path on this server to open after sign-in; `/` for anything that is not such a path. */
export function safeNext(next: string | undefined): string {
  return next !== undefined && /^\/(?![/\\])[\w./~:@!$&'()*+,;=?%[\]-]*$/.test(next) ? next : "/";
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

// Who may do what, decided without asking anybody: roles, expiry, and whether a request comes from our own pages.

export const ROLES = ["viewer", "developer", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** `anyone` needs no sign-in; each role may do what the roles before it may. */
export type Access = "anyone" | Role;

/** Who asks. `token` is the name of the token that the identity hangs on: when it is revoked, so is everything else. */
export type Caller = {
  readonly name: string;
  readonly role: Role;
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
 * Did one of our own pages send this request? A browser adds its cookie to requests that other sites provoke, and only
 * the browser itself can say which ones those are: Sec-Fetch-Site, or Origin from browsers that do not send it. A
 * request with neither is not from a browser that we can trust with a cookie.
 */
export function isFromOwnPage(source: RequestSource): boolean {
  if (source.secFetchSite !== "") return source.secFetchSite === "same-origin";
  if (source.origin === "") return false;
  return source.origin === source.publicOrigin || hostOf(source.origin) === source.host;
}

/** A path on this server to go to after signing in; anything else leads to the start page. */
export function safeNext(next: string | undefined): string {
  return next !== undefined && /^\/(?![/\\])[\w./~:@!$&'()*+,;=?%[\]-]*$/.test(next) ? next : "/";
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

// The session cookie. Scripts cannot read it, and browsers do not send it with requests that other sites cause, except when
// a person follows a link. On https its name has the prefix `__Host-`: a browser then accepts it from this host only, so
// that a page of a neighbouring host cannot plant one.

import type Koa from "koa";

const NAME = "gantry_session";

/** `secure`: the address that this request came to uses https. */
export function sessionCookieOf(ctx: Koa.Context, secure: boolean): string | undefined {
  const value = cookieOf(ctx, NAME, secure);
  return value !== undefined && /^[\w-]{20,100}$/.test(value) ? value : undefined;
}

/** An empty value deletes the cookie. */
export function setSessionCookie(ctx: Koa.Context, value: string, options: { hours: number; secure: boolean }): void {
  const seconds = value === "" ? 0 : Math.round(options.hours * 3_600);
  setCookie(ctx, NAME, { value, seconds, secure: options.secure });
}

/** The value of any cookie of the portal. */
export function cookieOf(ctx: Koa.Context, name: string, secure: boolean): string | undefined {
  const start = `${nameOf(name, secure)}=`;
  const found = ctx
    .get("cookie")
    .split(";")
    .map((pair) => pair.trim())
    .find((pair) => pair.startsWith(start));
  return found?.slice(start.length);
}

/** Adds a cookie to the response. `seconds`: 0 deletes it. */
export function setCookie(
  ctx: Koa.Context,
  name: string,
  { value, seconds, secure }: { readonly value: string; readonly seconds: number; readonly secure: boolean },
): void {
  const flag = secure ? "; Secure" : "";
  ctx.append(
    "Set-Cookie",
    `${nameOf(name, secure)}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${flag}`,
  );
}

function nameOf(name: string, secure: boolean): string {
  return secure ? `__Host-${name}` : name;
}

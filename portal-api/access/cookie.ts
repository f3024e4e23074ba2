// The session cookie. Scripts cannot read it, and browsers do not send it with requests from other sites.

import type Koa from "koa";

const NAME = "gantry_session";

export function sessionCookieOf(ctx: Koa.Context): string | undefined {
  const found = ctx
    .get("cookie")
    .split(";")
    .map((pair) => pair.trim())
    .find((pair) => pair.startsWith(`${NAME}=`));
  const value = found?.slice(NAME.length + 1);
  return value !== undefined && /^[\w-]{20,100}$/.test(value) ? value : undefined;
}

/** `secure`: people reach the portal by HTTPS. An empty value deletes the cookie. */
export function setSessionCookie(ctx: Koa.Context, value: string, options: { hours: number; secure: boolean }): void {
  const age = value === "" ? 0 : Math.round(options.hours * 3_600);
  const secure = options.secure ? "; Secure" : "";
  ctx.set("Set-Cookie", `${NAME}=${value}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Strict${secure}`);
}

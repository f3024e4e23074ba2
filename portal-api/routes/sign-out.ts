// POST /sign-out

import { setSessionCookie } from "../access/cookie.ts";
import { route } from "../http/route.ts";

export const signOut = route({
  method: "POST",
  path: "/sign-out",
  id: "signOut",
  tag: "access",
  summary: "End the session",
  right: "anyone",
  verb: "sign out",
  responses: { 204: { description: "Signed out", headers: { "Set-Cookie": "Deletes the session cookie" } } },
  handle: async ({ ctx, portal, caller }) => {
    if (caller?.session !== undefined) await portal.sessions.end(caller.session);
    setSessionCookie(ctx, "", { hours: 0, secure: portal.publicUrl().startsWith("https:") });
    ctx.status = 204;
  },
});

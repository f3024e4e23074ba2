// GET /sign-in: opens a session with a one-time code, or shows the form without one. POST /sign-in receives the form.

import type Koa from "koa";
import { z } from "zod";
import { setSessionCookie } from "../access/cookie.ts";
import { safeNext } from "../access/decide-access.ts";
import type { Principal } from "../access/sessions.ts";
import { noteWho } from "../audit/note.ts";
import { route } from "../http/route.ts";
import { say } from "../messages.ts";
import { sendPage } from "../pages/page.ts";
import { signInPage } from "../pages/sign-in-page.ts";
import type { Portal } from "../portal.ts";

const html = { "text/html": z.string() };
const next = z.string().max(2_000).optional().describe("Path to open after sign-in");

export const showSignIn = route({
  method: "GET",
  path: "/sign-in",
  id: "showSignIn",
  tag: "access",
  summary: "Sign in with a one-time code, or show the sign-in form",
  right: "anyone",
  verb: "sign in",
  query: z.strictObject({ code: z.string().max(200).optional(), next }),
  responses: {
    200: { description: "The form", content: html },
    303: { description: "Signed in", headers: { "Set-Cookie": "The session cookie" } },
    401: { description: "The form: the code was used, has expired or is unknown", content: html },
  },
  handle: async ({ ctx, portal, query }) => {
    if (query.code === undefined || ctx.method === "HEAD") {
      sendPage(ctx, signInPage({ next: safeNext(query.next) }));
      return;
    }
    const session = await portal.sessions.redeem(query.code);
    if (session === undefined) {
      sendPage(ctx, signInPage({ next: safeNext(query.next), problem: say.linkIsOver() }), 401);
      return;
    }
    const who = await portal.sessions.identify(session);
    if (who) noteWho(ctx, who);
    startSession(portal, ctx, session, query.next);
  },
});

export const signIn = route({
  method: "POST",
  path: "/sign-in",
  id: "signIn",
  tag: "access",
  summary: "Sign in with a token, from the form",
  right: "anyone",
  verb: "sign in",
  form: true,
  body: z.strictObject({ token: z.string().max(200), next }),
  responses: {
    303: { description: "Signed in", headers: { "Set-Cookie": "The session cookie" } },
    401: { description: "The form again, with the error", content: html },
  },
  handle: async ({ ctx, portal, body }) => {
    const caller = await portal.tokens.identify(body.token.trim());
    if (!caller) {
      sendPage(ctx, signInPage({ next: safeNext(body.next), problem: say.tokenIsUnknown() }), 401);
      return;
    }
    noteWho(ctx, caller);
    const principal: Principal = { name: caller.name, role: caller.role, token: caller.token };
    startSession(portal, ctx, await portal.sessions.open(principal), body.next);
  },
});

function startSession(portal: Portal, ctx: Koa.Context, session: string, target: string | undefined): void {
  const secure = portal.publicUrl().startsWith("https:");
  setSessionCookie(ctx, session, { hours: portal.config.sessionHours, secure });
  ctx.set("Cache-Control", "no-store");
  ctx.redirect(safeNext(target));
  ctx.status = 303;
}

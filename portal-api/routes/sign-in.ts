// GET /sign-in: the form, or the question of a sign-in link. POST /sign-in and /sign-in/link receive the forms.

import type Koa from "koa";
import { z } from "zod";
import { safeNext } from "../access/decide-access.ts";
import type { Principal } from "../access/sessions.ts";
import { noteWho } from "../audit/note.ts";
import { openingOf } from "../http/address.ts";
import { route } from "../http/route.ts";
import { startSession } from "../http/start-session.ts";
import { say } from "../messages.ts";
import { linkPage } from "../pages/link-page.ts";
import { sendPage } from "../pages/page.ts";
import { sendSignInPage } from "../pages/sign-in-page.ts";
import type { Portal } from "../portal.ts";

const html = { "text/html": z.string() };
const next = z.string().max(2_000).optional().describe("Path to open after sign-in");

export const showSignIn = route({
  method: "GET",
  path: "/sign-in",
  id: "showSignIn",
  tag: "access",
  summary: "Show the sign-in form, or sign in with a one-time code",
  description:
    "A browser gets a page that says whom the code signs in and asks for a click. Other clients are signed in at once.",
  right: "anyone",
  verb: "sign in",
  query: z.strictObject({
    code: z.string().max(200).optional(),
    mail: z.string().max(254).optional().describe("Chooses the issuer of its domain"),
    set: z.literal("password").optional().describe("The password was just set: the page says so"),
    next,
  }),
  responses: {
    200: { description: "The form", content: html },
    303: { description: "Signed in", headers: { "Set-Cookie": "The session cookie" } },
    401: { description: "The form: the code was used, has expired or is unknown", content: html },
  },
  handle: async ({ ctx, portal, query }) => {
    if (query.code === undefined || ctx.method === "HEAD") {
      await sendSignInPage({ ctx, portal }, { ...query, isPasswordNew: query.set === "password" });
      return;
    }
    const name = await portal.sessions.ownerOf(query.code);
    if (name !== undefined && isBrowser(ctx)) {
      sendPage(ctx, linkPage({ name, code: query.code, next: safeNext(query.next) }));
      return;
    }
    await redeem({ ctx, portal }, query.code, query.next);
  },
});

/** Also when a page of another site loads the address as a picture or a script: then it does not ask for HTML. */
function isBrowser(ctx: Koa.Context): boolean {
  const says = ["sec-fetch-site", "origin", "referer"].some((name) => ctx.get(name) !== "");
  return says || ctx.get("accept").includes("text/html") || ctx.get("user-agent").startsWith("Mozilla/");
}

export const signInWithLink = route({
  method: "POST",
  path: "/sign-in/link",
  id: "signInWithLink",
  tag: "access",
  summary: "Sign in with a one-time code, from the page of the link",
  right: "anyone",
  verb: "sign in",
  form: true,
  body: z.strictObject({ code: z.string().max(200), next }),
  responses: {
    303: { description: "Signed in", headers: { "Set-Cookie": "The session cookie" } },
    401: { description: "The form: the code was used, has expired or is unknown", content: html },
  },
  handle: ({ ctx, portal, body }) => redeem({ ctx, portal }, body.code, body.next),
});

async function redeem(
  { ctx, portal }: { readonly ctx: Koa.Context; readonly portal: Portal },
  code: string,
  target: string | undefined,
): Promise<void> {
  const session = await portal.sessions.redeem(code, openingOf(portal, ctx, "link"));
  if (session === undefined) {
    await sendSignInPage({ ctx, portal }, { next: target, problem: say.linkIsOver() }, 401);
    return;
  }
  const who = await portal.sessions.identify(session);
  if (who) noteWho(ctx, who);
  startSession(portal, ctx, session, target);
}

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
      await sendSignInPage(
        { ctx, portal },
        { next: body.next, problem: say.tokenIsUnknown(), isTokenWrong: true },
        401,
      );
      return;
    }
    noteWho(ctx, caller);
    const { name, role, token, tokenHash } = caller;
    const principal: Principal = { name, role, token, tokenHash };
    startSession(portal, ctx, await portal.sessions.open(principal, openingOf(portal, ctx, "token")), body.next);
  },
});

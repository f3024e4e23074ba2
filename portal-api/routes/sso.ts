// /sign-in/with/{issuer}, its callback, and back-channel logout.

import { GantryError } from "@gantry/core/errors.ts";
import type Koa from "koa";
import { z } from "zod";
import { cookieOf, setCookie } from "../access/cookie.ts";
import { safeNext } from "../access/decide-access.ts";
import { noteOn, noteWho } from "../audit/note.ts";
import { addressOf, isSecure, openingOf } from "../http/address.ts";
import { route } from "../http/route.ts";
import { startSession } from "../http/start-session.ts";
import { say } from "../messages.ts";
import { beginSignIn, finishSignIn } from "../oidc/flow.ts";
import type { Issuer } from "../oidc/issuers.ts";
import { openSsoSession } from "../oidc/sso-sign-in.ts";
import { TRANSACTION_COOKIE, TRANSACTION_S, type Transaction } from "../oidc/transaction.ts";
import { sendSignInPage } from "../pages/sign-in-page.ts";
import type { Portal } from "../portal.ts";

const html = { "text/html": z.string() };
const oneIssuer = z.strictObject({ issuer: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, "must be the id of an issuer") });

const beginSso = route({
  method: "GET",
  path: "/sign-in/with/{issuer}",
  id: "beginSso",
  tag: "access",
  summary: "Begin a sign-in with an issuer",
  right: "anyone",
  verb: "sign in",
  params: oneIssuer,
  query: z.strictObject({ next: z.string().max(2_000).optional().describe("Path to open after sign-in") }),
  responses: {
    303: { description: "The page of the issuer, in Location", headers: { "Set-Cookie": "Belongs to this sign-in" } },
    503: { description: "The sign-in form: the issuer does not answer", content: html },
  },
  handle: async ({ ctx, portal, params, query }) => {
    const issuer = issuerOf(portal, params.issuer);
    const next = safeNext(query.next);
    try {
      const begun = await beginSignIn(issuer, portal.sso.transactions, { address: addressOf(portal, ctx), next });
      const secure = isSecure(portal, ctx);
      setCookie(ctx, TRANSACTION_COOKIE, { value: begun.cookie, seconds: TRANSACTION_S, secure });
      ctx.set("Cache-Control", "no-store");
      ctx.redirect(begun.url);
      ctx.status = 303;
    } catch (error) {
      await sendProblem({ ctx, portal }, error, next);
    }
  },
});

const finishSso = route({
  method: "GET",
  path: "/sign-in/callback/{issuer}",
  id: "finishSso",
  tag: "access",
  summary: "The issuer sends the browser here after the sign-in",
  right: "anyone",
  verb: "sign in",
  params: oneIssuer,
  // An issuer may add its own parameters (OAuth 2.0, section 4.1.2).
  query: z.looseObject({ state: z.string().optional() }),
  responses: {
    303: { description: "Signed in", headers: { "Set-Cookie": "The session cookie" } },
    400: { description: "The sign-in form: this browser did not start the sign-in, or it is too old", content: html },
    403: { description: "The sign-in form: the issuer refused, or its answer did not pass the checks", content: html },
    503: { description: "The sign-in form: the issuer does not answer", content: html },
  },
  handle: async ({ ctx, portal, params }) => {
    const issuer = issuerOf(portal, params.issuer);
    const begun = takeTransaction(portal, ctx, issuer);
    if (!begun) {
      await sendSignInPage({ ctx, portal }, { problem: say.signInIsOver() }, 400);
      return;
    }
    try {
      const grant = await finishSignIn(issuer, begun, {
        query: new URLSearchParams(ctx.querystring),
        nowMs: portal.clock.nowMs(),
      });
      const { personStore: store, people, sessions, journal } = portal;
      const session = await openSsoSession(
        { journal, store, people, sessions },
        issuer,
        grant,
        openingOf(portal, ctx, "sso"),
      );
      portal.sso.refresher.opened(session.hash, session.secret, grant.tokens);
      const found = await people.rightsOf(grant.identity.name);
      if (found) noteWho(ctx, found.rights);
      startSession(portal, ctx, session.secret, begun.next);
    } catch (error) {
      await sendProblem({ ctx, portal }, error, begun.next);
    }
  },
});

const logoutByIssuer = route({
  method: "POST",
  path: "/sign-in/back-channel/{issuer}",
  id: "logoutByIssuer",
  tag: "access",
  summary: "An issuer ends sessions (OpenID Connect Back-Channel Logout 1.0)",
  right: "anyone",
  verb: "end sessions",
  isCalledFromOutside: true,
  form: true,
  params: oneIssuer,
  body: z.looseObject({ logout_token: z.string().max(16_000) }),
  responses: { 200: { description: "The sessions have ended" } },
  errors: ["unavailable"],
  handle: async ({ ctx, portal, params, body }) => {
    const issuer = issuerOf(portal, params.issuer);
    const people = await portal.sso.logout(issuer, body.logout_token);
    if (people.length > 0) noteOn(ctx, { person: people.join(",") });
    ctx.set("Cache-Control", "no-store");
    ctx.status = 200;
    ctx.body = "";
  },
});

/** The sign-in that this browser has begun with this issuer. Its cookie is deleted in any case. */
function takeTransaction(portal: Portal, ctx: Koa.Context, issuer: Issuer): Transaction | undefined {
  const secure = isSecure(portal, ctx);
  const cookie = cookieOf(ctx, TRANSACTION_COOKIE, secure);
  setCookie(ctx, TRANSACTION_COOKIE, { value: "", seconds: 0, secure });
  ctx.set("Cache-Control", "no-store");
  const begun = cookie === undefined ? undefined : portal.sso.transactions.use(cookie);
  // An answer from another issuer (a mix-up attack): each issuer has its own callback.
  return begun?.issuer === issuer.settings.id ? begun : undefined;
}

/** Responds with the sign-in page and the error. Rethrows errors that are not about the sign-in. */
async function sendProblem(
  { ctx, portal }: { readonly ctx: Koa.Context; readonly portal: Portal },
  error: unknown,
  next: string,
): Promise<void> {
  if (!(error instanceof GantryError)) throw error;
  portal.logger.warn({ code: error.code, err: error }, "a sign-in with an issuer failed");
  const { issuer, problem } = error.details;
  const text =
    error.code === "sign-in-refused"
      ? say.signInRefused(String(issuer), String(problem))
      : say.issuerIsDown(error.message);
  if (error.code !== "sign-in-refused" && error.code !== "unavailable") throw error;
  await sendSignInPage({ ctx, portal }, { next, problem: text }, error.entry.status);
}

function issuerOf(portal: Portal, id: string): Issuer {
  const issuer = portal.sso.issuers.get(id);
  if (!issuer) throw new GantryError("not-found", { kind: "issuer", name: id });
  return issuer;
}

export const ssoRoutes = [beginSso, finishSso, logoutByIssuer];

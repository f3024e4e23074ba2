// POST /sign-out

import { buildEndSessionUrl } from "openid-client";
import { z } from "zod";
import { sessionCookieOf, setSessionCookie } from "../access/cookie.ts";
import { addressOf, isSecure } from "../http/address.ts";
import { sendUncached } from "../http/respond.ts";
import { type Call, route } from "../http/route.ts";
import { json } from "../http/schemas.ts";
import { tokensIn } from "../oidc/refresher.ts";

const signedOut = z
  .object({ next: z.string().describe("Address of the issuer that ends its own session; the browser opens it") })
  .meta({ id: "SignedOut" });

export const signOut = route({
  method: "POST",
  path: "/sign-out",
  id: "signOut",
  tag: "access",
  summary: "End the session, and everything that was made from it",
  right: "anyone",
  verb: "sign out",
  responses: {
    200: json("Signed out here, but not yet at the issuer", signedOut),
    204: { description: "Signed out", headers: { "Set-Cookie": "Deletes the session cookie" } },
  },
  handle: async (call) => {
    const { ctx, portal, caller } = call;
    const next = await issuersSignOut(call);
    if (caller?.session !== undefined) await portal.sessions.end(caller.session);
    setSessionCookie(ctx, "", { hours: 0, secure: isSecure(portal, ctx) });
    if (next === undefined) ctx.status = 204;
    else sendUncached(ctx, { next });
  },
});

/** Undefined if the session is not from an issuer, or if the issuer has no such address or does not answer. */
async function issuersSignOut({ ctx, portal, caller }: Call<unknown, unknown, unknown>): Promise<string | undefined> {
  const secret = sessionCookieOf(ctx, isSecure(portal, ctx));
  if (secret === undefined || caller?.session === undefined) return undefined;
  const record = await portal.sessions.load(caller.session);
  const issuer = record?.sso && portal.sso.issuers.get(record.sso.issuer);
  if (!issuer || issuer.isDown()) return undefined;
  // A failure must not prevent a person from signing out here.
  const configuration = await issuer.configuration().catch(() => undefined);
  if (configuration?.serverMetadata().end_session_endpoint === undefined) return undefined;
  const idToken = tokensIn(record, secret)?.idToken;
  return buildEndSessionUrl(configuration, {
    post_logout_redirect_uri: `${addressOf(portal, ctx)}/sign-in`,
    ...(idToken === undefined ? {} : { id_token_hint: idToken }),
  }).href;
}

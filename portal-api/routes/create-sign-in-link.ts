// POST /v1/sign-in-links: signs a browser in without typing a token there.

import { z } from "zod";
import { addressOf } from "../http/address.ts";
import { sendUncached, timeOf } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { json } from "../http/schemas.ts";

const linkView = z
  .object({
    url: z.string().describe("Open it in a browser within 15 minutes. It signs in once"),
    expiresAt: z.iso.datetime(),
  })
  .meta({ id: "SignInLink" });

export const createSignInLink = route({
  method: "POST",
  path: "/v1/sign-in-links",
  id: "createSignInLink",
  tag: "access",
  summary: "Create a link that signs a browser in as the caller, once",
  description: "The session that the link opens ends with the session or token that created the link.",
  right: "signed-in",
  verb: "sign in",
  responses: { 201: json("The link", linkView) },
  handle: async (call) => {
    const { portal } = call;
    const { name, role, token, tokenHash, session } = callerOf(call);
    const record = session === undefined ? undefined : await portal.sessions.load(session);
    const principal = { name, role, token, tokenHash, parent: session, person: record?.person };
    const { code, expiresAt } = await portal.sessions.createCode(principal);
    call.ctx.status = 201;
    sendUncached(call.ctx, {
      url: `${addressOf(portal, call.ctx)}/sign-in?code=${code}`,
      expiresAt: timeOf(expiresAt),
    });
  },
});

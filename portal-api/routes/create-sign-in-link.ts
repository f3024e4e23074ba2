// POST /v1/sign-in-links: from a token to a browser, without typing the token there.

import { z } from "zod";
import { sendFresh } from "../http/answer.ts";
import { callerOf, route } from "../http/route.ts";
import { json } from "../http/schemas.ts";

const linkView = z
  .object({
    url: z.string().describe("Open it in a browser: it signs in once, within 15 minutes"),
    expiresAt: z.iso.datetime(),
  })
  .meta({ id: "SignInLink" });

export const createSignInLink = route({
  method: "POST",
  path: "/v1/sign-in-links",
  id: "createSignInLink",
  tag: "access",
  summary: "A link that signs a browser in as oneself, once",
  access: "viewer",
  verb: "sign in",
  answers: { 201: json("The link", linkView) },
  handle: async (call) => {
    const { portal } = call;
    const { code, expiresAt } = await portal.sessions.createCode(callerOf(call));
    call.ctx.status = 201;
    sendFresh(call.ctx, {
      url: `${portal.publicUrl()}/sign-in?code=${code}`,
      expiresAt: new Date(expiresAt / 1_000).toISOString(),
    });
  },
});

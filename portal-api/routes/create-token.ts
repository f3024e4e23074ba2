// POST /v1/tokens

import { z } from "zod";
import { ADMIN } from "../access/admin-token.ts";
import { onInstallation } from "../access/guards.ts";
import { sendUncached } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { json, name, roleSchema, tokenView } from "../http/schemas.ts";
import { viewOf } from "./list-tokens.ts";

export const createToken = route({
  method: "POST",
  path: "/v1/tokens",
  id: "createToken",
  tag: "access",
  summary: "Create a token",
  description: "Only this response contains the token itself.",
  right: onInstallation("manage-tokens"),
  verb: "create tokens",
  body: z.strictObject({
    name: name.refine((text) => text !== ADMIN, "this name is reserved"),
    role: roleSchema,
    days: z.int().min(1).max(365).default(90).describe("Days until the token expires"),
  }),
  example: { name: "nightly", role: "developer", days: 90 },
  responses: {
    201: json(
      "The token",
      tokenView.extend({ token: z.string().describe("The token; it is not shown again") }).meta({ id: "NewToken" }),
    ),
  },
  errors: ["conflict"],
  handle: async (call) => {
    const { record, secret } = await call.portal.tokens.create(call.body, callerOf(call).name);
    call.ctx.status = 201;
    sendUncached(call.ctx, { ...viewOf(record), token: secret });
  },
});

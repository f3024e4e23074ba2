// DELETE /v1/tokens/{name}

import { GantryError } from "@gantry/core/errors.ts";
import { z } from "zod";
import { ADMIN } from "../access/admin-token.ts";
import { onInstallation } from "../access/guards/guards.ts";
import { tokenId } from "../access/token-store.ts";
import { callerOf, route } from "../http/route.ts";
import { name, personName } from "../http/schemas.ts";

export const revokeToken = route({
  method: "DELETE",
  path: "/v1/tokens/{name}",
  id: "revokeToken",
  tag: "access",
  summary: "Revoke a token",
  description:
    "Takes effect at once, also for sessions that were opened with the token, and for open streams. `owner`: a personal " +
    "token of this person.",
  right: onInstallation("manage-tokens"),
  verb: "revoke tokens",
  params: z.strictObject({ name }),
  query: z.strictObject({ owner: personName.optional() }),
  responses: { 204: { description: "Revoked" } },
  handle: async (call) => {
    const { owner } = call.query;
    if (call.params.name === ADMIN && owner === undefined) {
      const problem =
        "the administrator's token cannot be revoked: to replace it, delete the file admin-token and restart the portal";
      throw new GantryError("bad-request", { problem });
    }
    await call.portal.tokens.revoke(tokenId({ name: call.params.name, owner }), callerOf(call).name);
    call.ctx.status = 204;
  },
});

// DELETE /v1/tokens/{name}

import { GantryError } from "@gantry/core/errors.ts";
import { z } from "zod";
import { ADMIN } from "../access/admin-token.ts";
import { onInstallation } from "../access/guards.ts";
import { callerOf, route } from "../http/route.ts";
import { name } from "../http/schemas.ts";

export const revokeToken = route({
  method: "DELETE",
  path: "/v1/tokens/{name}",
  id: "revokeToken",
  tag: "access",
  summary: "Revoke a token",
  description:
    "Takes effect at once. Sessions that were opened with the token end as well, open streams within 30 seconds.",
  right: onInstallation("manage-tokens"),
  verb: "revoke tokens",
  params: z.strictObject({ name }),
  responses: { 204: { description: "Revoked" } },
  handle: async (call) => {
    if (call.params.name === ADMIN) {
      const problem =
        "the administrator's token cannot be revoked: to replace it, delete the file admin-token and restart the portal";
      throw new GantryError("bad-request", { problem });
    }
    await call.portal.tokens.revoke(call.params.name, callerOf(call).name);
    call.ctx.status = 204;
  },
});

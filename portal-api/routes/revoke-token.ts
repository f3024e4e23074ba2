// DELETE /v1/tokens/{name}

import { GantryError } from "@gantry/core/errors.ts";
import { z } from "zod";
import { ADMIN } from "../access/admin-token.ts";
import { callerOf, route } from "../http/route.ts";
import { name } from "../http/schemas.ts";

export const revokeToken = route({
  method: "DELETE",
  path: "/v1/tokens/{name}",
  id: "revokeToken",
  tag: "access",
  summary: "Revoke a token",
  description: "It counts at once; sessions that were opened with it end too, and open streams within half a minute.",
  access: "admin",
  verb: "revoke tokens",
  params: z.strictObject({ name }),
  answers: { 204: { description: "Revoked" } },
  handle: async (call) => {
    if (call.params.name === ADMIN) {
      const problem = "the administrator's token is replaced by deleting its file and starting the portal again";
      throw new GantryError("bad-request", { problem });
    }
    await call.portal.tokens.revoke(call.params.name, callerOf(call).name);
    call.ctx.status = 204;
  },
});

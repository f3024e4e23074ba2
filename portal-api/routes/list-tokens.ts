// GET /v1/tokens

import { page } from "@gantry/wire/agent/views.ts";
import type { z } from "zod";
import { onInstallation } from "../access/guards.ts";
import type { TokenRecord } from "../access/records.ts";
import { sendJson } from "../http/respond.ts";
import { route } from "../http/route.ts";
import { json, tokenView } from "../http/schemas.ts";

export const listTokens = route({
  method: "GET",
  path: "/v1/tokens",
  id: "listTokens",
  tag: "access",
  summary: "List valid tokens, without their secrets",
  right: onInstallation("manage-tokens"),
  verb: "see tokens",
  responses: { 200: json("All valid tokens", page(tokenView)) },
  handle: async ({ ctx, portal }) => sendJson(ctx, { items: (await portal.tokens.list()).map(viewOf) }),
});

export function viewOf(record: TokenRecord): z.infer<typeof tokenView> {
  const time = (micros: number): string => new Date(micros / 1_000).toISOString();
  const { name, role, createdBy, createdAt, expiresAt } = record;
  return {
    name,
    role,
    createdBy,
    createdAt: time(createdAt),
    ...(expiresAt === undefined ? {} : { expiresAt: time(expiresAt) }),
  };
}

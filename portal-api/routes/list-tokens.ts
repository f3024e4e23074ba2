// GET /v1/tokens

import { page } from "@gantry/wire/agent/views.ts";
import type { z } from "zod";
import { onInstallation } from "../access/guards/guards.ts";
import type { TokenRecord } from "../access/records.ts";
import { sendJson, timeOf } from "../http/respond.ts";
import { route } from "../http/route.ts";
import { json, tokenView } from "../http/schemas.ts";
import type { Portal } from "../portal.ts";

export const listTokens = route({
  method: "GET",
  path: "/v1/tokens",
  id: "listTokens",
  tag: "access",
  summary: "List valid tokens of everyone, without their secrets",
  right: onInstallation("manage-tokens"),
  verb: "see tokens",
  responses: { 200: json("All valid tokens", page(tokenView)) },
  handle: async ({ ctx, portal }) => sendJson(ctx, { items: await viewsOf(portal, await portal.tokens.list()) }),
});

export function viewsOf(portal: Portal, records: readonly TokenRecord[]): Promise<z.infer<typeof tokenView>[]> {
  return Promise.all(records.map((record) => viewOf(portal, record)));
}

/** A personal token has the role that its owner has at present. */
export async function viewOf(portal: Portal, record: TokenRecord): Promise<z.infer<typeof tokenView>> {
  const { name, owner, role, scope, createdBy, createdAt, rotatedAt, previous, expiresAt, lastUsedAt } = record;
  const ofOwner = owner === undefined ? undefined : (await portal.people.rightsOf(owner))?.rights.role;
  return {
    name,
    ...(owner === undefined ? {} : { owner }),
    role: role ?? ofOwner ?? "viewer",
    ...(scope === undefined ? {} : { scope }),
    createdBy,
    createdAt: timeOf(createdAt),
    ...(rotatedAt === undefined ? {} : { rotatedAt: timeOf(rotatedAt) }),
    ...(previous === undefined ? {} : { previousUntil: timeOf(previous.until) }),
    ...(expiresAt === undefined ? {} : { expiresAt: timeOf(expiresAt) }),
    ...(lastUsedAt === undefined ? {} : { lastUsedAt: timeOf(lastUsedAt) }),
  };
}

// POST /v1/tokens and POST /v1/tokens/{name}/rotate

import { GantryError } from "@gantry/core/errors.ts";
import { z } from "zod";
import { ADMIN } from "../access/admin-token.ts";
import type { Role } from "../access/decide-access.ts";
import { onInstallation } from "../access/guards/guards.ts";
import { tokenId } from "../access/token-store.ts";
import type { Created } from "../access/tokens.ts";
import { sendUncached } from "../http/respond.ts";
import { type Call, callerOf, route } from "../http/route.ts";
import { json, name, roleSchema, scopeSchema, tokenView } from "../http/schemas.ts";
import type { Portal } from "../portal.ts";
import { viewOf } from "./list-tokens.ts";

export const newTokenView = tokenView
  .extend({ token: z.string().describe("The token; it is not shown again") })
  .meta({ id: "NewToken" });
export const days = z.int().min(1).max(3_650).describe("Days until the token expires");
export const rotation = z.strictObject({
  days: days.optional(),
  overlapMinutes: z
    .int()
    .min(0)
    .max(7 * 24 * 60)
    .default(60)
    .describe("How long the old secret stays valid"),
});

export const createToken = route({
  method: "POST",
  path: "/v1/tokens",
  id: "createToken",
  tag: "access",
  summary: "Create a service token",
  description: "Only this response contains the token itself.",
  right: onInstallation("manage-tokens"),
  verb: "create tokens",
  body: z.strictObject({
    name: name.refine((text) => text !== ADMIN, "this name is reserved"),
    role: roleSchema,
    days: days.default(90),
    scope: scopeSchema.optional(),
  }),
  example: { name: "nightly", role: "developer", days: 90 },
  responses: { 201: json("The token", newTokenView) },
  errors: ["conflict"],
  handle: async (call) => {
    refuseScoped(call);
    refuseMore(call, call.body);
    checkDays(call.portal, call.body.days);
    await sendCreated(call, await call.portal.tokens.create(call.body, callerOf(call).name));
  },
});

export const rotateToken = route({
  method: "POST",
  path: "/v1/tokens/{name}/rotate",
  id: "rotateToken",
  tag: "access",
  summary: "Give a service token a new secret",
  description:
    "Only this response contains it. It expires after `days`, by default after the same time as the previous one. The old secret " +
    "stays valid for `overlapMinutes`; another rotation ends it at once.",
  right: onInstallation("manage-tokens"),
  verb: "rotate tokens",
  params: z.strictObject({ name }),
  body: rotation,
  example: { overlapMinutes: 60 },
  responses: { 201: json("The token with its new secret", newTokenView) },
  errors: ["conflict"],
  handle: async (call) => {
    refuseScoped(call);
    if (call.params.name === ADMIN) {
      const problem =
        "the administrator's token cannot be rotated: to replace it, delete the file admin-token and restart the portal";
      throw new GantryError("bad-request", { problem });
    }
    const found = (await call.portal.tokens.list()).find((one) => tokenId(one) === call.params.name);
    if (found) refuseMore(call, { name: found.name, role: found.role ?? "viewer" });
    checkDays(call.portal, call.body.days);
    await sendCreated(call, await call.portal.tokens.rotate(call.params.name, call.body, callerOf(call).name));
  },
});

/** A token with a scope must not create one with more rights. */
export function refuseScoped(call: Pick<Call<unknown, unknown, unknown>, "caller">): void {
  const caller = callerOf(call);
  if (caller.scope !== undefined) {
    throw new GantryError("forbidden", {
      who: `A token of ${caller.name} with a scope`,
      verb: "create or change access",
    });
  }
}

/**
 * Callers cannot give or take over more rights than they have: neither with an account or token that has a higher role, nor
 * with one whose name or groups have more rights by the policy.
 */
export function refuseMore(
  call: Pick<Call<unknown, unknown, unknown>, "caller" | "portal">,
  subject: { readonly name: string; readonly role: Role; readonly groups?: readonly string[] | undefined },
): void {
  const caller = callerOf(call);
  if (call.portal.rights.hasNoMore({ groups: [], ...subject }, caller)) return;
  throw new GantryError("forbidden", {
    who: caller.name,
    verb: `give or change the rights of ${subject.name} (role ${subject.role}), which are more than their own`,
  });
}

export function checkDays({ config }: Portal, wanted: number | undefined): void {
  const most = config.signIn.maxTokenDays;
  if (wanted !== undefined && wanted > most) {
    const problem = `a token may be valid for at most ${most} days (signIn.maxTokenDays)`;
    throw new GantryError("bad-request", { problem }, { problems: [{ pointer: "/days", detail: `At most ${most}.` }] });
  }
}

export async function sendCreated(
  { ctx, portal }: Pick<Call<unknown, unknown, unknown>, "ctx" | "portal">,
  { record, secret }: Created,
): Promise<void> {
  ctx.status = 201;
  sendUncached(ctx, { ...(await viewOf(portal, record)), token: secret });
}

// /v1/me/…: the account, the sessions and the tokens of the caller.

import { GantryError } from "@gantry/core/errors.ts";
import { page } from "@gantry/wire/agent/views.ts";
import { z } from "zod";
import { tokenId } from "../access/token-store.ts";
import { personView, personViewOf, sessionView, sessionViewOf } from "../http/access-schemas.ts";
import { clientAddress } from "../http/address.ts";
import { sendJson } from "../http/respond.ts";
import { type Call, callerOf, route } from "../http/route.ts";
import { json, name, scopeSchema, sessionId, tokenView } from "../http/schemas.ts";
import type { PersonRecord } from "../people/person-record.ts";
import { checkDays, days, newTokenView, refuseScoped, rotation, sendCreated } from "./create-token.ts";
import { viewsOf } from "./list-tokens.ts";

const accountView = z
  .object({
    person: personView.optional().describe("Missing for service tokens, and for sessions that they opened"),
    hasPassword: z.boolean(),
    mayCreateTokens: z.boolean(),
  })
  .meta({ id: "Account" });

const getAccount = route({
  method: "GET",
  path: "/v1/me/account",
  id: "getAccount",
  tag: "access",
  summary: "Get the account of the caller",
  right: "signed-in",
  verb: "see their own account",
  responses: { 200: json("The account", accountView) },
  handle: async (call) => {
    const record = await recordOf(call);
    sendJson(call.ctx, {
      ...(record ? { person: personViewOf(call.portal, record) } : {}),
      hasPassword: record?.password !== undefined,
      mayCreateTokens: record !== undefined && callerOf(call).via === "session" && callerOf(call).token === undefined,
    });
  },
});

const changePassword = route({
  method: "POST",
  path: "/v1/me/password",
  id: "changePassword",
  tag: "access",
  summary: "Change your own password",
  description:
    "Ends all sessions of the caller, including the one of this request: sign in again with the new password.",
  right: "signed-in",
  verb: "change their own password",
  body: z.strictObject({ old: z.string().max(1_000), new: z.string().max(1_000) }),
  responses: { 204: { description: "Changed" } },
  errors: ["password-wrong", "sign-in-paused", "conflict"],
  handle: async (call) => {
    const { ctx, portal, body } = call;
    refuseScoped(call);
    const { name: who } = await personOf(call);
    const attempt = { name: who, password: body.old, address: clientAddress(portal, ctx) };
    const found = await portal.passwordSignIn.verify(attempt);
    if (!found) throw new GantryError("password-wrong");
    await portal.people.setPassword(found.record, found.version, body.new);
    ctx.status = 204;
  },
});

const listOwnSessions = route({
  method: "GET",
  path: "/v1/me/sessions",
  id: "listOwnSessions",
  tag: "access",
  summary: "List your own sessions",
  right: "signed-in",
  verb: "see their own sessions",
  responses: { 200: json("The newest 200 valid sessions", page(sessionView)) },
  handle: async (call) => {
    const caller = callerOf(call);
    const items = (await call.portal.sessions.listOf(caller.name)).map((one) => sessionViewOf(one, caller.session));
    sendJson(call.ctx, { items: items.filter(({ isCurrent }) => isCurrent || !isScoped(call)) });
  },
});

const endOwnSession = route({
  method: "DELETE",
  path: "/v1/me/sessions/{session}",
  id: "endOwnSession",
  tag: "access",
  summary: "End one of your own sessions, and everything that was made from it",
  right: "signed-in",
  verb: "end their own sessions",
  params: z.strictObject({ session: sessionId }),
  responses: { 204: { description: "Ended" } },
  handle: async (call) => {
    const { session } = call.params;
    const record = await call.portal.sessions.load(session);
    const isHidden = isScoped(call) && session !== callerOf(call).session;
    if (isHidden || record?.name !== callerOf(call).name)
      throw new GantryError("not-found", { kind: "session", name: session });
    await call.portal.sessions.end(session);
    call.ctx.status = 204;
  },
});

const listOwnTokens = route({
  method: "GET",
  path: "/v1/me/tokens",
  id: "listOwnTokens",
  tag: "access",
  summary: "List your own personal tokens, without their secrets",
  right: "signed-in",
  verb: "see their own tokens",
  responses: { 200: json("All valid personal tokens of the caller", page(tokenView)) },
  handle: async (call) => {
    const record = await recordOf(call);
    const tokens = record === undefined ? [] : await call.portal.tokens.list(record.name);
    const seen = tokens.filter((one) => !isScoped(call) || tokenId(one) === callerOf(call).token);
    sendJson(call.ctx, { items: await viewsOf(call.portal, seen) });
  },
});

const createOwnToken = route({
  method: "POST",
  path: "/v1/me/tokens",
  id: "createOwnToken",
  tag: "access",
  summary: "Create a personal token",
  description:
    "It has the rights that the caller has at the time of use, narrowed by its scope, and ends with the account. Only this " +
    "response contains the token itself. A token cannot create another one: this needs a session.",
  right: "signed-in",
  verb: "create their own tokens",
  body: z.strictObject({ name, days: days.default(90), scope: scopeSchema.optional() }),
  example: { name: "laptop", days: 30, scope: { apps: ["orders"] } },
  responses: { 201: json("The token", newTokenView) },
  errors: ["conflict"],
  handle: async (call) => {
    const owner = await signedInPersonOf(call);
    checkDays(call.portal, call.body.days);
    await sendCreated(call, await call.portal.tokens.create({ ...call.body, owner: owner.name }, owner.name));
  },
});

const rotateOwnToken = route({
  method: "POST",
  path: "/v1/me/tokens/{name}/rotate",
  id: "rotateOwnToken",
  tag: "access",
  summary: "Give a personal token a new secret",
  description: "As POST /v1/tokens/{name}/rotate.",
  right: "signed-in",
  verb: "rotate their own tokens",
  params: z.strictObject({ name }),
  body: rotation,
  example: { overlapMinutes: 60 },
  responses: { 201: json("The token with its new secret", newTokenView) },
  errors: ["conflict"],
  handle: async (call) => {
    const owner = await signedInPersonOf(call);
    checkDays(call.portal, call.body.days);
    const id = tokenId({ name: call.params.name, owner: owner.name });
    await sendCreated(call, await call.portal.tokens.rotate(id, call.body, owner.name));
  },
});

const revokeOwnToken = route({
  method: "DELETE",
  path: "/v1/me/tokens/{name}",
  id: "revokeOwnToken",
  tag: "access",
  summary: "Revoke a personal token",
  right: "signed-in",
  verb: "revoke their own tokens",
  params: z.strictObject({ name }),
  responses: { 204: { description: "Revoked" } },
  handle: async (call) => {
    const owner = await personOf(call);
    const id = tokenId({ name: call.params.name, owner: owner.name });
    if (id !== callerOf(call).token) refuseScoped(call);
    await call.portal.tokens.revoke(id, owner.name);
    call.ctx.status = 204;
  },
});

type AnyCall = Pick<Call<unknown, unknown, unknown>, "caller" | "portal">;

/**
 * The account of the caller; undefined for service tokens. The name of a service token has no colon, and no account of the
 * same name can be created.
 */
async function recordOf(call: AnyCall): Promise<PersonRecord | undefined> {
  return (await call.portal.people.rightsOf(callerOf(call).name))?.record;
}

async function personOf(call: AnyCall): Promise<PersonRecord> {
  const record = await recordOf(call);
  if (!record)
    throw new GantryError("bad-request", { problem: `${callerOf(call).name} is not the account of a person` });
  return record;
}

/** A token with a scope sees and ends of its owner's sessions and tokens only itself and what it has opened. */
function isScoped(call: AnyCall): boolean {
  return callerOf(call).scope !== undefined;
}

/** A stolen token must not create others that outlive it. */
async function signedInPersonOf(call: AnyCall): Promise<PersonRecord> {
  refuseScoped(call);
  if (callerOf(call).token !== undefined) throw new GantryError("forbidden", { who: "A token", verb: "create tokens" });
  return personOf(call);
}

export const ownAccountRoutes = [
  getAccount,
  changePassword,
  listOwnSessions,
  endOwnSession,
  listOwnTokens,
  createOwnToken,
  rotateOwnToken,
  revokeOwnToken,
];

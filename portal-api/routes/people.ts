// /v1/people: accounts, for administrators.

import { GantryError } from "@gantry/core/errors.ts";
import { page } from "@gantry/wire/agent/views.ts";
import type Koa from "koa";
import { z } from "zod";
import { onInstallation } from "../access/guards/guards.ts";
import { activationView, personView, personViewOf, sessionView, sessionViewOf } from "../http/access-schemas.ts";
import { addressOf } from "../http/address.ts";
import { sendJson, sendUncached, timeOf } from "../http/respond.ts";
import { callerOf, route } from "../http/route.ts";
import { json, personName, roleSchema } from "../http/schemas.ts";
import { decideRole } from "../people/decide-role.ts";
import type { Activation } from "../people/people.ts";
import { LOCAL_NAME } from "../people/person-record.ts";
import type { Portal } from "../portal.ts";
import { refuseMore, refuseScoped } from "./create-token.ts";

const onePerson = z.strictObject({ name: personName });
const group = z.string().regex(/^[\w.-]{1,100}$/, "must have letters, digits, dots, hyphens and underscores");

const listPeople = route({
  method: "GET",
  path: "/v1/people",
  id: "listPeople",
  tag: "access",
  summary: "List everyone who has an account or has signed in by an issuer",
  right: onInstallation("manage-people"),
  verb: "see people",
  responses: { 200: json("All people, by name", page(personView)) },
  handle: async ({ ctx, portal }) => {
    const people = await portal.personStore.all();
    sendJson(ctx, { items: people.map((record) => personViewOf(portal, record)) });
  },
});

const createPerson = route({
  method: "POST",
  path: "/v1/people",
  id: "createPerson",
  tag: "access",
  summary: "Create a local account",
  description: "The response contains the link with which the person sets a password. It is not shown again.",
  right: onInstallation("manage-people"),
  verb: "create people",
  body: z.strictObject({
    name: z.string().regex(LOCAL_NAME, "must have lower case letters, digits, dots, hyphens, and begin with a letter"),
    displayName: z.string().max(200).optional(),
    mail: z
      .email()
      .max(254)
      .regex(/^[^@]{1,64}@/, "must have at most 64 characters before the @")
      .optional(),
    role: roleSchema.optional(),
    groups: z.array(group).max(100).optional(),
  }),
  example: { name: "dana", displayName: "Dana Kim", role: "developer" },
  responses: {
    201: json("The account", z.object({ person: personView, activation: activationView }).meta({ id: "NewPerson" })),
  },
  errors: ["conflict"],
  handle: async (call) => {
    const { ctx, portal, body } = call;
    refuseScoped(call);
    if (!portal.config.signIn.localAccounts) {
      throw new GantryError("bad-request", { problem: "local accounts are turned off (signIn.localAccounts)" });
    }
    const { groups = [], name: who } = body;
    const { roles, defaultRole } = portal.config.signIn;
    // The creator gets the link with which the first password is set.
    refuseMore(call, { name: who, groups, role: decideRole({ ...body, groups }, roles, defaultRole) });
    const { record, activation } = await portal.people.create(body, callerOf(call).name);
    ctx.status = 201;
    sendUncached(ctx, { person: personViewOf(portal, record), activation: linkOf(portal, ctx, activation) });
  },
});

const resetPerson = route({
  method: "POST",
  path: "/v1/people/{name}/reset",
  id: "resetPerson",
  tag: "access",
  summary: "Remove the password of a local account and create a link that sets a new one",
  description: "Ends all sessions and personal tokens of the person at once.",
  right: onInstallation("manage-people"),
  verb: "reset people",
  params: onePerson,
  responses: { 201: json("The link", activationView) },
  errors: ["conflict"],
  handle: async (call) => {
    refuseScoped(call);
    const person = await call.portal.people.get(call.params.name);
    refuseMore(call, { ...person, role: call.portal.people.roleOf(person) });
    const activation = await call.portal.people.reset(call.params.name, callerOf(call).name);
    call.ctx.status = 201;
    sendUncached(call.ctx, linkOf(call.portal, call.ctx, activation));
  },
});

const disablePerson = route({
  method: "POST",
  path: "/v1/people/{name}/disable",
  id: "disablePerson",
  tag: "access",
  summary: "Disable a person",
  description: "Ends all sessions, personal tokens and open streams of the person at once. Sign-in is refused.",
  right: onInstallation("manage-people"),
  verb: "disable people",
  params: onePerson,
  responses: { 200: json("The person", personView) },
  errors: ["conflict"],
  handle: async (call) => {
    const record = await call.portal.people.setDisabled(call.params.name, true, callerOf(call).name);
    sendUncached(call.ctx, personViewOf(call.portal, record));
  },
});

const enablePerson = route({
  method: "POST",
  path: "/v1/people/{name}/enable",
  id: "enablePerson",
  tag: "access",
  summary: "Let a disabled person sign in again",
  right: onInstallation("manage-people"),
  verb: "enable people",
  params: onePerson,
  responses: { 200: json("The person", personView) },
  errors: ["conflict"],
  handle: async (call) => {
    refuseScoped(call);
    const record = await call.portal.people.setDisabled(call.params.name, false, callerOf(call).name);
    sendUncached(call.ctx, personViewOf(call.portal, record));
  },
});

const removePerson = route({
  method: "DELETE",
  path: "/v1/people/{name}",
  id: "removePerson",
  tag: "access",
  summary: "Remove a person",
  description:
    "Ends sessions and tokens as disabling does. A person of an issuer is created again at the next sign-in; the name may " +
    "then belong to someone else.",
  right: onInstallation("manage-people"),
  verb: "remove people",
  params: onePerson,
  responses: { 204: { description: "Removed" } },
  errors: ["conflict"],
  handle: async (call) => {
    await call.portal.people.remove(call.params.name, callerOf(call).name);
    call.ctx.status = 204;
  },
});

const listSessionsOf = route({
  method: "GET",
  path: "/v1/people/{name}/sessions",
  id: "listSessionsOfPerson",
  tag: "access",
  summary: "List the sessions of a person",
  right: onInstallation("manage-people"),
  verb: "see sessions",
  params: onePerson,
  responses: { 200: json("The newest 200 valid sessions", page(sessionView)) },
  handle: async ({ ctx, portal, params, caller }) => {
    const sessions = await portal.sessions.listOf(params.name);
    sendJson(ctx, { items: sessions.map((one) => sessionViewOf(one, caller?.session)) });
  },
});

const endSessionsOf = route({
  method: "DELETE",
  path: "/v1/people/{name}/sessions",
  id: "endSessionsOfPerson",
  tag: "access",
  summary: "End all sessions of a person, and everything that was made from them",
  right: onInstallation("manage-people"),
  verb: "end sessions",
  params: onePerson,
  responses: { 204: { description: "Ended" } },
  errors: ["conflict"],
  handle: async (call) => {
    await call.portal.people.endSessions(call.params.name, callerOf(call).name);
    call.ctx.status = 204;
  },
});

function linkOf(portal: Portal, ctx: Koa.Context, { code, expiresAt }: Activation): z.infer<typeof activationView> {
  return { url: `${addressOf(portal, ctx)}/sign-in/activate?code=${code}`, expiresAt: timeOf(expiresAt) };
}

export const peopleRoutes = [
  listPeople,
  createPerson,
  resetPerson,
  disablePerson,
  enablePerson,
  listSessionsOf,
  endSessionsOf,
  removePerson,
];

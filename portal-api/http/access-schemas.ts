// Views of people and sessions, which several routes share.

import { z } from "zod";
import { SIGN_INS } from "../access/records.ts";
import type { Session } from "../access/sessions.ts";
import type { PersonRecord } from "../people/person-record.ts";
import type { Portal } from "../portal.ts";
import { timeOf } from "./respond.ts";
import { roleSchema } from "./schemas.ts";

export const personView = z
  .object({
    name: z.string(),
    displayName: z.string().optional(),
    mail: z.string().optional(),
    groups: z.array(z.string()),
    role: roleSchema,
    issuer: z.string().optional().describe("Id of the issuer. Local accounts have none"),
    roles: z
      .array(z.object({ role: z.string(), via: z.string().optional(), on: z.string().optional() }))
      .describe("All roles: of the account, or with `via` by this group or name of the policy, `on` what it says"),
    pausedS: z
      .int()
      .optional()
      .describe("Too many wrong passwords: from a new address the next try has to wait, in seconds"),
    state: z.enum(["active", "invited", "disabled"]).describe("invited: has not set a password yet"),
    createdBy: z.string(),
    createdAt: z.iso.datetime(),
    lastSignInAt: z.iso.datetime().optional(),
  })
  .meta({ id: "Person" });

export const activationView = z
  .object({
    url: z.string().describe("The person opens it to set a password. It works once"),
    expiresAt: z.iso.datetime(),
  })
  .meta({ id: "Activation" });

export const sessionView = z
  .object({
    id: z.string(),
    openedAt: z.iso.datetime().optional(),
    expiresAt: z.iso.datetime(),
    signIn: z.enum(SIGN_INS).optional(),
    address: z.string().optional().describe("Of the client that signed in"),
    userAgent: z.string().optional(),
    isCurrent: z.boolean().describe("The session of this request"),
  })
  .meta({ id: "Session" });

export function personViewOf(portal: Portal, record: PersonRecord): z.infer<typeof personView> {
  const { name, displayName, mail, groups, issuer, createdBy, createdAt, lastSignInAt } = record;
  const role = portal.people.roleOf(record);
  const pausedS = issuer === undefined ? portal.passwordSignIn.pausedS(name) : 0;
  const isInvited = issuer === undefined && record.password === undefined;
  return {
    name,
    ...(displayName === undefined ? {} : { displayName }),
    ...(mail === undefined ? {} : { mail }),
    groups,
    role,
    roles: [...portal.rights.rolesOf({ name, role, groups, issuer })],
    ...(pausedS > 0 ? { pausedS } : {}),
    ...(issuer === undefined ? {} : { issuer }),
    state: record.disabledAt !== undefined ? "disabled" : isInvited ? "invited" : "active",
    createdBy,
    createdAt: timeOf(createdAt),
    ...(lastSignInAt === undefined ? {} : { lastSignInAt: timeOf(lastSignInAt) }),
  };
}

export function sessionViewOf({ hash, record }: Session, current: string | undefined): z.infer<typeof sessionView> {
  const { openedAt, expiresAt, signIn, address, userAgent } = record;
  return {
    id: hash,
    ...(openedAt === undefined ? {} : { openedAt: timeOf(openedAt) }),
    expiresAt: timeOf(expiresAt),
    ...(signIn === undefined ? {} : { signIn }),
    ...(address === undefined ? {} : { address }),
    ...(userAgent === undefined ? {} : { userAgent }),
    isCurrent: hash === current,
  };
}

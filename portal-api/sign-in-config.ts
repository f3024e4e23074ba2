// The part of the configuration that says who may sign in, how, and with which role.

import { z } from "zod";
import { ROLES } from "./access/decide-access.ts";

const role = z.enum(ROLES);
export const url = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/+$/, ""));

const issuer = z
  .strictObject({
    /** Used in the names of its people and groups, and in the addresses that must be configured at the issuer. */
    id: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, "must have lower case letters, digits and hyphens"),
    /** Shown on the sign-in page. */
    name: z.string().min(1).max(100),
    /** As in its discovery document, without `/.well-known/…`. */
    issuer: z.url({ protocol: /^https?$/ }),
    clientId: z.string().min(1),
    /** Without a secret the client is public; PKCE protects it. */
    clientSecret: z.string().min(1).optional(),
    /** A file with the secret. */
    clientSecretFile: z.string().optional(),
    /** Offered only at these addresses of the portal. Default: at all. */
    addresses: z.array(url).optional(),
    /** Mail domains of its people, to select the issuer by mail address. */
    domains: z.array(z.string().toLowerCase()).default([]),
    usernameClaim: z.string().default("preferred_username"),
    /** A claim with a list of texts. A dotted path such as `realm_access.roles` leads into objects. */
    groupsClaim: z.string().default("groups"),
    scopes: z.array(z.string().regex(/^\S+$/, "must not contain spaces")).default(["openid", "profile", "email"]),
    /** A PEM file with authorities that are trusted in addition to those of the system. */
    ca: z.string().optional(),
    /** Required for an issuer on plain http on another machine. */
    allowPlainHttp: z.boolean().default(false),
  })
  .refine(({ scopes }) => scopes.includes("openid"), { path: ["scopes"], message: "must contain openid" })
  .refine((one) => one.clientSecret === undefined || one.clientSecretFile === undefined, {
    path: ["clientSecretFile"],
    message: "clientSecret is given, too",
  })
  .refine(({ issuer: at, allowPlainHttp }) => !at.startsWith("http:") || allowPlainHttp || isLoopback(at), {
    path: ["issuer"],
    message:
      "must begin with https:, or set allowPlainHttp: over plain http, an attacker on the network could sign in as anybody",
  });
export type IssuerSettings = z.output<typeof issuer>;

export const signIn = z.strictObject({
  /** OIDC issuers whose people may sign in. */
  issuers: z
    .array(issuer)
    .default([])
    .refine((all) => new Set(all.map(({ id }) => id)).size === all.length, "two issuers have the same id"),
  /** How often the issuer is asked whether a session is still valid, and for the groups, in minutes. */
  refreshMinutes: z.number().positive().max(1_440).default(5),
  /** Sign-in with a password, for accounts that an administrator creates. */
  localAccounts: z.boolean().default(true),
  /** How long the link is valid with which a person sets the first password. */
  activationHours: z.number().positive().max(720).default(72),
  /**
   * Roles of people in the whole installation, by name or group (`<issuer id>:<group>`). If several match, the last one in the list
   * of roles applies. A policy file can say more.
   */
  roles: z
    .array(
      z
        .strictObject({ group: z.string().optional(), person: z.string().optional(), role })
        .refine(({ group, person }) => (group === undefined) !== (person === undefined), "needs `group` or `person`"),
    )
    .default([]),
  /**
   * The role of everyone else who can sign in. Default: `none` with a policy file, which then decides; otherwise `viewer`.
   */
  defaultRole: role.optional(),
  /** The longest time that a token may be valid. */
  maxTokenDays: z.int().min(1).max(3_650).default(365),
  /** Personal tokens of an issuer's people are refused when the issuer has not confirmed the person for so long. */
  confirmDays: z.int().min(1).max(365).default(30),
});
export type SignInSettings = z.output<typeof signIn>;

export function isLoopback(address: string): boolean {
  const { hostname } = new URL(address);
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

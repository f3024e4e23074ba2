// What the portal stores about access in its journal. Secrets are stored as SHA-256: they are long and random, so a slow
// hash would not make them safer.

import { hash, randomBytes } from "node:crypto";
import { z } from "zod";
import { PEOPLE_INDEXES } from "../people/person-record.ts";
import { ROLES } from "./decide-access.ts";

const role = z.enum(ROLES);
const micros = z.number();
const scope = z.object({
  verbs: z.array(z.string()).optional(),
  apps: z.array(z.string()).optional(),
  sites: z.array(z.string()).optional(),
});

/** `token/<name>`; `token/<owner>/<name>` for personal ones. */
export const tokenRecord = z.object({
  name: z.string(),
  /** The person whose rights a personal token has. */
  owner: z.string().optional(),
  /** Of service tokens. */
  role: role.optional(),
  scope: scope.optional(),
  hash: z.string(),
  /** After a rotation: the secret before, which is valid until then. */
  previous: z.object({ hash: z.string(), until: micros }).optional(),
  createdBy: z.string(),
  createdAt: micros,
  rotatedAt: micros.optional(),
  expiresAt: micros.optional(),
  /** Written at most once a minute. */
  lastUsedAt: micros.optional(),
  revokedAt: micros.optional(),
});
export type TokenRecord = z.infer<typeof tokenRecord>;

/** How a session was opened. */
export const SIGN_INS = ["link", "token", "password", "sso"] as const;

/** `session/<hash>`, and `link/<hash>` for one-time sign-in codes: an identity that ends by time or with `endedAt`. */
export const grantRecord = z.object({
  name: z.string(),
  /** Unused if `token` or `person` determines the rights. */
  role,
  /** Ends with this token, and has its rights. */
  token: z.string().optional(),
  /**
   * Hash of the secret of the token that it was made with; it ends with this secret. Missing in grants of older versions.
   */
  tokenHash: z.string().optional(),
  /** Has the rights of the person `name`, and ends with `sessionsEndedAt` of the person. */
  person: z.boolean().optional(),
  /** Hash of the session that it was made from; it ends with that session. */
  parent: z.string().optional(),
  /** Length of the chain of such sessions above it. */
  depth: z.number().optional(),
  openedAt: micros.optional(),
  signIn: z.enum(SIGN_INS).optional(),
  address: z.string().optional(),
  userAgent: z.string().optional(),
  /** A session at an issuer. `sealed`: its tokens, which only the secret of the session opens. */
  sso: z
    .object({ issuer: z.string(), subject: z.string(), sid: z.string().optional(), sealed: z.string().optional() })
    .optional(),
  expiresAt: micros,
  endedAt: micros.optional(),
});
export type GrantRecord = z.infer<typeof grantRecord>;

export const TOKEN_HASH = "token-hash";
export const TOKEN_NAME = "token-name";
/** Keys: `<name> <openedAt> <hash>`. */
export const SESSION_OWNER = "session-owner";
/** Keys: `<issuer> sid <sid>` and `<issuer> sub <sub>`. */
export const SESSION_SSO = "session-sso";
/** Sessions, sign-in links and tokens by the time after which nobody can use them. Keys: `<micros> <stream>`. */
export const ACCESS_END = "access-end";
export const INDEXES = [TOKEN_HASH, TOKEN_NAME, SESSION_OWNER, SESSION_SSO, ACCESS_END, ...PEOPLE_INDEXES] as const;

/** The entry of the index, also of one that ended before its time; none for what does not expire. */
export function endKey(stream: string, micros: number | undefined): { readonly [ACCESS_END]?: string[] } {
  return micros === undefined ? {} : { [ACCESS_END]: [`${endTime(micros)} ${stream}`] };
}

export function endTime(micros: number): string {
  return String(Math.floor(micros)).padStart(17, "0");
}

/** The prefix lets secret scanners detect tokens that were committed by mistake. */
export const TOKEN_PREFIX = "gantry_pat_";

export function newSecret(): string {
  return randomBytes(32).toString("base64url");
}

export function hashOf(secret: string): string {
  return hash("sha256", secret);
}

export function isAlive(
  record: { expiresAt?: number | undefined; endedAt?: number | undefined },
  now: number,
): boolean {
  return record.endedAt === undefined && (record.expiresAt === undefined || record.expiresAt > now);
}

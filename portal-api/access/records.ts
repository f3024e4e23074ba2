// What the portal stores about access in its journal. Secrets are stored as SHA-256: they are long and random, so a slow
// hash would not make them safer.

import { hash, randomBytes } from "node:crypto";
import { z } from "zod";
import { ROLES } from "./decide-access.ts";

const role = z.enum(ROLES);
const micros = z.number();

/** `token/<name>` */
export const tokenRecord = z.object({
  name: z.string(),
  role,
  hash: z.string(),
  createdBy: z.string(),
  createdAt: micros,
  expiresAt: micros.optional(),
  revokedAt: micros.optional(),
});
export type TokenRecord = z.infer<typeof tokenRecord>;

/** `session/<hash>`, and `link/<hash>` for one-time sign-in codes: an identity that ends by time or with `endedAt`. */
export const grantRecord = z.object({
  name: z.string(),
  role,
  token: z.string().optional(),
  expiresAt: micros,
  endedAt: micros.optional(),
});
export type GrantRecord = z.infer<typeof grantRecord>;

export const TOKEN_HASH = "token-hash";
export const TOKEN_NAME = "token-name";
export const INDEXES = [TOKEN_HASH, TOKEN_NAME] as const;

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

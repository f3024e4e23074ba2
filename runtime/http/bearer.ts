// Authentication by bearer token.

import { hash, timingSafeEqual } from "node:crypto";
import { GantryError } from "@gantry/core/errors.ts";
import type Koa from "koa";

/** The token of `Authorization: Bearer …`. */
export function bearerOf(ctx: Koa.Context): string | undefined {
  return /^Bearer ([\w.~+/=-]{1,4096})$/i.exec(ctx.get("authorization"))?.[1];
}

/** Lets only requests with one of these tokens pass; others are 401. */
export function requireBearer(tokens: readonly string[]): Koa.Middleware {
  const known = bySecret(tokens.map((token) => [token, true]));
  return async (ctx, next) => {
    if (!known(bearerOf(ctx))) throw new GantryError("unauthenticated");
    await next();
  };
}

/**
 * What belongs to a secret, or undefined. Every secret is compared by its digest, in a time that does not depend on where
 * the texts differ, on their lengths, or on which one was close.
 */
export function bySecret<T>(entries: readonly (readonly [string, T])[]): (given: string | undefined) => T | undefined {
  const known = entries.map(([secret, value]) => ({ digest: digestOf(secret), value }));
  // Only what was right is kept: as many as there are entries. A wrong one finds nothing here, whatever it looks like.
  const right = new Map<string, T>();
  return (given) => {
    if (given === undefined) return undefined;
    const met = right.get(given);
    if (met !== undefined) return met;
    const digest = digestOf(given);
    const found = known.filter((one) => timingSafeEqual(one.digest, digest))[0]?.value;
    if (found !== undefined) right.set(given, found);
    return found;
  };
}

function digestOf(secret: string): Buffer {
  return hash("sha256", secret, "buffer");
}

// Authentication by bearer token.

import { hash, timingSafeEqual } from "node:crypto";
import { GantryError } from "@gantry/core/errors.ts";
import type Koa from "koa";

/** The token of `Authorization: Bearer …`. */
export function bearerOf(ctx: Koa.Context): string | undefined {
  return /^Bearer ([\w.~+/=-]{1,4096})$/i.exec(ctx.get("authorization"))?.[1];
}

/** Passes requests with one of these tokens; answers 401 to all others. */
export function requireBearer(tokens: readonly string[]): Koa.Middleware {
  const known = bySecret(tokens.map((token) => [token, true]));
  return async (ctx, next) => {
    if (!known(bearerOf(ctx))) throw new GantryError("unauthenticated");
    await next();
  };
}

/**
 * Finds the value of a secret, or undefined. Digests are compared in constant time: it does not depend on the length of the
 * given text, on where it differs, or on which entry it resembles.
 */
export function bySecret<T>(entries: readonly (readonly [string, T])[]): (given: string | undefined) => T | undefined {
  const known = entries.map(([secret, value]) => ({ digest: digestOf(secret), value }));
  // Caches valid secrets only, so it is no larger than the entries, and a lookup says nothing about invalid ones.
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

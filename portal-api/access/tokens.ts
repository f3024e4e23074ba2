// API tokens: created, shown once, listed without their secret, revoked.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Caller, Role } from "./decide-access.ts";
import { hashOf, isAlive, newSecret, TOKEN_PREFIX, type TokenRecord } from "./records.ts";
import { makeTokenCache } from "./token-cache.ts";
import { openTokenStore } from "./token-store.ts";

/** Safe to use concurrently. A change is durable when its promise resolves, and takes effect for the next request. */
export type Tokens = {
  /** Throws `bad-request` when a valid token has this name. Only this result contains the secret. */
  readonly create: (
    request: { readonly name: string; readonly role: Role; readonly days?: number | undefined },
    by: string,
  ) => Promise<{ readonly record: TokenRecord; readonly secret: string }>;
  /** Sets the secret of a token, for the administrator's token, whose file decides. */
  readonly ensure: (name: string, role: Role, secret: string) => Promise<void>;
  /** Valid tokens, by name. */
  readonly list: () => Promise<readonly TokenRecord[]>;
  /** Throws `not-found`. */
  readonly revoke: (name: string, by: string) => Promise<void>;
  /** A token that has expired, or that another process has revoked, stays valid for up to one second. */
  readonly identify: (secret: string) => Promise<Caller | undefined>;
  readonly isInUse: (name: string) => Promise<boolean>;
};

const DAY_MICROS = 86_400_000_000;

export function makeTokens(journal: Journal, clock: Clock): Tokens {
  const store = openTokenStore(journal);
  const cache = makeTokenCache(clock);

  const save = (record: TokenRecord, version: number, event: JsonObject): Promise<void> =>
    // Also when the save fails: another process may have changed the token.
    store.save(record, version, event).finally(cache.clear);

  const put = async (token: Omit<TokenRecord, "createdAt">): Promise<TokenRecord> => {
    const { version } = await store.load(token.name);
    const record = { ...token, createdAt: await journal.now() };
    await save(record, version, { kind: "TokenCreated", name: token.name, role: token.role, by: token.createdBy });
    return record;
  };

  return {
    create: async ({ name, role, days }, by) => {
      if (await store.isValid((await store.load(name)).record)) {
        throw new GantryError("bad-request", { problem: `a token named ${name} exists already` });
      }
      const secret = TOKEN_PREFIX + newSecret();
      const expiry = days === undefined ? {} : { expiresAt: (await journal.now()) + days * DAY_MICROS };
      return { record: await put({ name, role, hash: hashOf(secret), createdBy: by, ...expiry }), secret };
    },

    ensure: async (name, role, secret) => {
      const { record } = await store.load(name);
      const hash = hashOf(secret);
      if (record?.hash === hash && (await store.isValid(record))) return;
      await put({ name, role, hash, createdBy: "gantry" });
    },

    list: async () => {
      const tokens = await store.all();
      const now = await journal.now();
      return tokens.filter((token) => isAlive(token, now));
    },

    revoke: async (name, by) => {
      const { version, record } = await store.load(name);
      if (!record || !(await store.isValid(record))) throw new GantryError("not-found", { kind: "token", name });
      await save({ ...record, revokedAt: await journal.now() }, version, { kind: "TokenRevoked", name, by });
    },

    identify: async (secret) => {
      if (!secret.startsWith(TOKEN_PREFIX)) return undefined;
      const cached = cache.get(secret);
      if (cached) return cached;
      const generation = cache.generation();
      const record = await store.findByHash(hashOf(secret));
      if (!record || !(await store.isValid(record))) return undefined;
      const caller: Caller = { name: record.name, role: record.role, groups: [], via: "token", token: record.name };
      cache.put(secret, caller, generation);
      return caller;
    },

    isInUse: async (name) => store.isValid((await store.load(name)).record),
  };
}

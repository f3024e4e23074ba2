// API tokens: created, shown once, listed without their secret, rotated, revoked. A service token has its own rights; a
// personal one has those of its owner. The scope of a token narrows them.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { People } from "../people/people.ts";
import type { AccessChanges } from "./changes.ts";
import type { Caller, Role } from "./decide-access.ts";
import { hashOf, newSecret, TOKEN_PREFIX, type TokenRecord } from "./records.ts";
import { makeTokenCache } from "./token-cache.ts";
import { isTokenAlive, opensToken, openTokenStore, tokenId } from "./token-store.ts";

export type NewToken = {
  readonly name: string;
  /** Of a personal token. Otherwise it has a role. */
  readonly owner?: string | undefined;
  readonly role?: Role | undefined;
  readonly scope?: TokenRecord["scope"];
  readonly days?: number | undefined;
};
export type Created = { readonly record: TokenRecord; readonly secret: string };

/** Safe to use concurrently. A change is durable when its promise resolves, and takes effect for the next request. */
export type Tokens = {
  /** Throws `bad-request` when a valid token or a person has this name. Only this result contains the secret. */
  readonly create: (request: NewToken, by: string) => Promise<Created>;
  /** A new secret and a new expiry; the old secret is valid for `overlapMinutes`. Throws `not-found`. */
  readonly rotate: (
    id: string,
    request: { readonly days?: number | undefined; readonly overlapMinutes: number },
    by: string,
  ) => Promise<Created>;
  /** Sets the secret of a token, for the administrator's token, whose file decides. */
  readonly ensure: (name: string, role: Role, secret: string) => Promise<void>;
  /** Valid tokens, by name. `owner`: only personal tokens of this person. */
  readonly list: (owner?: string) => Promise<readonly TokenRecord[]>;
  /** Throws `not-found`. */
  readonly revoke: (id: string, by: string) => Promise<void>;
  readonly identify: (secret: string) => Promise<Caller | undefined>;
  /**
   * The caller with this token; undefined when it is not valid, was created after `since` (micros), or is not opened by the
   * secret of this hash any more.
   */
  readonly callerOf: (id: string, since: number, hash?: string) => Promise<Caller | undefined>;
  readonly isInUse: (id: string) => Promise<boolean>;
};

export type TokenDeps = {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly people: Pick<People, "rightsOf">;
  readonly changes: AccessChanges;
  /** Whether the name belongs to an account: a token of the same name could be mistaken for the person. */
  readonly isPersonName: (name: string) => Promise<boolean>;
  /** Personal tokens of an issuer's people are refused when the issuer has not confirmed them for so long. */
  readonly confirmDays: number;
};

const MINUTE_MICROS = 60_000_000;
const DAY_MICROS = 86_400_000_000;

export function makeTokens(deps: TokenDeps): Tokens {
  const { journal, people, changes } = deps;
  const store = openTokenStore(journal);
  const cache = makeTokenCache(deps.clock);

  const save = async (record: TokenRecord, version: number, event: JsonObject): Promise<void> => {
    try {
      await store.save(record, version, event);
    } finally {
      // Also when the save fails: another process may have changed the token.
      cache.clear();
      changes.changed(record.owner ?? record.name);
    }
  };
  const valid = async (id: string): Promise<{ version: number; record: TokenRecord }> => {
    const { version, record } = await store.load(id);
    if (isTokenAlive(record, await journal.now())) return { version, record };
    throw new GantryError("not-found", { kind: "token", name: id });
  };
  const callerOf = async (record: TokenRecord, tokenHash?: string): Promise<Caller | undefined> => {
    const { scope } = record;
    const opened = { ...(scope ? { scope } : {}), ...(tokenHash === undefined ? {} : { tokenHash }) };
    const about = { via: "token", token: tokenId(record), ...opened } as const;
    if (record.owner === undefined) return { name: record.name, role: record.role ?? "viewer", groups: [], ...about };
    const found = await people.rightsOf(record.owner);
    if (!found || record.createdAt <= (found.record.tokensEndedAt ?? 0)) return undefined;
    const { issuer, confirmedAt = 0 } = found.record;
    const isStale = issuer !== undefined && confirmedAt + deps.confirmDays * DAY_MICROS < (await journal.now());
    return isStale ? undefined : { ...found.rights, ...about };
  };
  /** Not durable before the request is answered, and not repeated when it fails: the next use writes it again. */
  const touch = async (record: TokenRecord, version: number, now: number): Promise<void> => {
    if (now - (record.lastUsedAt ?? 0) >= MINUTE_MICROS) await store.touch({ ...record, lastUsedAt: now }, version);
  };

  return {
    ...changesOf(deps, { store, save, valid }),

    list: async (owner) => {
      const tokens = await store.all(owner);
      const now = await journal.now();
      return tokens.filter((token) => isTokenAlive(token, now));
    },

    identify: async (secret) => {
      if (!secret.startsWith(TOKEN_PREFIX)) return undefined;
      const cached = cache.get(secret);
      if (cached) return cached;
      const generation = cache.generation();
      const given = hashOf(secret);
      const { record, version } = await store.findByHash(given);
      const now = await journal.now();
      if (!isTokenAlive(record, now) || !opensToken(record, given, now)) return undefined;
      const caller = await callerOf(record, given);
      if (!caller) return undefined;
      await touch(record, version, now);
      const ends = [record.expiresAt, record.hash === given ? undefined : record.previous?.until];
      const left = Math.min(...ends.map((end) => (end === undefined ? Infinity : end - now)));
      // What a person may do can change without a change of the token, so personal tokens are not stored.
      if (record.owner === undefined) cache.put(secret, caller, generation, left / 1_000);
      return caller;
    },

    callerOf: async (id, since, hash) => {
      const { record } = await store.load(id);
      const now = await journal.now();
      if (!isTokenAlive(record, now) || record.createdAt > since) return undefined;
      return hash === undefined || opensToken(record, hash, now) ? callerOf(record, hash) : undefined;
    },

    isInUse: async (id) => {
      const { record } = await store.load(id);
      return isTokenAlive(record, await journal.now()) && (await callerOf(record)) !== undefined;
    },
  };
}

type Parts = {
  readonly store: ReturnType<typeof openTokenStore>;
  readonly save: (record: TokenRecord, version: number, event: JsonObject) => Promise<void>;
  readonly valid: (id: string) => Promise<{ version: number; record: TokenRecord }>;
};

function changesOf(
  { journal, isPersonName }: TokenDeps,
  { store, save, valid }: Parts,
): Pick<Tokens, "create" | "rotate" | "ensure" | "revoke"> {
  const put = async (token: Omit<TokenRecord, "createdAt">): Promise<TokenRecord> => {
    const { version } = await store.load(tokenId(token));
    const record = { ...token, createdAt: await journal.now() };
    await save(record, version, { kind: "TokenCreated", name: tokenId(token), by: token.createdBy, ...roleOf(token) });
    return record;
  };
  return {
    create: async ({ name, owner, role, scope, days }, by) => {
      const id = tokenId({ name, owner });
      if (isTokenAlive((await store.load(id)).record, await journal.now())) {
        throw new GantryError("bad-request", { problem: `a token named ${name} exists already` });
      }
      if (owner === undefined && (await isPersonName(name))) {
        throw new GantryError("bad-request", { problem: `${name} is the name of a person` });
      }
      const secret = TOKEN_PREFIX + newSecret();
      const expiresAt = days === undefined ? undefined : (await journal.now()) + days * DAY_MICROS;
      return {
        record: await put({ name, owner, role, scope, hash: hashOf(secret), createdBy: by, expiresAt }),
        secret,
      };
    },

    rotate: async (id, { days, overlapMinutes }, by) => {
      const { version, record: before } = await valid(id);
      const secret = TOKEN_PREFIX + newSecret();
      const now = await journal.now();
      const { createdAt, rotatedAt = createdAt, expiresAt } = before;
      // The old secret never outlives the expiry that it was created with.
      const until = Math.min(now + overlapMinutes * MINUTE_MICROS, expiresAt ?? Infinity);
      const lifetime = days === undefined ? expiresAt && expiresAt - rotatedAt : days * DAY_MICROS;
      const record: TokenRecord = {
        ...before,
        hash: hashOf(secret),
        // A second rotation ends the secret before the previous one at once.
        previous: overlapMinutes === 0 ? undefined : { hash: before.hash, until },
        rotatedAt: now,
        expiresAt: lifetime === undefined ? undefined : now + lifetime,
      };
      await save(record, version, { kind: "TokenRotated", name: id, by });
      return { record, secret };
    },

    ensure: async (name, role, secret) => {
      const { record } = await store.load(name);
      const hash = hashOf(secret);
      if (record?.hash === hash && isTokenAlive(record, await journal.now())) return;
      await put({ name, role, hash, createdBy: "gantry" });
    },

    revoke: async (id, by) => {
      const { version, record } = await valid(id);
      await save({ ...record, revokedAt: await journal.now() }, version, { kind: "TokenRevoked", name: id, by });
    },
  };
}

function roleOf({ role }: Pick<TokenRecord, "role">): { role?: Role } {
  return role === undefined ? {} : { role };
}

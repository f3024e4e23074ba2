// Tokens for scripts: created, shown once, listed without their secret, revoked.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Caller, Role } from "./decide-access.ts";
import {
  hashOf,
  isAlive,
  newSecret,
  TOKEN_HASH,
  TOKEN_NAME,
  TOKEN_PREFIX,
  type TokenRecord,
  tokenRecord,
} from "./records.ts";

/** Safe to use concurrently. A change is durable when its promise resolves and counts for the next request. */
export type Tokens = {
  /** Throws `bad-request` when a token of this name is in use. The secret is in this answer only. */
  readonly create: (
    wish: { readonly name: string; readonly role: Role; readonly days?: number | undefined },
    by: string,
  ) => Promise<{ readonly record: TokenRecord; readonly secret: string }>;
  /** Makes this secret the one of the token, e.g. the administrator's, whose file is the truth. */
  readonly ensure: (name: string, role: Role, secret: string) => Promise<void>;
  /** Tokens in use, by name. */
  readonly list: () => Promise<readonly TokenRecord[]>;
  /** Throws `not-found`. */
  readonly revoke: (name: string, by: string) => Promise<void>;
  /** A token that another process has revoked, or whose time is over, is known for a second more. */
  readonly identify: (secret: string) => Promise<Caller | undefined>;
  readonly isInUse: (name: string) => Promise<boolean>;
};

const DAY_MICROS = 86_400_000_000;
/** For so long a token that was looked up is not looked up again. A change in this process counts at once all the same. */
const TRUSTED_MS = 1_000;
const MAX_TRUSTED = 1_000;

export function makeTokens(journal: Journal, clock: Clock): Tokens {
  /** By their secret: a wrong one is never in here. */
  const trusted = new Map<string, { readonly caller: Caller; readonly untilMs: number }>();
  const trust = (secret: string, caller: Caller): void => {
    if (trusted.size >= MAX_TRUSTED) trusted.clear();
    trusted.set(secret, { caller, untilMs: clock.monotonicMs() + TRUSTED_MS });
  };
  let changes = 0;
  const load = async (name: string): Promise<{ version: number; record: TokenRecord | undefined }> => {
    const loaded = await journal.load(`token/${name}`);
    return loaded
      ? { version: loaded.version, record: tokenRecord.parse(loaded.snapshot) }
      : { version: 0, record: undefined };
  };
  const inUse = async (record: TokenRecord | undefined): Promise<boolean> =>
    record !== undefined && isAlive({ ...record, endedAt: record.revokedAt }, await journal.now());

  const save = async (record: TokenRecord, expected: number, event: JsonObject): Promise<void> => {
    const index: { [name: string]: string[] } =
      record.revokedAt === undefined ? { [TOKEN_HASH]: [record.hash], [TOKEN_NAME]: [record.name] } : {};
    const result = await journal.append([
      { stream: `token/${record.name}`, expected, events: [event], snapshot: { ...record }, index },
    ]);
    trusted.clear();
    changes += 1;
    if (!result.ok) throw new GantryError("conflict", { what: `The token ${record.name}` });
  };

  const put = async (
    name: string,
    role: Role,
    secret: string,
    by: string,
    expiresAt?: number,
  ): Promise<TokenRecord> => {
    const { version } = await load(name);
    const now = await journal.now();
    const record = {
      name,
      role,
      hash: hashOf(secret),
      createdBy: by,
      createdAt: now,
      ...(expiresAt === undefined ? {} : { expiresAt }),
    };
    await save(record, version, { kind: "TokenCreated", name, role, by });
    return record;
  };

  return {
    create: async ({ name, role, days }, by) => {
      if (await inUse((await load(name)).record)) {
        throw new GantryError("bad-request", { problem: `a token named ${name} is in use` });
      }
      const secret = TOKEN_PREFIX + newSecret();
      const expiresAt = days === undefined ? undefined : (await journal.now()) + days * DAY_MICROS;
      return { record: await put(name, role, secret, by, expiresAt), secret };
    },

    ensure: async (name, role, secret) => {
      const { record } = await load(name);
      if (record?.hash === hashOf(secret) && (await inUse(record))) return;
      await put(name, role, secret, "gantry");
    },

    list: async () => {
      const tokens: TokenRecord[] = [];
      let cursor: string | undefined;
      do {
        const page = await journal.find({ index: TOKEN_NAME, limit: 200, ...(cursor ? { cursor } : {}) });
        tokens.push(...page.items.map((item) => tokenRecord.parse(item.snapshot)));
        cursor = page.cursor;
      } while (cursor);
      const now = await journal.now();
      return tokens.filter((token) => isAlive(token, now));
    },

    revoke: async (name, by) => {
      const { version, record } = await load(name);
      if (!record || !(await inUse(record))) throw new GantryError("not-found", { kind: "token", name });
      await save({ ...record, revokedAt: await journal.now() }, version, { kind: "TokenRevoked", name, by });
    },

    identify: async (secret) => {
      if (!secret.startsWith(TOKEN_PREFIX)) return undefined;
      const known = trusted.get(secret);
      if (known && known.untilMs > clock.monotonicMs()) return known.caller;
      const hash = hashOf(secret);
      const before = changes;
      const { items } = await journal.find({ index: TOKEN_HASH, prefix: hash, limit: 1 });
      const record = items[0] && tokenRecord.parse(items[0].snapshot);
      if (!record || !(await inUse(record))) return undefined;
      const caller: Caller = { name: record.name, role: record.role, via: "token", token: record.name };
      // What was read before a change must not be trusted after it.
      if (changes === before) trust(secret, caller);
      return caller;
    },

    isInUse: async (name) => inUse((await load(name)).record),
  };
}

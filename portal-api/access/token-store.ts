// The tokens in the journal: one stream per token, `token/<name>`, found by name or by the hash of the secret.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { isAlive, TOKEN_HASH, TOKEN_NAME, type TokenRecord, tokenRecord } from "./records.ts";

export type StoredToken = { readonly version: number; readonly record: TokenRecord | undefined };

export type TokenStore = {
  /** Version 0 and no record when there was never a token of this name. */
  readonly load: (name: string) => Promise<StoredToken>;
  /** Throws `conflict` when the token has changed since `version` was loaded. */
  readonly save: (record: TokenRecord, version: number, event: JsonObject) => Promise<void>;
  readonly findByHash: (hash: string) => Promise<TokenRecord | undefined>;
  /** By name; expired ones are included, revoked ones are not. */
  readonly all: () => Promise<readonly TokenRecord[]>;
  /** Whether the token is neither revoked nor expired. */
  readonly isValid: (record: TokenRecord | undefined) => Promise<boolean>;
};

const PAGE = 200;

export function openTokenStore(journal: Journal): TokenStore {
  return {
    load: async (name) => {
      const loaded = await journal.load(`token/${name}`);
      if (!loaded) return { version: 0, record: undefined };
      return { version: loaded.version, record: tokenRecord.parse(loaded.snapshot) };
    },
    save: async (record, version, event) => {
      const { name, hash, revokedAt } = record;
      const index: { [name: string]: string[] } =
        revokedAt === undefined ? { [TOKEN_HASH]: [hash], [TOKEN_NAME]: [name] } : {};
      const append = { stream: `token/${name}`, expected: version, events: [event], snapshot: { ...record }, index };
      const result = await journal.append([append]);
      if (!result.ok) throw new GantryError("conflict", { what: `The token ${name}` });
    },
    findByHash: async (hash) => {
      const { items } = await journal.find({ index: TOKEN_HASH, prefix: hash, limit: 1 });
      return items[0] && tokenRecord.parse(items[0].snapshot);
    },
    all: async () => {
      const tokens: TokenRecord[] = [];
      let cursor: string | undefined;
      do {
        const page = await journal.find({ index: TOKEN_NAME, limit: PAGE, ...(cursor ? { cursor } : {}) });
        tokens.push(...page.items.map((item) => tokenRecord.parse(item.snapshot)));
        cursor = page.cursor;
      } while (cursor);
      return tokens;
    },
    isValid: async (record) =>
      record !== undefined && isAlive({ ...record, endedAt: record.revokedAt }, await journal.now()),
  };
}

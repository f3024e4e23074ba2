// The tokens in the journal: one stream per token, found by its id or by the hash of the secret. The id is `<name>` for a
// service token and `<owner>/<name>` for a personal one.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { streamPart } from "../people/person-record.ts";
import { endKey, isAlive, TOKEN_HASH, TOKEN_NAME, type TokenRecord, tokenRecord } from "./records.ts";

export type StoredToken = { readonly version: number; readonly record: TokenRecord | undefined };

export type TokenStore = {
  /** Version 0 and no record when there was never a token with this id. */
  readonly load: (id: string) => Promise<StoredToken>;
  /** Throws `conflict` when the token has changed since `version` was loaded. */
  readonly save: (record: TokenRecord, version: number, event: JsonObject) => Promise<void>;
  /** Records the time of use without an event. Does nothing when the token has changed. */
  readonly touch: (record: TokenRecord, version: number) => Promise<void>;
  readonly findByHash: (hash: string) => Promise<StoredToken>;
  /** By id; expired ones are included, revoked ones are not. `owner`: personal tokens of this person only. */
  readonly all: (owner?: string) => Promise<readonly TokenRecord[]>;
};

const PAGE = 200;

/** Without its owner, a name alone could belong to several people. */
export function tokenId({ name, owner }: Pick<TokenRecord, "name" | "owner">): string {
  return owner === undefined ? name : `${owner}/${name}`;
}

export function openTokenStore(journal: Journal): TokenStore {
  const append = (record: TokenRecord, version: number, events: JsonObject[]): ReturnType<Journal["append"]> => {
    const id = tokenId(record);
    const hashes = [record.hash, ...(record.previous ? [record.previous.hash] : [])];
    const index: { [name: string]: string[] } = {
      ...endKey(streamOf(id), record.revokedAt ?? record.expiresAt),
      ...(record.revokedAt === undefined ? { [TOKEN_HASH]: hashes, [TOKEN_NAME]: [id] } : {}),
    };
    // JSON has no undefined fields.
    const snapshot = JSON.parse(JSON.stringify(record)) as JsonObject;
    return journal.append([{ stream: streamOf(id), expected: version, events, snapshot, index }]);
  };
  return {
    load: async (id) => {
      const loaded = await journal.load(streamOf(id));
      if (!loaded) return { version: 0, record: undefined };
      return { version: loaded.version, record: tokenRecord.parse(loaded.snapshot) };
    },
    save: async (record, version, event) => {
      const result = await append(record, version, [event]);
      if (!result.ok) throw new GantryError("conflict", { what: `The token ${record.name}` });
    },
    touch: async (record, version) => void (await append(record, version, [])),
    findByHash: async (hash) => {
      const { items } = await journal.find({ index: TOKEN_HASH, prefix: hash, limit: 1 });
      const [found] = items;
      if (!found) return { version: 0, record: undefined };
      return { version: found.version, record: tokenRecord.parse(found.snapshot) };
    },
    all: async (owner) => {
      const tokens: TokenRecord[] = [];
      let cursor: string | undefined;
      const prefix = owner === undefined ? {} : { prefix: `${owner}/` };
      do {
        const page = await journal.find({ index: TOKEN_NAME, ...prefix, limit: PAGE, ...(cursor ? { cursor } : {}) });
        tokens.push(...page.items.map((item) => tokenRecord.parse(item.snapshot)));
        cursor = page.cursor;
      } while (cursor);
      return tokens;
    },
  };
}

function streamOf(id: string): string {
  return `token/${id.split("/").map(streamPart).join("/")}`;
}

/** Whether a token is neither revoked nor expired. */
export function isTokenAlive(record: TokenRecord | undefined, now: number): record is TokenRecord {
  return record !== undefined && isAlive({ ...record, endedAt: record.revokedAt }, now);
}

/**
 * Whether the secret with this hash is valid for the token: it is the newest one or, for a while after a rotation, the
 * previous one.
 */
export function opensToken({ hash, previous }: TokenRecord, given: string, now: number): boolean {
  return hash === given || (previous?.hash === given && previous.until > now);
}

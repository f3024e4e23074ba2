// Browser sign-in: one-time codes and sessions. A session ends with what it was made from: the token, the account, and the
// session in which its sign-in link was created.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { IndexPage, Journal, StreamAppend } from "@gantry/journal/journal.ts";
import type { People } from "../people/people.ts";
import type { AccessChanges } from "./changes.ts";
import type { Caller, Role } from "./decide-access.ts";
import {
  endKey,
  type GrantRecord,
  grantRecord,
  hashOf,
  isAlive,
  newSecret,
  SESSION_OWNER,
  SESSION_SSO,
  type SIGN_INS,
} from "./records.ts";
import type { Tokens } from "./tokens.ts";

/** The owner of a sign-in link or a session. */
export type Principal = {
  readonly name: string;
  readonly role: Role;
  /** The token that gives its rights, and with which it ends. */
  readonly token?: string | undefined;
  /** Hash of the secret of the token. */
  readonly tokenHash?: string | undefined;
  /** Hash of the session that it ends with. */
  readonly parent?: string | undefined;
  /** It has the rights of the person of this name. */
  readonly person?: boolean | undefined;
};

/** How and from where a session is opened. */
export type Opening = {
  readonly signIn: (typeof SIGN_INS)[number];
  readonly address?: string;
  readonly userAgent?: string;
  /** For a session at an issuer; called with the new secret. */
  readonly sso?: (secret: string) => NonNullable<GrantRecord["sso"]>;
};

export type NewSession = { readonly secret: string; readonly hash: string; readonly append: StreamAppend };
export type Session = { readonly hash: string; readonly record: GrantRecord };

/** Safe to use concurrently; changes are durable when their promise resolves. */
export type Sessions = {
  /** A code for one sign-in within 15 minutes. Throws `bad-request` for a long chain of sessions from links. */
  readonly createCode: (principal: Principal) => Promise<{ readonly code: string; readonly expiresAt: number }>;
  /** Whom a code signs in; undefined when it is unknown, used or expired. Does not use it. */
  readonly ownerOf: (code: string) => Promise<string | undefined>;
  /** Exchanges a code for the secret of a new session; undefined when the code is unknown, used or expired. Of two concurrent calls one succeeds. */
  readonly redeem: (code: string, opening: Opening) => Promise<string | undefined>;
  /** Opens a session and returns its secret. */
  readonly open: (principal: Principal, opening: Opening) => Promise<string>;
  /** A session that is open when `append` is committed. For a sign-in that changes something else in the same batch. */
  readonly prepare: (principal: Principal, opening: Opening, after?: number) => Promise<NewSession>;
  readonly identify: (secret: string) => Promise<Caller | undefined>;
  /** The caller of the session with this hash, as of now. */
  readonly callerOf: (hash: string) => Promise<Caller | undefined>;
  /** Also ends everything that was made from it. False if it had already ended. */
  readonly end: (hash: string) => Promise<boolean>;
  /** Valid sessions of a person or token, newest first; at most 200. */
  readonly listOf: (name: string) => Promise<readonly Session[]>;
  /** All valid sessions at an issuer: `<issuer> sid <sid>` or `<issuer> sub <sub>`. */
  readonly listOfSso: (key: string) => Promise<readonly Session[]>;
  readonly load: (hash: string) => Promise<GrantRecord | undefined>;
  /** Replaces the sealed tokens. Nothing happens when the session has ended. */
  readonly reseal: (hash: string, sealed: string) => Promise<void>;
};

export type SessionDeps = {
  readonly journal: Journal;
  readonly tokens: Tokens;
  readonly people: Pick<People, "rightsOf">;
  readonly changes: AccessChanges;
  readonly hours: number;
};

type Rights = Pick<Caller, "name" | "role" | "groups" | "issuer" | "scope" | "tokenHash">;
type Valid = { readonly version: number; readonly record: GrantRecord; readonly rights: Rights };

const CODE_MICROS = 15 * 60_000_000;
const HOUR_MICROS = 3_600_000_000;
const MAX_DEPTH = 5;
const MAX_LISTED = 200;

export function makeSessions(deps: SessionDeps): Sessions {
  const { journal, changes, hours } = deps;
  const load = makeLoad(deps);
  const prepare = makePrepare(journal, hours * HOUR_MICROS);

  /** False when it had already ended. */
  const end = async (stream: string, kind: string): Promise<boolean> => {
    const found = await load(stream);
    if (!found) return false;
    const snapshot = plain({ ...found.record, endedAt: await journal.now() });
    const index = endKey(stream, found.record.expiresAt);
    const result = await journal.append([{ stream, expected: found.version, events: [{ kind }], snapshot, index }]);
    return result.ok;
  };
  const commit = async (session: NewSession): Promise<string> => {
    if (!(await journal.append([session.append])).ok) throw new GantryError("conflict", { what: "The session" });
    return session.secret;
  };
  const callerOf = async (session: string): Promise<Caller | undefined> => {
    const found = await load(`session/${session}`);
    if (!found) return undefined;
    const { token } = found.record;
    return { ...found.rights, via: "session", session, ...(token === undefined ? {} : { token }) };
  };
  const valid = async (items: IndexPage["items"]): Promise<readonly Session[]> => {
    const found = await Promise.all(items.map(async ({ stream }) => ({ stream, valid: await load(stream) })));
    return found.flatMap(({ stream, valid }) =>
      valid ? [{ hash: stream.slice("session/".length), record: valid.record }] : [],
    );
  };

  return {
    createCode: async (principal) => {
      const link = await prepare.link(principal, await depthBelow(load, principal.parent));
      return { code: await commit(link), expiresAt: link.expiresAt };
    },
    ownerOf: async (code) => (await load(`link/${hashOf(code)}`))?.record.name,
    redeem: async (code, opening) => {
      const stream = `link/${hashOf(code)}`;
      const found = await load(stream);
      if (!found || !(await end(stream, "SignInLinkUsed"))) return undefined;
      return commit(await prepare.session(found.record, opening, found.record.depth));
    },
    open: async (principal, opening) => commit(await prepare.session(principal, opening)),
    prepare: (principal, opening, after) => prepare.session(principal, opening, undefined, after),
    identify: (secret) => callerOf(hashOf(secret)),
    callerOf,
    end: async (hash) => {
      const found = await load(`session/${hash}`);
      const hasEnded = await end(`session/${hash}`, "SessionEnded");
      if (found) changes.changed(found.record.name);
      return hasEnded;
    },
    listOf: async (name) => {
      const query = { index: SESSION_OWNER, prefix: `${name} `, limit: MAX_LISTED, order: "descending" } as const;
      return valid((await journal.find(query)).items);
    },
    listOfSso: async (key) => valid(await openOfSso(journal, key)),
    load: async (hash) => (await load(`session/${hash}`))?.record,
    reseal: async (hash, sealed) => {
      const stream = `session/${hash}`;
      const found = await load(stream);
      if (!found?.record.sso) return;
      const snapshot = plain({ ...found.record, sso: { ...found.record.sso, sealed } });
      await journal.append([{ stream, expected: found.version, events: [], snapshot }]);
    },
  };
}

/** Sessions with exactly this key that have not expired. Those that have are still in the index, and may be many. */
async function openOfSso(journal: Journal, key: string): Promise<IndexPage["items"]> {
  const open: IndexPage["items"][number][] = [];
  const now = await journal.now();
  for (let cursor: string | undefined; ; ) {
    const page = await journal.find({
      index: SESSION_SSO,
      prefix: key,
      limit: MAX_LISTED,
      ...(cursor ? { cursor } : {}),
    });
    const same = page.items.filter((item) => item.key === key);
    open.push(...same.filter(({ snapshot }) => isAlive(grantRecord.parse(snapshot), now)));
    cursor = page.cursor;
    // Longer keys with this beginning come after it.
    if (cursor === undefined || same.length < page.items.length) return open;
  }
}

type Load = (stream: string, level?: number) => Promise<Valid | undefined>;

/** Loads a grant with its current rights; undefined if it, or something that it was made from, has ended. */
function makeLoad({ journal, tokens, people }: SessionDeps): Load {
  const rightsOf = async (record: GrantRecord): Promise<Rights | undefined> => {
    const { name, role, token, tokenHash, person, openedAt = Number.MAX_SAFE_INTEGER } = record;
    if (token !== undefined) return tokens.callerOf(token, openedAt, tokenHash);
    if (!person) return { name, role, groups: [] };
    const found = await people.rightsOf(name);
    return found && openedAt > (found.record.sessionsEndedAt ?? 0) ? found.rights : undefined;
  };
  const load: Load = async (stream, level = 0) => {
    const loaded = await journal.load(stream);
    if (!loaded || level > MAX_DEPTH + 1) return undefined;
    const record = grantRecord.parse(loaded.snapshot);
    if (!isAlive(record, await journal.now())) return undefined;
    if (record.parent !== undefined && !(await load(`session/${record.parent}`, level + 1))) return undefined;
    const rights = await rightsOf(record);
    return rights && { version: loaded.version, record, rights };
  };
  return load;
}

async function depthBelow(load: Load, parent: string | undefined): Promise<number> {
  if (parent === undefined) return 0;
  const depth = ((await load(`session/${parent}`))?.record.depth ?? 0) + 1;
  if (depth <= MAX_DEPTH) return depth;
  throw new GantryError("bad-request", {
    problem: "this session was opened by a long chain of sign-in links: sign in again to create another link",
  });
}

type Prepare = {
  readonly link: (principal: Principal, depth: number) => Promise<NewSession & { readonly expiresAt: number }>;
  /** `after`: it must count as opened later than this (see `sessionsEndedAt`). */
  readonly session: (principal: Principal, opening: Opening, depth?: number, after?: number) => Promise<NewSession>;
};

function makePrepare(journal: Journal, sessionMicros: number): Prepare {
  const create = (kind: "link" | "session", content: GrantRecord, secret: string): NewSession => {
    const { name, role, openedAt = 0 } = content;
    const hash = hashOf(secret);
    const event = { kind: kind === "link" ? "SignInLinkCreated" : "SessionOpened", name, role };
    const owner = `${name} ${String(openedAt).padStart(17, "0")} ${hash}`;
    const stream = `${kind}/${hash}`;
    const index: { [name: string]: string[] } = {
      ...endKey(stream, content.expiresAt),
      ...(kind === "link" ? {} : { [SESSION_OWNER]: [owner], [SESSION_SSO]: ssoKeys(content) }),
    };
    const append = { stream, expected: 0, events: [event], snapshot: plain(content), index };
    return { secret, hash, append };
  };
  const about = ({ name, role, token, tokenHash, parent, person }: Principal): Principal => ({
    name,
    role,
    token,
    tokenHash,
    parent,
    person,
  });
  return {
    link: async (principal, depth) => {
      const openedAt = await journal.now();
      const expiresAt = openedAt + CODE_MICROS;
      return { ...create("link", { ...about(principal), depth, openedAt, expiresAt }, newSecret()), expiresAt };
    },
    session: async (principal, { sso, ...how }, depth, after = 0) => {
      const secret = newSecret();
      const openedAt = Math.max(await journal.now(), after + 1);
      const content = { ...about(principal), ...how, depth, openedAt, expiresAt: openedAt + sessionMicros };
      return create("session", sso ? { ...content, sso: sso(secret) } : content, secret);
    },
  };
}

function ssoKeys({ sso }: GrantRecord): string[] {
  if (!sso) return [];
  const { issuer, subject, sid } = sso;
  return [`${issuer} sub ${subject}`, ...(sid === undefined ? [] : [`${issuer} sid ${sid}`])];
}

/** Without undefined fields, which JSON does not have. */
function plain(record: GrantRecord): JsonObject {
  return JSON.parse(JSON.stringify(record)) as JsonObject;
}

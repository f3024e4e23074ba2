// Browser sign-in: one-time codes and sessions. A session that was opened with a token ends with the token.

import { GantryError } from "@gantry/core/errors.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { Caller, Role } from "./decide-access.ts";
import { type GrantRecord, grantRecord, hashOf, isAlive, newSecret } from "./records.ts";
import type { Tokens } from "./tokens.ts";

/** Who a sign-in link or a session is for. */
export type Principal = { readonly name: string; readonly role: Role; readonly token?: string | undefined };

/** Safe to use concurrently; changes are durable when their promise resolves. */
export type Sessions = {
  /** A code for one sign-in within 15 minutes. */
  readonly createCode: (principal: Principal) => Promise<{ readonly code: string; readonly expiresAt: number }>;
  /** Exchanges a code for the secret of a new session; undefined when the code is unknown, used or expired. Of two concurrent calls one succeeds. */
  readonly redeem: (code: string) => Promise<string | undefined>;
  /** Opens a session and returns its secret. */
  readonly open: (principal: Principal) => Promise<string>;
  readonly identify: (secret: string) => Promise<Caller | undefined>;
  /** Whether the session with this hash is still valid. */
  readonly isValid: (hash: string) => Promise<boolean>;
  readonly end: (hash: string) => Promise<void>;
};

const CODE_MICROS = 15 * 60_000_000;
const HOUR_MICROS = 3_600_000_000;

export function makeSessions(journal: Journal, tokens: Tokens, hours: number): Sessions {
  const load = async (stream: string): Promise<{ version: number; record: GrantRecord } | undefined> => {
    const loaded = await journal.load(stream);
    if (!loaded) return undefined;
    const record = grantRecord.parse(loaded.snapshot);
    const isValid = isAlive(record, await journal.now()) && (!record.token || (await tokens.isInUse(record.token)));
    return isValid ? { version: loaded.version, record } : undefined;
  };

  const create = async (kind: "link" | "session", principal: Principal, micros: number): Promise<[string, number]> => {
    const secret = newSecret();
    const { name, role, token } = principal;
    const expiresAt = (await journal.now()) + micros;
    const result = await journal.append([
      {
        stream: `${kind}/${hashOf(secret)}`,
        expected: 0,
        events: [{ kind: kind === "link" ? "SignInLinkCreated" : "SessionOpened", name, role }],
        snapshot: { name, role, expiresAt, ...(token === undefined ? {} : { token }) },
      },
    ]);
    if (!result.ok) throw new GantryError("conflict", { what: "The session" });
    return [secret, expiresAt];
  };

  /** False when it had already ended. */
  const end = async (stream: string, kind: string): Promise<boolean> => {
    const found = await load(stream);
    if (!found) return false;
    const snapshot = { ...found.record, endedAt: await journal.now() };
    const result = await journal.append([{ stream, expected: found.version, events: [{ kind }], snapshot }]);
    return result.ok;
  };

  const open = async (principal: Principal): Promise<string> =>
    (await create("session", principal, hours * HOUR_MICROS))[0];

  return {
    createCode: async (principal) => {
      const [code, expiresAt] = await create("link", principal, CODE_MICROS);
      return { code, expiresAt };
    },
    redeem: async (code) => {
      const stream = `link/${hashOf(code)}`;
      const found = await load(stream);
      if (!found || !(await end(stream, "SignInLinkUsed"))) return undefined;
      return open(found.record);
    },
    open,
    identify: async (secret) => {
      const session = hashOf(secret);
      const found = await load(`session/${session}`);
      if (!found) return undefined;
      const { name, role, token } = found.record;
      return { name, role, groups: [], via: "session", session, ...(token === undefined ? {} : { token }) };
    },
    isValid: async (hash) => (await load(`session/${hash}`)) !== undefined,
    end: async (hash) => void (await end(`session/${hash}`, "SessionEnded")),
  };
}

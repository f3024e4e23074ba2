// Asks the issuers regularly whether their sessions are still valid, and for the groups of their people. The tokens for this
// are kept in memory; in the journal they are sealed with the secret of the session. After a restart, a session is therefore
// checked when it is next used, before its request is answered.

import { GantryError } from "@gantry/core/errors.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { Cancel, Clock } from "@gantry/runtime/clock.ts";
import { every } from "@gantry/runtime/periodic.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { z } from "zod";
import type { GrantRecord } from "../access/records.ts";
import type { Sessions } from "../access/sessions.ts";
import type { PersonStore } from "../people/person-store.ts";
import { refreshGrant, type SsoTokens } from "./flow.ts";
import type { Issuers } from "./issuers.ts";
import { seal, sessionKey, unseal } from "./seal.ts";
import { confirmed } from "./sso-sign-in.ts";

export type Refresher = {
  /** Called for every request of a session at an issuer. Resolves at once, except for the first one after a restart. */
  readonly used: (hash: string, secret: string) => Promise<void>;
  /** A session that was just opened. */
  readonly opened: (hash: string, secret: string, tokens: SsoTokens) => void;
  readonly start: () => void;
  readonly close: () => void;
};

type Kept = {
  readonly key: Buffer;
  tokens: SsoTokens;
  dueMs: number;
  running: Promise<void> | undefined;
};

const LOOK_MS = 10_000;
const PARALLEL = 4;

const sealedTokens = z.object({ idToken: z.string().optional(), refreshToken: z.string().optional() });

export type RefresherDeps = {
  readonly issuers: Issuers;
  readonly sessions: Sessions;
  readonly store: PersonStore;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly minutes: number;
};

export function makeRefresher(deps: RefresherDeps): Refresher {
  const { sessions, clock, minutes } = deps;
  const kept = new Map<string, Kept>();
  let cancel: Cancel = () => {};

  const refresh = (hash: string, one: Kept): Promise<void> => {
    one.running ??= refreshSession(deps, hash, one)
      .then((goesOn) => {
        if (!goesOn) kept.delete(hash);
      })
      .finally(() => {
        one.dueMs = clock.monotonicMs() + minutes * 60_000;
        one.running = undefined;
      });
    return one.running;
  };
  const run = async (): Promise<void> => {
    const due = [...kept].filter(([, { dueMs, running }]) => !running && dueMs <= clock.monotonicMs());
    const work = async (): Promise<void> => {
      for (let next = due.shift(); next; next = due.shift()) await refresh(...next);
    };
    await Promise.all(Array.from({ length: PARALLEL }, work));
  };
  const opened = (hash: string, secret: string, tokens: SsoTokens): void => {
    kept.set(hash, {
      key: sessionKey(secret),
      tokens,
      dueMs: clock.monotonicMs() + minutes * 60_000,
      running: undefined,
    });
  };
  return {
    opened,
    used: async (hash, secret) => {
      if (kept.has(hash)) return;
      const tokens = tokensIn(await sessions.load(hash), secret);
      if (!tokens || kept.has(hash)) return;
      opened(hash, secret, tokens);
      const one = kept.get(hash);
      if (one) await refresh(hash, one);
    },
    start: () => {
      cancel = every(clock, LOOK_MS, () => {
        run().catch((error: unknown) => deps.logger.error({ err: error }, "sessions could not be refreshed"));
      });
    },
    close: () => cancel(),
  };
}

/** The tokens of a session; undefined when it is not one at an issuer. */
export function tokensIn(record: GrantRecord | undefined, secret: string): SsoTokens | undefined {
  const text = record?.sso?.sealed === undefined ? undefined : unseal(sessionKey(secret), record.sso.sealed);
  return text === undefined ? undefined : sealedTokens.parse(JSON.parse(text));
}

/** False when the session has ended, now or before. */
async function refreshSession(deps: RefresherDeps, hash: string, one: Kept): Promise<boolean> {
  const { issuers, sessions, store, journal, logger } = deps;
  const record = await sessions.load(hash);
  if (!record?.sso) return false;
  const { sso, name } = record;
  const issuer = issuers.get(sso.issuer);
  const end = async (why: string): Promise<false> => {
    logger.info({ issuer: sso.issuer, person: name, why }, "a session ended at its issuer");
    await sessions.end(hash);
    return false;
  };
  if (!issuer) return end("the issuer is no longer configured");
  // Without a refresh token the issuer cannot be asked: the session lasts for the usual lifetime.
  if (one.tokens.refreshToken === undefined) return true;
  try {
    const { claims, tokens } = await refreshGrant(issuer, one.tokens.refreshToken, deps.clock.nowMs());
    one.tokens = { ...one.tokens, ...tokens, idToken: tokens.idToken ?? one.tokens.idToken };
    await sessions.reseal(hash, seal(one.key, JSON.stringify(one.tokens)));
    const person = await store.load(name);
    const change = person.record && confirmed(person.record, claims, sso.subject, await journal.now());
    if (!change) return await end("it answered with another person");
    // Someone else has changed the person at the same time: the next refresh saves the groups.
    await store.save(change, person.version);
    return true;
  } catch (error) {
    if (error instanceof GantryError && error.code === "sign-in-refused") {
      return end(String(error.details.problem));
    }
    logger.warn({ issuer: sso.issuer, person: name, err: error }, "a session could not be refreshed");
    return true;
  }
}

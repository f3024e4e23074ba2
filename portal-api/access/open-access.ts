// Assembles the stores of tokens, sessions and people.

import type { Journal } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { PortalConfig } from "../config.ts";
import { makePasswordSignIn, type PasswordSignIn } from "../people/password-sign-in.ts";
import type { Passwords } from "../people/passwords.ts";
import { makePeople, type People } from "../people/people.ts";
import { openPersonStore, type PersonStore } from "../people/person-store.ts";
import { makeThrottle } from "../people/throttle.ts";
import { type AccessChanges, makeAccessChanges } from "./changes.ts";
import { makeSessions, type Sessions } from "./sessions.ts";
import { makeTokens, type Tokens } from "./tokens.ts";

export type Access = {
  readonly tokens: Tokens;
  readonly sessions: Sessions;
  readonly people: People;
  readonly personStore: PersonStore;
  readonly passwordSignIn: PasswordSignIn;
  readonly changes: AccessChanges;
};

export function openAccess(
  config: PortalConfig,
  { journal, clock, passwords }: { readonly journal: Journal; readonly clock: Clock; readonly passwords: Passwords },
): Access {
  const changes = makeAccessChanges();
  const personStore = openPersonStore(journal, changes);
  // People and tokens share one set of names, so each store checks the other.
  const made: { tokens?: Tokens } = {};
  const people = makePeople({
    journal,
    store: personStore,
    passwords,
    settings: config.signIn,
    isTokenName: async (name) => (await made.tokens?.isInUse(name)) === true,
  });
  const tokens = makeTokens({
    journal,
    clock,
    people,
    changes,
    isPersonName: async (name) => {
      const { record } = await personStore.load(name);
      return record !== undefined && record.removedAt === undefined;
    },
    confirmDays: config.signIn.confirmDays,
  });
  made.tokens = tokens;
  const throttle = makeThrottle(clock);
  return {
    changes,
    people,
    personStore,
    tokens,
    sessions: makeSessions({ journal, tokens, people, changes, hours: config.sessionHours }),
    passwordSignIn: makePasswordSignIn({ journal, store: personStore, passwords, throttle }),
  };
}

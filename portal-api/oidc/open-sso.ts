// Sign-in with issuers: the interface for the routes.

import type { Journal } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { Access } from "../access/open-access.ts";
import type { Sessions } from "../access/sessions.ts";
import type { SignInSettings } from "../sign-in-config.ts";
import { type Issuer, type Issuers, openIssuers } from "./issuers.ts";
import { type Logout, makeLogoutTokens } from "./logout-token.ts";
import { makeRefresher, type Refresher } from "./refresher.ts";
import { makeTransactions, type Transactions } from "./transaction.ts";

export type Sso = {
  readonly issuers: Issuers;
  readonly transactions: Transactions;
  readonly refresher: Refresher;
  /** Verifies a logout token and ends what it names. Resolves with the names of the people. Throws `bad-request` or `unavailable`. */
  readonly logout: (issuer: Issuer, token: string) => Promise<readonly string[]>;
};

export function openSso(
  settings: SignInSettings,
  access: Access,
  deps: { readonly journal: Journal; readonly clock: Clock; readonly logger: Logger },
): Sso {
  const { sessions, personStore: store } = access;
  const issuers = openIssuers(settings.issuers, deps);
  const verify = makeLogoutTokens(deps.clock);
  return {
    issuers,
    transactions: makeTransactions(deps.clock),
    refresher: makeRefresher({ ...deps, issuers, sessions, store, minutes: settings.refreshMinutes }),
    logout: async (issuer, token) => endSessions(sessions, issuer.settings.id, await verify(issuer, token)),
  };
}

async function endSessions(sessions: Sessions, issuer: string, { sid, sub }: Logout): Promise<readonly string[]> {
  const key = sid === undefined ? `${issuer} sub ${sub}` : `${issuer} sid ${sid}`;
  const names = new Set<string>();
  // A page at a time: ended sessions are no longer in the list.
  for (let found = await sessions.listOfSso(key); found.length > 0; found = await sessions.listOfSso(key)) {
    const meant = found.filter(({ record }) => sub === undefined || record.sso?.subject === sub);
    const ended = await Promise.all(meant.map(({ hash }) => sessions.end(hash)));
    for (const { record } of meant) names.add(record.name);
    if (!ended.includes(true)) break;
  }
  return [...names];
}

/** The sessions; they notify the refresher when a session at an issuer is used. */
export function refreshing(sessions: Sessions, refresher: Refresher): Sessions {
  return {
    ...sessions,
    identify: async (secret) => {
      const caller = await sessions.identify(secret);
      if (caller?.issuer === undefined || caller.session === undefined) return caller;
      await refresher.used(caller.session, secret);
      // The issuer may have just ended it, or changed the groups.
      return sessions.identify(secret);
    },
  };
}

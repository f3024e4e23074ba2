// Everything that a route may use. It is created once, at startup.

import type { Journal } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { AgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { NotifyClient } from "@gantry/wire/notify/notify-client.ts";
import type { AccessChanges } from "./access/changes.ts";
import type { Caller } from "./access/decide-access.ts";
import type { Facts } from "./access/facts.ts";
import type { RightsOf } from "./access/rights.ts";
import type { Cursors } from "./access/sealed-cursor.ts";
import type { Sessions } from "./access/sessions.ts";
import type { Tokens } from "./access/tokens.ts";
import type { Audit } from "./audit/audit.ts";
import type { PortalConfig } from "./config.ts";
import type { Hub } from "./live/hub.ts";
import type { TaskViews } from "./live/task-views.ts";
import type { Metrics } from "./metrics.ts";
import type { Sso } from "./oidc/open-sso.ts";
import type { PasswordSignIn } from "./people/password-sign-in.ts";
import type { People } from "./people/people.ts";
import type { PersonStore } from "./people/person-store.ts";

/** Each takes the name of the caller and throws `limit-reached`. The returned function ends what was opened. */
export type Limits = {
  readonly countRequest: (who: string) => void;
  readonly openRequest: (who: string) => () => void;
  readonly openStream: (who: string) => () => void;
};

export type Portal = {
  readonly config: PortalConfig;
  /** The address that people use, without a trailing slash. */
  readonly publicUrl: () => string;
  readonly agent: AgentClient;
  readonly notify: NotifyClient | undefined;
  readonly journal: Journal;
  readonly tokens: Tokens;
  readonly sessions: Sessions;
  readonly audit: Audit;
  readonly rights: RightsOf;
  readonly facts: Facts;
  readonly cursors: Cursors;
  readonly people: People;
  readonly personStore: PersonStore;
  readonly passwordSignIn: PasswordSignIn;
  readonly changes: AccessChanges;
  readonly sso: Sso;
  readonly hub: Hub;
  readonly taskViews: TaskViews;
  readonly metrics: Metrics;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborted when the portal closes: streams end. */
  readonly closing: AbortSignal;
};

/**
 * Whether the session or token of a caller is still valid and gives the same rights. For streams, which last longer than the
 * check at their start: one that ends because of other rights is opened again by its client.
 */
export async function isStillAuthorised(portal: Portal, caller: Caller): Promise<boolean> {
  const now = await presentRights(portal, caller);
  return now !== undefined && rightsText(now) === rightsText(caller);
}

type CallerRights = Pick<Caller, "name" | "role" | "groups" | "issuer" | "scope">;

async function presentRights({ sessions, tokens, people }: Portal, caller: Caller): Promise<CallerRights | undefined> {
  const session = caller.session === undefined ? undefined : await sessions.load(caller.session);
  if (caller.session !== undefined && !session) return undefined;
  if (caller.token !== undefined) return tokens.callerOf(caller.token, Number.MAX_SAFE_INTEGER);
  if (session?.person) return (await people.rightsOf(caller.name))?.rights;
  return session && caller;
}

function rightsText({ name, role, groups, issuer, scope }: CallerRights): string {
  return JSON.stringify([name, role, groups, issuer, scope]);
}

// Everything that a route may use. It is created once, at startup.

import type { Journal } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Turns } from "@gantry/runtime/http/turns.ts";
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
import type { FleetHub } from "./live/fleet-hub.ts";
import type { Hub } from "./live/hub.ts";
import type { TaskViews } from "./live/task-views.ts";
import type { Metrics } from "./metrics.ts";
import type { Sso } from "./oidc/open-sso.ts";
import type { PasswordSignIn } from "./people/password-sign-in.ts";
import type { People } from "./people/people.ts";
import type { PersonStore } from "./people/person-store.ts";
import type { WebhookSources } from "./webhooks/sources.ts";
import type { Webhooks } from "./webhooks/webhooks.ts";

/** Each takes the name of the caller and throws `limit-reached`. The returned function releases what was counted. */
export type Limits = {
  readonly countRequest: (who: string) => void;
  /** A change that everybody may make who is signed in, of what is their own: each is kept in the audit log. */
  readonly countOwnChange: (who: string) => void;
  readonly openRequest: (who: string) => () => void;
  /** A request without a caller, by the address of its client. */
  readonly countStranger: (address: string) => void;
  readonly openStream: (who: string) => () => void;
  /** Of logs. */
  readonly openSearch: (who: string) => () => void;
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
  /** Why the newest policy is not in force, as a sentence for operators. */
  readonly policyProblem: () => string | undefined;
  readonly facts: Facts;
  readonly cursors: Cursors;
  readonly people: People;
  readonly personStore: PersonStore;
  readonly passwordSignIn: PasswordSignIn;
  readonly changes: AccessChanges;
  readonly sso: Sso;
  readonly hub: Hub;
  readonly fleetHub: FleetHub;
  readonly taskViews: TaskViews;
  readonly metrics: Metrics;
  readonly limits: Limits;
  /** Reads of a caller wait here for each other, so that those of others are answered in between. */
  readonly turns: Turns;
  readonly webhooks: Webhooks;
  readonly webhookSources: WebhookSources;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborted when the portal closes: streams end. */
  readonly closing: AbortSignal;
};

/**
 * The caller as of now, for streams, which last longer than the check at their start; undefined when the session, the token or
 * the secret of the token is no longer valid.
 */
export async function callerNow(portal: Portal, { session, token, tokenHash }: Caller): Promise<Caller | undefined> {
  if (session !== undefined) return portal.sessions.callerOf(session);
  return token === undefined ? undefined : portal.tokens.callerOf(token, Number.MAX_SAFE_INTEGER, tokenHash);
}

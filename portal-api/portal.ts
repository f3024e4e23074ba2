// Everything a route may use, made once at start and handed in.

import type { Journal } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { AgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { NotifyClient } from "@gantry/wire/notify/notify-client.ts";
import type { Caller } from "./access/decide-access.ts";
import type { Sessions } from "./access/sessions.ts";
import type { Tokens } from "./access/tokens.ts";
import type { PortalConfig } from "./config.ts";
import type { Hub } from "./live/hub.ts";
import type { TaskViews } from "./live/task-views.ts";
import type { Metrics } from "./metrics.ts";

export type Portal = {
  readonly config: PortalConfig;
  /** The address people use, without a slash at the end. */
  readonly publicUrl: () => string;
  readonly agent: AgentClient;
  readonly notify: NotifyClient | undefined;
  readonly journal: Journal;
  readonly tokens: Tokens;
  readonly sessions: Sessions;
  readonly hub: Hub;
  readonly taskViews: TaskViews;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborted when the portal closes: streams end. */
  readonly closing: AbortSignal;
};

/** Is what this identity hangs on still in force? For streams that outlive the request that opened them. */
export async function stillHolds(portal: Portal, caller: Caller): Promise<boolean> {
  if (caller.session !== undefined) return portal.sessions.holds(caller.session);
  return caller.token !== undefined && portal.tokens.isInUse(caller.token);
}

// Refused requests, for the audit log. The first one of a caller, route and code is recorded at once; further ones of the same
// minute are counted and recorded together, so that a flood cannot fill the disk.

import type { Clock } from "@gantry/runtime/clock.ts";
import type { AuditFacts } from "@gantry/wire/audit/entry.ts";

export type Refusals = {
  /** Counts a refusal. `facts` are those of the first one in a minute. */
  readonly add: (caller: string, facts: AuditFacts) => void;
  /** Records what was counted in minutes that are over, or everything when `all`. */
  readonly flush: (all?: boolean) => void;
};

type Counted = { readonly facts: AuditFacts; readonly sinceMs: number; more: number };

const MINUTE_MS = 60_000;
/** Different callers, routes and codes that are counted separately in a minute. What exceeds them is counted by code alone. */
const MAX_KEYS = 200;

export function openRefusals(clock: Pick<Clock, "nowMs">, record: (facts: AuditFacts) => void): Refusals {
  const counted = new Map<string, Counted>();

  const flush = (all = false): void => {
    const nowMs = clock.nowMs();
    for (const [key, { facts, sinceMs, more }] of counted) {
      if (!all && nowMs - sinceMs < MINUTE_MS) continue;
      counted.delete(key);
      if (more > 0) record({ ...facts, count: more, since: new Date(sinceMs).toISOString() });
    }
  };

  return {
    flush,
    add: (caller, facts) => {
      const { route = "", status = 0, code = "" } = facts;
      const own = `${caller}\n${route}\n${status}\n${code}`;
      const isOwn = counted.has(own) || counted.size < MAX_KEYS;
      const key = isOwn ? own : `\n${status}\n${code}`;
      const before = counted.get(key);
      if (before) {
        before.more += 1;
        return;
      }
      const told: AuditFacts = isOwn ? facts : { kind: "refused", status, code };
      counted.set(key, { facts: told, sinceMs: clock.nowMs(), more: 0 });
      record(told);
    },
  };
}

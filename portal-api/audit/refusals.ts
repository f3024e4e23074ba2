// Refused requests, for the audit log. The first one of a caller, route, code and account is recorded at once; further ones of the same
// minute are counted and recorded together, so that a flood cannot fill the disk.

import type { Clock } from "@gantry/runtime/clock.ts";
import type { AuditFacts } from "@gantry/wire/audit/entry.ts";

export type Refusals = {
  /** Counts a refusal. The `facts` of the first one in a minute are recorded. */
  readonly add: (caller: string, facts: AuditFacts) => void;
  /** Records what was counted in minutes that are over, or everything when `all`. */
  readonly flush: (all?: boolean) => void;
};

type Counted = { readonly facts: AuditFacts; readonly sinceMs: number; readonly owner: string; more: number };

const MINUTE_MS = 60_000;
/** Routes and codes of one caller that are counted separately in a minute; further ones by code. */
const MAX_OF_CALLER = 50;
/** The same limit for all callers who are not signed in together, because they can use any number of addresses. */
const MAX_OF_STRANGERS = 200;

export function openRefusals(clock: Pick<Clock, "nowMs">, record: (facts: AuditFacts) => void): Refusals {
  const counted = new Map<string, Counted>();
  /** Entries of a caller; those of callers who are not signed in are counted under the empty name. */
  const sizes = new Map<string, number>();

  const flush = (all = false): void => {
    const nowMs = clock.nowMs();
    for (const [key, { facts, sinceMs, more, owner }] of counted) {
      if (!all && nowMs - sinceMs < MINUTE_MS) continue;
      counted.delete(key);
      const size = (sizes.get(owner) ?? 1) - 1;
      if (size > 0) sizes.set(owner, size);
      else sizes.delete(owner);
      if (more > 0) record({ ...facts, count: more, since: new Date(sinceMs).toISOString() });
    }
  };

  return {
    flush,
    add: (caller, facts) => {
      const { route = "", status = 0, code = "", who, from, on = {} } = facts;
      const owner = who === undefined ? "" : caller;
      // Failed sign-ins are recorded per account.
      const tried = who === undefined ? (on.person ?? "") : "";
      const own = JSON.stringify([owner, caller, route, status, code, tried]);
      const limit = who === undefined ? MAX_OF_STRANGERS : MAX_OF_CALLER;
      const isOwn = counted.has(own) || (sizes.get(owner) ?? 0) < limit;
      const key = isOwn ? own : JSON.stringify([owner, status, code]);
      const before = counted.get(key);
      if (before) {
        before.more += 1;
        return;
      }
      const rest: AuditFacts = { kind: "refused", ...(who ? { who, ...(from ? { from } : {}) } : {}), status, code };
      const shown = isOwn ? facts : rest;
      counted.set(key, { facts: shown, sinceMs: clock.nowMs(), more: 0, owner });
      sizes.set(owner, (sizes.get(owner) ?? 0) + 1);
      record(shown);
    },
  };
}

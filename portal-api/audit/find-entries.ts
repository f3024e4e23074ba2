// Searches the audit log, newest first. One request reads a bounded number of entries: when it has found fewer than a page,
// its cursor continues from there.

import { nextTurn } from "@gantry/runtime/http/turns.ts";
import type { AuditEntry } from "@gantry/wire/audit/entry.ts";
import type { AuditChain, Head } from "./chain.ts";

export const RESULTS = ["done", "refused", "failed", "unknown"] as const;
export type Result = (typeof RESULTS)[number];

export type AuditQuery = {
  readonly who?: string | undefined;
  readonly verb?: string | undefined;
  readonly app?: string | undefined;
  readonly task?: string | undefined;
  readonly result?: Result | undefined;
  /** RFC 3339. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly limit: number;
  /** Number of an entry: only entries before it. */
  readonly before?: number | undefined;
};

export type Found = {
  readonly items: readonly (AuditEntry & { readonly result: Result })[];
  /** Absent when everything has been searched. */
  readonly before?: number;
};

const PAGE = 100;
/** About 30 ms of work. */
const MAX_READ = 5_000;

export async function findEntries(chain: AuditChain, query: AuditQuery): Promise<Found> {
  const head = await chain.head();
  const items: (AuditEntry & { result: Result })[] = [];
  let before = Math.min(query.before ?? head.seq + 1, head.seq + 1);
  if (query.until !== undefined) before = Math.min(before, await firstAfter(chain, head, Date.parse(query.until)));
  for (let read = 0; read < MAX_READ; ) {
    const page = before <= head.first ? [] : await chain.before(before, PAGE);
    if (page.length === 0) return { items };
    for (const entry of page) {
      if (query.since !== undefined && Date.parse(entry.at) < Date.parse(query.since)) return { items };
      before = entry.seq;
      if (isShown(entry, head) && matches(entry, query)) items.push({ ...entry, result: resultOf(entry) });
      if (items.length === query.limit) return before > head.first ? { items, before } : { items };
    }
    read += page.length;
    // A store that answers at once would not let other requests in.
    await nextTurn();
  }
  return { items, before };
}

/** An intent is shown only while it has no outcome, because the outcome contains everything that the intent has. */
function isShown({ kind, seq }: AuditEntry, { open }: Head): boolean {
  return kind !== "intent" || open.some(([intent]) => intent === seq);
}

export function resultOf({ kind, status = 0 }: AuditEntry): Result {
  if (kind === "intent") return "unknown";
  if (kind === "agent" || kind === "trimmed" || kind === "policy") return "done";
  if (status === 0) return "unknown";
  if (status < 400) return "done";
  return status < 500 ? "refused" : "failed";
}

function matches(entry: AuditEntry, { who, verb, app, task, result }: AuditQuery): boolean {
  return (
    (who === undefined || entry.who?.name === who) &&
    (verb === undefined || entry.route === verb || entry.verb === verb) &&
    (app === undefined || entry.on?.app === app) &&
    (task === undefined || entry.on?.task === task) &&
    (result === undefined || resultOf(entry) === result)
  );
}

/** Number of the first entry after a time, by binary search: times in the chain never go back. */
async function firstAfter(chain: AuditChain, { first, seq }: Head, untilMs: number): Promise<number> {
  let low = first;
  let high = seq + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [entry] = await chain.after(middle - 1, 1);
    if (entry && Date.parse(entry.at) <= untilMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

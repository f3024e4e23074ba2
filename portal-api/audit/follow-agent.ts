// Compares the feed of the task-agent with the audit log, and records the changes that the log does not explain.

import type { Journal } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
import type { AgentClient } from "@gantry/wire/agent/agent-client.ts";
import type { FeedEvent } from "@gantry/wire/agent/views.ts";
import type { AuditEntry } from "@gantry/wire/audit/entry.ts";
import type { AuditChain } from "./chain.ts";
import { decideAgentChanges } from "./decide-agent-changes.ts";

/** `seq`: every event of the feed up to this one has been compared. */
const position = defineStream<{ readonly seq: number }, never>({ prefix: "audit-feed" });

/** The longest time that a request can take: only older events are compared. */
const SETTLED_MS = 2 * 60_000;
/** The longest time between an intent and its change in the task-agent. */
const EARLIER_MS = 10 * 60_000;
const PAGE = 500;

/**
 * Compares all events that are old enough. Rejects when the agent or the journal fails; the next call continues from there.
 */
export async function followAgent(
  { agent, journal, chain }: { agent: Pick<AgentClient, "feed">; journal: Journal; chain: AuditChain },
  nowMs: number,
): Promise<void> {
  const newest = await agent.feed({ limit: 1 });
  const known = (await position.load(journal))?.state.seq;
  const save = async (seq: number): Promise<void> => {
    await journal.append([position.append("", { expected: 0, state: { seq } })]);
  };
  // A new portal begins at the current event. A number below the known one means that the task-agent has a new data folder.
  if (known === undefined || newest.last < known) return save(newest.last);
  for (let after = known; after < newest.last; ) {
    const page = await agent.feed({ after, limit: PAGE });
    const settled = page.events.filter(({ time }) => Date.parse(time) <= nowMs - SETTLED_MS);
    const first = settled[0];
    if (first) {
      const recent = await entriesSince(chain, Date.parse(first.time) - EARLIER_MS);
      for (const facts of decideAgentChanges(settled, recent)) await chain.append(facts);
    }
    const seq = settled.length === page.events.length ? page.last : lastOf(settled, after);
    if (seq > after) await save(seq);
    if (settled.length < page.events.length || page.last <= after) return;
    after = page.last;
  }
}

function lastOf(events: readonly FeedEvent[], otherwise: number): number {
  return events.at(-1)?.seq ?? otherwise;
}

async function entriesSince(chain: AuditChain, sinceMs: number): Promise<readonly AuditEntry[]> {
  const { seq, first } = await chain.head();
  const found: AuditEntry[] = [];
  for (let before = seq + 1; before > first; ) {
    const page = await chain.before(before, PAGE);
    const recent = page.filter(({ at }) => Date.parse(at) >= sinceMs);
    found.push(...recent);
    const last = page.at(-1);
    if (!last || recent.length < page.length) break;
    before = last.seq;
  }
  return found;
}

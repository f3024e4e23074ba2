// The audit chain in the portal's journal. Entry n is in the stream `audit/<(n-1) / SEGMENT>`, so that it can be found by
// its number and old entries can be removed as whole streams. `audit-head` has the end of the chain.  Several portals may
// append: the segment of an entry is compared-and-set. A portal that loses loads the end again and chains its entries again.
// Entries that arrive while an append runs share the next append.

import { GantryError } from "@gantry/core/errors.ts";
import type { AppendResult, Journal, StreamAppend } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
import { type AuditEntry, type AuditFacts, CHAIN_START, type ChainEnd, chained } from "@gantry/wire/audit/entry.ts";

export const SEGMENT = 1_000;
const MAX_BATCH = 250;

export type Head = ChainEnd & {
  /** Time of the last entry, in ms: times in the chain never go back. */
  readonly atMs: number;
  /** Number of the first entry that has not been removed. */
  readonly first: number;
  /** Intents without an outcome, with their times in ms. */
  readonly open: readonly (readonly [seq: number, atMs: number])[];
};

const START: Head = { ...CHAIN_START, atMs: 0, first: 1, open: [] };

/** Has no events: conflicts are detected at the segments. */
export const auditHead = defineStream<Head, never>({ prefix: "audit-head" });
/** The snapshot of a segment is empty. */
export const auditSegment = defineStream<null, AuditEntry>({ prefix: "audit/" });

export type AuditChain = {
  /**
   * Resolves with the number of the entry when it is durable; an intent only survives a crash of the process until its outcome
   * is written. Rejects with `unavailable` when that is not certain.
   */
  readonly append: (facts: AuditFacts) => Promise<number>;
  readonly head: () => Promise<Head>;
  /** Entries after a number, oldest first; fewer than `limit` at the end of a segment. Empty only at the end of the chain. */
  readonly after: (seq: number, limit: number) => Promise<readonly AuditEntry[]>;
  /** At most `limit` entries before a number, newest first, of one segment. */
  readonly before: (seq: number, limit: number) => Promise<readonly AuditEntry[]>;
  /** Removes the oldest segment when all its entries are older than `beforeMs`, and records that. False: there is none. */
  readonly trim: (beforeMs: number) => Promise<boolean>;
  /** Resolves when everything that was given is written or has failed. */
  readonly drain: () => Promise<void>;
};

type Pending = {
  readonly facts: AuditFacts;
  readonly resolve: (seq: number) => void;
  readonly reject: (error: unknown) => void;
};

const segmentOf = (seq: number): number => Math.floor((seq - 1) / SEGMENT);

export function openAuditChain(journal: Journal): AuditChain {
  const pending: Pending[] = [];
  let known: Head | undefined;
  let running: Promise<void> | undefined;

  const head = async (): Promise<Head> => (await auditHead.load(journal))?.state ?? START;

  /** Never rejects: a failure rejects the entries. */
  const writeAll = async (): Promise<void> => {
    while (pending.length > 0) {
      let group: readonly Pending[] = [];
      try {
        known ??= await head();
        group = pending.splice(0, roomAfter(known.seq));
        const { entries, next } = chain(group, known, (await journal.now({ recent: true })) / 1_000);
        const survives = entries.every(({ kind }) => kind === "intent") ? "crash" : "power-cut";
        const batch = batchOf(entries, known, next);
        const result = await appendSafely(() => journal.append(batch, { survives }), next, head);

        if (result.ok) {
          known = next;
          for (const [at, one] of group.entries()) one.resolve(entries[at]?.seq ?? 0);
        } else {
          // Another portal was faster: chain these entries after its entries.
          known = undefined;
          pending.unshift(...group);
        }
      } catch (cause) {
        known = undefined;
        const problem = "The audit log cannot be written.";
        const error = new GantryError("unavailable", { what: "The portal's journal", problem }, { cause });
        for (const one of group.length > 0 ? group : pending.splice(0)) one.reject(error);
      }
    }
    // Set immediately after the last check of `pending`, so that an entry that arrives now starts a new run.
    running = undefined;
  };

  const append = (facts: AuditFacts): Promise<number> =>
    new Promise((resolve, reject) => {
      pending.push({ facts, resolve, reject });
      running ??= writeAll();
    });

  const read = async (segment: number, skip: number, limit: number): Promise<readonly AuditEntry[]> =>
    (await journal.events(auditSegment.name(String(segment)), skip, limit)).map(auditSegment.eventOf);

  return {
    append,
    head,
    after: async (seq, limit) => {
      const from = Math.max(seq, (await head()).first - 1);
      const segment = segmentOf(from + 1);
      return read(segment, from - segment * SEGMENT, limit);
    },
    before: async (seq, limit) => {
      const segment = segmentOf(seq - 1);
      const end = seq - 1 - segment * SEGMENT;
      const skip = Math.max(0, end - limit);
      return seq <= 1 ? [] : (await read(segment, skip, end - skip)).toReversed();
    },
    trim: (beforeMs) => trim({ journal, head, append, read }, beforeMs),
    drain: async () => {
      while (running) await running;
    },
  };
}

/** A batch stays within one segment. */
function roomAfter(seq: number): number {
  return Math.min(MAX_BATCH, SEGMENT - (seq % SEGMENT));
}

function chain(
  group: readonly Pending[],
  from: Head,
  nowMs: number,
): { readonly entries: readonly AuditEntry[]; readonly next: Head } {
  const atMs = Math.max(Math.floor(nowMs), from.atMs);
  const entries: AuditEntry[] = [];
  let next: Head = { ...from, atMs };
  for (const { facts } of group) {
    const entry = chained(facts, next, atMs);
    const { seq, hash, through = 0 } = entry;
    entries.push(entry);
    next = { ...next, seq, hash, first: Math.max(next.first, through + 1), open: openAfter(next.open, entry, atMs) };
  }
  return { entries, next };
}

function openAfter(open: Head["open"], { kind, seq, of }: AuditEntry, atMs: number): Head["open"] {
  if (kind === "intent") return [...open, [seq, atMs]];
  return kind === "done" && of !== undefined ? open.filter(([intent]) => intent !== of) : open;
}

function batchOf(entries: readonly AuditEntry[], from: Head, next: Head): readonly StreamAppend[] {
  const segment = segmentOf(from.seq + 1);
  const expected = from.seq - segment * SEGMENT;
  return [
    auditSegment.append(String(segment), { expected, events: entries, state: null }),
    auditHead.append("", { expected: 0, state: next }),
  ];
}

/** A failed store may still have committed: only the end of the chain shows it. */
async function appendSafely(
  append: () => Promise<AppendResult>,
  next: Head,
  head: () => Promise<Head>,
): Promise<AppendResult> {
  try {
    return await append();
  } catch (error) {
    if ((await head()).hash === next.hash) return { ok: true, seq: 0 };
    throw error;
  }
}

type Trimming = Pick<AuditChain, "head" | "append"> & {
  readonly journal: Journal;
  readonly read: (segment: number, skip: number, limit: number) => Promise<readonly AuditEntry[]>;
};

async function trim({ journal, head, append, read }: Trimming, beforeMs: number): Promise<boolean> {
  const { first, seq } = await head();
  const segment = segmentOf(first);
  // Left by a process that ended between its entry and the removal.
  if (segment > 0) await removeSegment(journal, segment - 1);
  const through = (segment + 1) * SEGMENT;
  // The newest segment stays: it is still written to.
  if (through >= seq) return false;
  const [last] = await read(segment, SEGMENT - 1, 1);
  if (!last || Date.parse(last.at) >= beforeMs) return false;
  // The entry is written first, because the chain must always explain where it begins.
  await append({ kind: "trimmed", through, throughHash: last.hash });
  await removeSegment(journal, segment);
  return true;
}

async function removeSegment(journal: Journal, segment: number): Promise<void> {
  await journal.remove([{ stream: auditSegment.name(String(segment)), expected: SEGMENT }]);
}

// What goes into the local file, with its next flush, when something was committed.

import type { PreparedAppend } from "../validation.ts";
import type { Reader } from "./reader.ts";
import type { RecoveryFile, RecoveryStream } from "./recovery-file.ts";
import type { Committed } from "./writer.ts";

export type RecordCommitDeps = {
  readonly ledger: RecoveryFile;
  readonly reader: Pick<Reader, "events">;
  readonly keep: (stream: string, indexes: readonly string[]) => boolean;
  /** What others wrote cannot be fetched, or not be written down. The commit stands all the same. */
  readonly onError: (error: unknown) => void;
};

/** Events of others that are fetched for a stream that is kept for good, at most. */
const MAX_FETCHED = 10_000;

export function recordCommit(deps: RecordCommitDeps, { op, parts: all, seq, micros }: Committed): void {
  const { ledger } = deps;
  // Without events, and of a stream that is not kept: nothing that anybody would miss.
  const parts = all.filter((part) => part.events.length > 0 || isKept(deps, part));
  const gaps = parts.flatMap((part) => {
    const known = ledger.get(part.stream)?.version ?? 0;
    return known < part.expected ? [{ stream: part.stream, after: known, count: part.expected - known }] : [];
  });
  const streams = parts.map((part) => toStream(deps, part, op, micros));
  ledger.record(streams, seq, micros);
  for (const gap of gaps) if (ledger.get(gap.stream)?.keep) fetch(deps, gap).catch(deps.onError);
}

async function fetch(deps: RecordCommitDeps, gap: { stream: string; after: number; count: number }): Promise<void> {
  const events = await deps.reader.events(gap.stream, gap.after, Math.min(gap.count, MAX_FETCHED));
  deps.ledger.addEvents(
    gap.stream,
    events.map(({ version, atMicros, event }) => ({ version, micros: atMicros, text: JSON.stringify(event) })),
  );
}

function entriesOf({ ledger }: RecordCommitDeps, part: PreparedAppend): readonly string[] | undefined {
  return part.entries?.flatMap(({ index, key }) => [index, key]) ?? ledger.get(part.stream)?.entries;
}

function isKept(deps: RecordCommitDeps, part: PreparedAppend): boolean {
  const indexes = (entriesOf(deps, part) ?? []).filter((_, at) => at % 2 === 0);
  return deps.keep(part.stream, indexes);
}

function toStream(deps: RecordCommitDeps, part: PreparedAppend, op: string, micros: number): RecoveryStream {
  return {
    stream: part.stream,
    version: part.expected + part.events.length,
    op,
    snapshot: part.snapshot,
    entries: entriesOf(deps, part),
    events: part.events.map((text, at) => ({ version: part.expected + at + 1, micros, text })),
    keep: isKept(deps, part),
  };
}

// What a commit adds to the recovery file, with its next flush.

import type { PreparedAppend } from "../validation.ts";
import type { Reader } from "./reader.ts";
import type { RecoveryFile, RecoveryStream } from "./recovery-file.ts";
import type { Committed } from "./writer.ts";

export type RecordCommitDeps = {
  readonly file: RecoveryFile;
  readonly reader: Pick<Reader, "events">;
  readonly keep: (stream: string, indexes: readonly string[]) => boolean;
  /** Events of other processes could not be fetched or written. The commit stands anyway. */
  readonly onError: (error: unknown) => void;
};

/** The most events of other processes that are fetched for a stream that is never removed. */
const MAX_FETCHED = 10_000;

export function recordCommit(deps: RecordCommitDeps, { op, parts: all, seq, micros }: Committed): void {
  const { file } = deps;
  // An append without events to a stream that is not kept need not be restored.
  const parts = all.filter((part) => part.events.length > 0 || isKept(deps, part));
  const gaps = parts.flatMap((part) => {
    const known = file.get(part.stream)?.version ?? 0;
    return known < part.expected ? [{ stream: part.stream, after: known, count: part.expected - known }] : [];
  });
  const streams = parts.map((part) => toStream(deps, part, op, micros));
  file.record(streams, seq, micros);
  for (const gap of gaps) if (file.get(gap.stream)?.keep) fetchEvents(deps, gap).catch(deps.onError);
}

async function fetchEvents(
  deps: RecordCommitDeps,
  gap: { stream: string; after: number; count: number },
): Promise<void> {
  const events = await deps.reader.events(gap.stream, gap.after, Math.min(gap.count, MAX_FETCHED));
  deps.file.addEvents(
    gap.stream,
    events.map(({ version, atMicros, event }) => ({ version, micros: atMicros, text: JSON.stringify(event) })),
  );
}

function entriesOf({ file }: RecordCommitDeps, part: PreparedAppend): readonly string[] | undefined {
  return part.entries?.flatMap(({ index, key }) => [index, key]) ?? file.get(part.stream)?.entries;
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

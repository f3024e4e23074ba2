// Reads the log of a step from the task-agent piece by piece: as bytes, as lines, or as a stream that follows it.

import type { Clock } from "@gantry/runtime/clock.ts";
import { pause } from "@gantry/runtime/clock.ts";
import type { AgentClient, LogPiece, LogPlace } from "@gantry/wire/agent/agent-client.ts";
import { frame, type Source } from "../live/stream.ts";
import { type Line, lineFilter, readLines } from "./lines.ts";

const PIECE = 524_288;
const EMPTY_PAUSE_MS = 250;
const LINE_BREAK = 0x0a;

export type LogReading = {
  readonly agent: AgentClient;
  readonly place: LogPlace;
  readonly signal: AbortSignal;
};

/** The bytes from the piece `first` up to offset `end`, which must not be beyond the end of the log. */
export async function* logBytes(reading: LogReading, first: LogPiece, end: number): AsyncGenerator<Buffer> {
  let piece = first;
  let at = first.from;
  while (at < end && piece.bytes.length > 0) {
    yield piece.bytes.subarray(0, end - at);
    at += piece.bytes.length;
    if (at < end) piece = await read(reading, at, Math.min(PIECE, end - at));
  }
}

export type LineQuery = {
  /** Number of the first line, from 1. */
  readonly from: number;
  /** The most lines to return. */
  readonly limit: number;
  readonly grep: string | undefined;
};

/** The lines that the log has at present. `first`: its first piece, from offset 0. */
export async function* logLines(reading: LogReading, first: LogPiece, query: LineQuery): AsyncGenerator<Line> {
  const lines = readLines();
  const wanted = lineFilter(query.grep);
  let left = query.limit;
  let piece = first;
  for (;;) {
    const at = piece.from + piece.bytes.length;
    const isEnd = at >= first.size || piece.bytes.length === 0;
    // The last line may still be being written: what there is of it is returned.
    for (const line of [...lines.push(piece.bytes), ...(isEnd ? lines.finish() : [])]) {
      if (line.n < query.from || !wanted(line)) continue;
      if (left === 0) return;
      left -= 1;
      yield line;
    }
    if (isEnd || left === 0) return;
    piece = await read(reading, at, PIECE);
  }
}

/** Where a stream of lines continues. Its event ids are `<offset>-<line>`. */
export type LogPosition = { readonly offset: number; readonly line: number };

export function readPosition(id: string): LogPosition | undefined {
  const found = /^(\d{1,15})-(\d{1,15})$/.exec(id);
  return found ? { offset: Number(found[1]), line: Number(found[2]) } : undefined;
}

/** Follows the log to its end: a frame per line, then `event: end`. */
export function logSource(
  reading: LogReading,
  start: LogPosition,
  query: { readonly from: number; readonly grep: string | undefined; readonly waitMs: number; readonly clock: Clock },
): Source {
  const lines = readLines(start.offset, start.line);
  const wanted = lineFilter(query.grep);
  let at = start.offset;
  let isFirst = true;
  let hasEnded = false;
  let isEmpty = false;

  const toFrames = (found: readonly Line[]): string[] =>
    found
      .filter((line) => line.n >= query.from && wanted(line))
      .map(({ n, text, end }) => frame({ id: `${end}-${n + 1}`, data: { n, text } }));

  return {
    next: async (signal) => {
      if (hasEnded) return undefined;
      const piece = await reading.agent.log(reading.place, at, PIECE, { signal, waitMs: isFirst ? 0 : query.waitMs });
      isFirst = false;
      isEmpty = piece.bytes.length === 0;
      at += piece.bytes.length;
      const frames = toFrames(lines.push(piece.bytes));
      if (!piece.final || at < piece.size) return frames;
      hasEnded = true;
      const { offset, line } = lines.position();
      return [
        ...frames,
        ...toFrames(lines.finish()),
        frame({ event: "end", data: { size: piece.size, offset, line } }),
      ];
    },
    // The task-agent holds the next request until there are bytes. The pause is for one that does not.
    wait: (_, signal) => (isEmpty ? pause(query.clock, EMPTY_PAUSE_MS, signal) : Promise.resolve()),
    position: () => {
      const { offset, line } = lines.position();
      return `${offset}-${line}`;
    },
  };
}

/**
 * The number of the line that contains the byte at `offset`: counts the line breaks before it, so it reads that much of the
 * log from the task-agent.
 */
export async function lineNumberAt(reading: LogReading, offset: number): Promise<number> {
  let line = 1;
  for (let at = 0; at < offset; ) {
    const { bytes } = await read(reading, at, Math.min(PIECE, offset - at));
    if (bytes.length === 0) break;
    for (let end = bytes.indexOf(LINE_BREAK); end >= 0; end = bytes.indexOf(LINE_BREAK, end + 1)) line += 1;
    at += bytes.length;
  }
  return line;
}

/** One piece, at most `limit` bytes from offset `from`. */
export function read({ agent, place, signal }: LogReading, from: number, limit: number): Promise<LogPiece> {
  return agent.log(place, from, limit, { signal });
}

// Splits bytes that arrive in pieces into lines. A piece may end within a line or a character.

export type Line = {
  /** Number of the line, from 1. */
  readonly n: number;
  readonly text: string;
  /** Offset of the first byte after the line and its line break. */
  readonly end: number;
};

export type LineReader = {
  /** Adds bytes and returns the wanted lines that are complete now. */
  readonly push: (bytes: Uint8Array) => readonly Line[];
  /** The last line, if it has no line break. For a log that is final. */
  readonly finish: () => readonly Line[];
  /** The end of the last returned line: reading can be resumed here. */
  readonly position: () => { readonly offset: number; readonly line: number };
};

/** A longer line is split into pieces of this many bytes, so that a line without end cannot fill the memory. */
const MAX_LINE = 65_536;
const LINE_BREAK = 0x0a;

/** `from`: number of the first line. `grep`: plain text, ignoring case; a pattern of a caller could block the process. */
export type Wanted = { readonly from: number; readonly grep?: string | undefined };

/**
 * `offset`: where the bytes begin, which must be the start of the line with the number `line`. Lines that are not wanted are
 * only counted: a log can have a million of them in each megabyte.
 */
export function readLines(offset = 0, line = 1, { from, grep }: Wanted = { from: 1 }): LineReader {
  const part = grep?.toLowerCase();
  let rest: Buffer = Buffer.alloc(0);
  let at = offset;
  let n = line;

  const has = (text: string): boolean => part === undefined || text.toLowerCase().includes(part);
  /** The line of these bytes, if it is wanted. `length`: with its line break. */
  const take = (bytes: Buffer, length: number): readonly Line[] => {
    at += length;
    n += 1;
    if (n - 1 < from) return [];
    const text = bytes.toString("utf8").replace(/\r$/, "");
    return has(text) ? [{ n: n - 1, text, end: at }] : [];
  };

  return {
    push: (bytes) => {
      const data = Buffer.concat([rest, bytes]);
      const mayMatch = part === undefined || has(data.toString("utf8"));
      const lines: Line[] = [];
      let start = 0;
      for (let end = 0; end < data.length; end += 1) {
        const isBreak = data[end] === LINE_BREAK;
        if (!isBreak && end - start < MAX_LINE) continue;
        const next = isBreak ? end + 1 : end;
        if (n < from || !mayMatch) {
          at += next - start;
          n += 1;
        } else lines.push(...take(data.subarray(start, end), next - start));
        start = next;
      }
      rest = Buffer.from(data.subarray(start));
      return lines;
    },
    finish: () => {
      const last = rest;
      rest = Buffer.alloc(0);
      return last.length > 0 ? take(last, last.length) : [];
    },
    position: () => ({ offset: at, line: n }),
  };
}

/** How many lines end in these bytes. */
export function countBreaks(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) if (byte === LINE_BREAK) count += 1;
  return count;
}

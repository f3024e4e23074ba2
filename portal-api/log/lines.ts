// Splits bytes that arrive in pieces into lines. A piece may end within a line or a character.

export type Line = {
  /** Number of the line, from 1. */
  readonly n: number;
  readonly text: string;
  /** Offset of the first byte after the line and its line break. */
  readonly end: number;
};

export type LineReader = {
  /** Adds bytes and returns the lines that are complete now. */
  readonly push: (bytes: Uint8Array) => readonly Line[];
  /** The last line, if it has no line break. For a log that is final. */
  readonly finish: () => readonly Line[];
  /** The end of the last returned line: reading can be resumed here. */
  readonly position: () => { readonly offset: number; readonly line: number };
};

/** A longer line is split into pieces of this many bytes, so that a line without end cannot fill the memory. */
const MAX_LINE = 65_536;
const LINE_BREAK = 0x0a;

/** `offset`: where the bytes begin, which must be the start of the line with the number `line`. */
export function readLines(offset = 0, line = 1): LineReader {
  let rest: Buffer = Buffer.alloc(0);
  let at = offset;
  let n = line;

  const take = (bytes: Buffer, length: number): Line => {
    at += length;
    const text = bytes.toString("utf8").replace(/\r$/, "");
    n += 1;
    return { n: n - 1, text, end: at };
  };

  return {
    push: (bytes) => {
      const lines: Line[] = [];
      let data = Buffer.concat([rest, bytes]);
      for (;;) {
        const end = data.indexOf(LINE_BREAK);
        const isTooLong = end < 0 ? data.length > MAX_LINE : end > MAX_LINE;
        if (end < 0 && !isTooLong) break;
        const length = isTooLong ? MAX_LINE : end;
        lines.push(take(data.subarray(0, length), isTooLong ? length : length + 1));
        data = data.subarray(isTooLong ? length : length + 1);
      }
      rest = Buffer.from(data);
      return lines;
    },
    finish: () => {
      const last = rest;
      rest = Buffer.alloc(0);
      return last.length > 0 ? [take(last, last.length)] : [];
    },
    position: () => ({ offset: at, line: n }),
  };
}

/** Plain text, ignoring case. Not a pattern: a malicious pattern could block the process. */
export function lineFilter(grep: string | undefined): (line: Line) => boolean {
  if (grep === undefined) return () => true;
  const wanted = grep.toLowerCase();
  return (line) => line.text.toLowerCase().includes(wanted);
}

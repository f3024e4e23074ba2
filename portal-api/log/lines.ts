// Lines out of bytes that come in pieces: a character or a line may be cut anywhere.

export type Line = {
  /** Number of the line, from 1. */
  readonly n: number;
  readonly text: string;
  /** Offset of the first byte after the line and its line break. */
  readonly end: number;
};

export type LineReader = {
  /** Lines that are complete now. */
  readonly push: (bytes: Uint8Array) => readonly Line[];
  /** What is left when the log is final: its last line, if it has no line break. */
  readonly finish: () => readonly Line[];
  /** Where the last line that was given ended: reading may begin again here. */
  readonly place: () => { readonly offset: number; readonly line: number };
};

/** A line that never ends is given out in pieces of this size, so that nobody can fill our memory with it. */
const MAX_LINE = 65_536;
const LINE_BREAK = 0x0a;

/** `offset` is where the bytes begin, which must be the begin of line `line`. */
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
    place: () => ({ offset: at, line: n }),
  };
}

/** Plain text, not a pattern: a pattern of a stranger could keep us busy for ever. Letter case does not matter. */
export function lineFilter(grep: string | undefined): (line: Line) => boolean {
  if (grep === undefined) return () => true;
  const wanted = grep.toLowerCase();
  return (line) => line.text.toLowerCase().includes(wanted);
}

// Reads a stream without the escape sequences of terminals, because a secret may contain colours (grep --color). Text inside
// a sequence is not seen, so this is used in addition to readers that see everything.

import type { Reader, Span } from "./reader.ts";

export const ESCAPE = 0x1b;
const BELL = 0x07;
const BRACKET = 0x5b;
/** Introducers of strings that end with BEL or `ESC \`: OSC, DCS, SOS, PM, APC. */
const STRINGS: readonly number[] = [0x5d, 0x50, 0x58, 0x5e, 0x5f];
/** Anything longer does not count as a sequence. */
const MAX_LENGTH = 2_048;

const TEXT = 0;
const BEGUN = 1;
const CONTROL = 2;
const STRING = 3;
const STRING_END = 4;

/** The readers, whose results have offsets in the original stream. */
export function withoutEscapes(readers: readonly Reader[]): Reader {
  let state = TEXT;
  let length = 0;
  /** Bytes of text before this piece. */
  let readTo = 0;
  /** Runs of text without sequences: where each begins in the text, and its offset in the stream relative to that. */
  let runs: { readonly at: number; readonly shift: number }[] = [];

  const offsetOf = (place: number): number => place + ((runs.findLast(({ at }) => at <= place) ?? runs[0])?.shift ?? 0);
  /** The text of a piece. */
  const strip = (bytes: Uint8Array, from: number): Uint8Array => {
    const text = new Uint8Array(bytes.length);
    let size = 0;
    for (let index = 0; index < bytes.length; ) {
      if (state === TEXT) {
        const found = bytes.indexOf(ESCAPE, index);
        const end = found < 0 ? bytes.length : found;
        if (end > index) {
          runs.push({ at: readTo + size, shift: from + index - readTo - size });
          text.set(bytes.subarray(index, end), size);
          size += end - index;
        }
        index = end;
        if (found < 0) break;
        length = 0;
      }
      length += 1;
      state = length > MAX_LENGTH ? TEXT : after(state, bytes[index] ?? 0);
      index += 1;
    }
    return text.subarray(0, size);
  };
  const pendingPlace = (): number | undefined => {
    const pending = readers.map((reader) => reader.pendingFrom()).filter((one) => one !== undefined);
    return pending.length === 0 ? undefined : Math.min(...pending);
  };
  return {
    read: (bytes, from, spans) => {
      const text = strip(bytes, from);
      const found: Span[] = [];
      for (const reader of readers) reader.read(text, readTo, found);
      for (const [start, end] of found) spans.push([offsetOf(start), offsetOf(end - 1) + 1]);
      readTo += text.length;
      const needed = pendingPlace() ?? readTo;
      const first = runs.findLastIndex(({ at }) => at <= needed);
      if (first > 0) runs = runs.slice(first);
    },
    pendingFrom: () => {
      const place = pendingPlace();
      return place === undefined ? undefined : offsetOf(place);
    },
  };
}

/** ECMA-48: CSI ends with a byte from @ to ~; a sequence of another kind has one byte, after those from space to slash. */
function after(state: number, byte: number): number {
  if (state === TEXT) return BEGUN;
  if (state === BEGUN) {
    if (byte === BRACKET) return CONTROL;
    if (STRINGS.includes(byte)) return STRING;
    return byte >= 0x20 && byte <= 0x2f ? BEGUN : TEXT;
  }
  if (state === CONTROL) return byte >= 0x40 && byte <= 0x7e ? TEXT : CONTROL;
  if (state === STRING_END) return TEXT;
  if (byte === ESCAPE) return STRING_END;
  return byte === BELL ? TEXT : STRING;
}

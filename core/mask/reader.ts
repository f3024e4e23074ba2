// Finds secrets in a stream of bytes. A reader looks at the bytes in one way: as they are, without white space, or at the
// hexadecimal digits only. It keeps its place between pieces, so cutting a stream changes nothing.

import type { Automaton } from "./automaton.ts";
import { MIN_BEFORE_LINE_END } from "./variants.ts";

/** Offsets from the beginning of the stream. */
export type Span = readonly [start: number, end: number];

export type Reader = {
  /** Reads the next bytes of the stream, which begin at `from`, and adds the spans of the secrets that end in them. */
  readonly read: (bytes: Uint8Array, from: number, spans: Span[]) => void;
  /** Bytes from this offset on may begin a secret; undefined when none do. */
  readonly pendingFrom: () => number | undefined;
};

/** How a reader looks at each byte. */
export type View = {
  /** By byte: the byte that counts, or `SKIP`. */
  readonly byteOf: Int16Array;
  /** A line end inside a secret is skipped only when so many bytes of it were read before: else no line would be whole. */
  readonly minBeforeLineEnd: number;
  /** Masks what follows a secret in a line of a hex dump: it repeats the bytes as text. */
  readonly masksDumpLines: boolean;
};

const SKIP = -1;
const SKIP_LINE_END = -2;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/** Every byte counts. */
export const EXACT: View = { byteOf: viewOf("", false), minBeforeLineEnd: 0, masksDumpLines: false };

/** White space does not count: for text that was folded into lines, or indented. */
export const FOLDED: View = {
  byteOf: viewOf("\t\n\r ", false),
  minBeforeLineEnd: MIN_BEFORE_LINE_END,
  masksDumpLines: false,
};

/** Only hexadecimal digits count; what usually stands between them is skipped: `74 6f`, `74:6f`, `\x74\x6f`, `&#x74;`. */
export const HEX: View = {
  byteOf: viewOf("\t\n\r :;,-\\xuU%&#", true),
  minBeforeLineEnd: MIN_BEFORE_LINE_END,
  masksDumpLines: true,
};

function viewOf(skipped: string, lowerCase: boolean): Int16Array {
  return Int16Array.from({ length: 256 }, (_, byte) => {
    const character = String.fromCharCode(byte);
    if (skipped.includes(character)) return SKIP;
    return lowerCase && /[A-F]/.test(character) ? character.toLowerCase().charCodeAt(0) : byte;
  });
}

export function openReader({ classOf, classes, next, depth, found }: Automaton, view: View): Reader {
  const kinds = kindsOf(classOf, view);
  let state = 0;
  /** Offsets of the newest bytes that count, in a ring: as many as the longest pattern has. */
  const size = depth.reduce((most, one) => Math.max(most, one), 0) + 1;
  const offsets = new Float64Array(size);
  let newest = 0;
  const offsetOf = (back: number): number => offsets[(newest - back + 1 + size) % size] ?? 0;
  const dump = openDumpLines(view.masksDumpLines);
  return {
    read: (bytes, from, spans) => {
      for (let index = 0; index < bytes.length; index += 1) {
        const byte = bytes[index] ?? 0;
        const kind = kinds[byte] ?? 0;
        if (view.masksDumpLines && dump.isMasked(byte)) spans.push([from + index - 1, from + index + 1]);
        if (kind < 0) {
          if (kind === SKIP_LINE_END && (depth[state] ?? 0) < view.minBeforeLineEnd) state = 0;
          continue;
        }
        state = next[state * classes + kind] ?? 0;
        // Most bytes begin no secret.
        if (state === 0) continue;
        newest = newest + 1 === size ? 0 : newest + 1;
        offsets[newest] = from + index;
        const length = found[state] ?? 0;
        if (length === 0) continue;
        spans.push([offsetOf(length), from + index + 1]);
        dump.maskRest();
      }
    },
    pendingFrom: () => {
      const length = depth[state] ?? 0;
      return length === 0 ? undefined : offsetOf(length);
    },
  };
}

/** By byte: its class in the automaton, or why it does not count. */
function kindsOf(classOf: Uint8Array, { byteOf }: View): Int16Array {
  return byteOf.map((seen, byte) => {
    if (seen !== SKIP) return classOf[seen] ?? 0;
    return byte === LINE_FEED || byte === CARRIAGE_RETURN ? SKIP_LINE_END : SKIP;
  });
}

type DumpLines = {
  /** Reads a byte. True when it belongs to the rest of a dump line that is masked. */
  readonly isMasked: (byte: number) => boolean;
  /** A secret was found in this line: if it is one of a dump, its rest is masked. */
  readonly maskRest: () => void;
};

/** How a line of xxd, hexdump and od begins: `00000010: `. */
const DUMP_LINE = /^[0-9a-f]{6,16}[: ]/i;
const HEAD_BYTES = 17;

function openDumpLines(enabled: boolean): DumpLines {
  const head = new Uint8Array(HEAD_BYTES);
  let length = 0;
  let masking = false;
  /** The line before was masked. The last line of a dump may hold too little of a secret to be found by itself. */
  let continues = false;
  const isDump = (): boolean => DUMP_LINE.test(String.fromCharCode(...head.subarray(0, length)));
  return {
    isMasked: (byte) => {
      if (byte === LINE_FEED) {
        continues = masking;
        length = 0;
        masking = false;
        return false;
      }
      if (masking) return byte !== CARRIAGE_RETURN;
      if (length === HEAD_BYTES) return false;
      head[length++] = byte;
      masking = continues && isDump();
      return false;
    },
    maskRest: () => {
      masking ||= enabled && isDump();
    },
  };
}

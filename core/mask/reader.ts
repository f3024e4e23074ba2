// Finds secrets in a stream of bytes. Each reader has one view of the bytes: unchanged, without white space, or only the
// hexadecimal digits. It keeps its state between pieces, so the split of a stream does not matter.

import { type Automaton, buildAutomaton } from "./automaton.ts";
import { buildPrefilter, GRAM, type Prefilter } from "./prefilter.ts";
import { MIN_BEFORE_LINE_END } from "./variants.ts";

/** Offsets from the beginning of the stream. */
export type Span = readonly [start: number, end: number];

export type Reader = {
  /** Reads the next bytes of the stream, which begin at `from`, and adds the spans of the secrets that end in them. */
  readonly read: (bytes: Uint8Array, from: number, spans: Span[]) => void;
  /** Bytes from this offset on may begin a secret; undefined when none do. */
  readonly pendingFrom: () => number | undefined;
};

/** A reader's view of the bytes. */
export type View = {
  /** By byte: the byte that counts, or `SKIP`. */
  readonly byteOf: Int16Array;
  /** Also masks the rest of the line after a secret in a hex dump, because it repeats the bytes as text. */
  readonly masksDumpLines: boolean;
};

const SKIP = -1;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/** Every byte counts. */
export const EXACT: View = { byteOf: viewOf("", false), masksDumpLines: false };

/** Skips white space: for text that was folded into lines, or indented. */
export const FOLDED: View = {
  byteOf: viewOf("\t\n\r ", false),
  masksDumpLines: false,
};

/** Only hexadecimal digits count. Usual separators are skipped: `74 6f`, `74:6f`, `\x74\x6f`, `&#x74;`. */
export const HEX: View = {
  byteOf: viewOf("\t\n\r :;,-\\xuU%&#", true),
  masksDumpLines: true,
};

function viewOf(skipped: string, lowerCase: boolean): Int16Array {
  return Int16Array.from({ length: 256 }, (_, byte) => {
    const character = String.fromCharCode(byte);
    if (skipped.includes(character)) return SKIP;
    return lowerCase && /[A-F]/.test(character) ? character.toLowerCase().charCodeAt(0) : byte;
  });
}

/** State that the readers of one kind share. */
export type Table = {
  readonly view: View;
  readonly automaton: Automaton;
  readonly prefilter: Prefilter;
  /** By head number minus 1: the rests of the long patterns that begin with this head. */
  readonly rests: readonly (readonly Uint8Array[])[];
};

/**
 * Only the first bytes of a longer pattern are in the automaton. The rest is compared after these are found: a state of the
 * automaton needs 25 bytes, and a key of 16 KiB has forms of more than a million bytes.
 */
const HEAD_LENGTH = 64;

export function buildTable(patterns: readonly Uint8Array[], view: View): Table {
  const whole = patterns.filter(({ length }) => length <= HEAD_LENGTH);
  const groups = new Map<string, { readonly head: Uint8Array; readonly rests: Uint8Array[] }>();
  for (const pattern of patterns) {
    if (pattern.length <= HEAD_LENGTH) continue;
    const head = pattern.subarray(0, HEAD_LENGTH);
    const key = String.fromCharCode(...head);
    const group = groups.get(key) ?? { head, rests: [] };
    group.rests.push(pattern.subarray(HEAD_LENGTH));
    groups.set(key, group);
  }
  const heads = Array.from(groups.values(), ({ head }) => head);
  return {
    view,
    automaton: buildAutomaton(whole, heads),
    prefilter: buildPrefilter([...whole, ...heads], view.byteOf),
    rests: Array.from(groups.values(), ({ rests }) => rests),
  };
}

/** A long pattern whose head was found at `start`, with `read` matching bytes of its rest. */
type Begun = { readonly start: number; readonly rest: Uint8Array; read: number };

// long: every byte of a log goes through it, and its functions share the same few counters.
export function openReader({ view, automaton, prefilter, rests }: Table): Reader {
  const { next, depth, found, head, longest } = automaton;
  let state = 0;
  /** Offsets and lines of the newest bytes that count, in rings: as many as the longest pattern has. */
  const size = longest + 1;
  const offsets = new Float64Array(size);
  const lines = new Float64Array(size);
  let newest = 0;
  /** The number of line ends that were skipped. */
  let line = 0;
  const dump = openDumpLines();
  const long = openLongPatterns(rests);

  const placeOf = (length: number): number => (newest - length + 1 + size) % size;
  const offsetOf = (length: number): number => offsets[placeOf(length)] ?? 0;
  const depthOf = (one: number): number => depth[one] ?? 0;

  /**
   * The start of the newest `length` bytes, which are a prefix of a secret. If a line ends after the first one to three of
   * them, these bytes are not masked: otherwise the end of many ordinary lines would be held back.
   */
  const startOf = (length: number): number => {
    for (let back = length - MIN_BEFORE_LINE_END + 1; back < length; back += 1) {
      if (back > 0 && lines[placeOf(back)] !== lines[placeOf(back + 1)]) return offsetOf(back);
    }
    return offsetOf(length);
  };

  /** Reads one byte. Returns the start of the longest pattern that ends with it; undefined if none does. */
  const step = (byte: number, offset: number): number | undefined => {
    const seen = view.byteOf[byte] ?? 0;
    if (seen < 0) {
      if (byte === LINE_FEED || byte === CARRIAGE_RETURN) line += 1;
      return undefined;
    }
    const ended = long.readOn(seen);
    state = next(state, seen);
    if (state === 0) return ended;
    newest = newest + 1 === size ? 0 : newest + 1;
    offsets[newest] = offset;
    lines[newest] = line;
    const group = head[state] ?? 0;
    if (group > 0) long.begin(group - 1, startOf(HEAD_LENGTH));
    const length = found[state] ?? 0;
    return ended ?? (length > 0 ? startOf(length) : undefined);
  };

  return {
    read: (bytes, from, spans) => {
      let index = 0;
      /** The automaton must read up to this index, because the filter would report the same position again. */
      let resumeAt = 0;
      while (index < bytes.length) {
        const length = depthOf(state);
        const start = length === 0 ? index : offsetOf(length) - from;
        // A prefix this short can be read again if it begins in these bytes.
        if (index >= resumeAt && length < GRAM && start >= 0 && !long.isActive() && !dump.isActive()) {
          const end = prefilter.find(bytes, start);
          index = prefilter.startOf(bytes, start, end);
          state = 0;
          resumeAt = end + 1;
          if (index === bytes.length) break;
        }
        if (dump.isActive() && dump.isMasked(bytes, index)) spans.push([from + index - 1, from + index + 1]);
        const secret = step(bytes[index] ?? 0, from + index);
        if (secret !== undefined) {
          spans.push([secret, from + index + 1]);
          if (view.masksDumpLines) dump.maskRest(bytes, index);
        }
        index += 1;
      }
      if (view.masksDumpLines) dump.endPiece(bytes);
    },
    pendingFrom: () => {
      // Long patterns in progress started earlier than possible new ones.
      const begun = long.firstStart();
      if (begun !== undefined) return begun;
      const length = depthOf(state);
      if (length === 0 || (length < MIN_BEFORE_LINE_END && line !== lines[newest])) return undefined;
      return startOf(length);
    },
  };
}

type LongPatterns = {
  readonly isActive: () => boolean;
  /** The start of the earliest pattern that is not complete yet. */
  readonly firstStart: () => number | undefined;
  /** Must be called when the head of a group of patterns was found. */
  readonly begin: (group: number, start: number) => void;
  /** Reads a byte in all patterns in progress. Returns the start of the longest one that ends with this byte. */
  readonly readOn: (seen: number) => number | undefined;
};

/** The long patterns whose heads were found. */
function openLongPatterns(rests: Table["rests"]): LongPatterns {
  /** In the order of their starts. */
  let begun: Begun[] = [];
  return {
    isActive: () => begun.length > 0,
    firstStart: () => begun[0]?.start,
    begin: (group, start) => {
      for (const rest of rests[group] ?? []) begun.push({ start, rest, read: 0 });
    },
    readOn: (seen) => {
      if (begun.length === 0) return undefined;
      let start: number | undefined;
      begun = begun.filter((one) => {
        if (one.rest[one.read] !== seen) return false;
        one.read += 1;
        if (one.read < one.rest.length) return true;
        start ??= one.start;
        return false;
      });
      return start;
    },
  };
}

type DumpLines = {
  /** Every byte must be passed to `isMasked`. */
  readonly isActive: () => boolean;
  /** Reads a byte. True if it is in the masked rest of a dump line. */
  readonly isMasked: (bytes: Uint8Array, index: number) => boolean;
  /**
   * Must be called when a secret that ends at this index was found. If its line belongs to a dump, the rest of the line is
   * masked.
   */
  readonly maskRest: (bytes: Uint8Array, index: number) => void;
  /** Must be called before the next piece of the stream. */
  readonly endPiece: (bytes: Uint8Array) => void;
};

/** The start of a line of xxd, hexdump and od: `00000010: `. */
const DUMP_LINE = /^[0-9a-f]{6,16}[: ]/i;
const HEAD_BYTES = 17;

function openDumpLines(): DumpLines {
  /** The start of the line that contains the byte before `readTo`. */
  let head = "";
  let readTo = 0;
  let masking = false;
  /** The previous line was masked. The last line of a dump may contain too little of a secret to be detected by itself. */
  let continues = false;
  const readHead = (bytes: Uint8Array, end: number): void => {
    let line = bytes.subarray(readTo, end);
    const lineEnd = line.lastIndexOf(LINE_FEED);
    if (lineEnd >= 0) {
      head = "";
      line = line.subarray(lineEnd + 1);
    }
    if (head.length < HEAD_BYTES) head += String.fromCharCode(...line.subarray(0, HEAD_BYTES - head.length));
    readTo = end;
  };
  return {
    isActive: () => masking || continues,
    isMasked: (bytes, index) => {
      readHead(bytes, index + 1);
      const byte = bytes[index] ?? 0;
      if (byte === LINE_FEED) {
        continues = masking;
        masking = false;
        return false;
      }
      if (masking) return byte !== CARRIAGE_RETURN;
      masking = DUMP_LINE.test(head);
      continues = !masking && head.length < HEAD_BYTES;
      return false;
    },
    maskRest: (bytes, index) => {
      readHead(bytes, index + 1);
      masking ||= DUMP_LINE.test(head);
    },
    endPiece: (bytes) => {
      readHead(bytes, bytes.length);
      readTo = 0;
    },
  };
}

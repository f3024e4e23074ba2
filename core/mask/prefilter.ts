// Skips the parts of a stream in which no secret begins. Most of a log is ordinary text, so this loop decides the speed of
// the masker. It compares four bytes in a row (a gram) with those of the patterns, and looks at a part of the text only:
// every beginning of a pattern contains one of the places where it looks (Wu and Manber, 1994).

/** The shortest pattern, in bytes. */
export const GRAM = 4;

/** The distance between two places. With more, more grams of the patterns are in the table, and more text matches. */
const MAX_STRIDE = 16;
/** With shorter distances it is faster to read every byte once. */
const MIN_STRIDE = 4;

const TABLE_BITS = 17;
/** 2^32 divided by the golden ratio: an odd number without regularity in its bits spreads grams over a table. */
const SPREAD = 0x9e3779b1;

export type Prefilter = {
  /**
   * The index of the byte that completes the first gram of a pattern that begins at `from` or later; the length of `bytes`
   * when there is none. Some reports are false, and none is missing.
   */
  readonly find: (bytes: Uint8Array, from: number) => number;
  /** Where the gram begins that the byte at `end` completes, but not before `from`. */
  readonly startOf: (bytes: Uint8Array, from: number, end: number) => number;
};

/** `byteOf`: by byte, the byte that counts instead of it; negative when it does not count. */
export function buildPrefilter(patterns: readonly Uint8Array[], byteOf: Int16Array): Prefilter {
  const shortest = patterns.reduce((least, pattern) => Math.min(least, pattern.length), GRAM + MAX_STRIDE);
  if (shortest < GRAM) throw new Error(`a pattern has ${shortest} bytes, fewer than ${GRAM}`);
  const stride = Math.min(MAX_STRIDE, shortest - GRAM + 1);
  const first = gramsOf(patterns, 1);
  const anywhere = gramsOf(patterns, stride);

  /** Reads every byte from `from` to before `end`. */
  const scan = (bytes: Uint8Array, from: number, end: number): number => {
    let gram = 0;
    let counted = 0;
    for (let index = from; index < end; index += 1) {
      const byte = byteOf[bytes[index] ?? 0] ?? 0;
      if (byte < 0) continue;
      gram = (gram << 8) | byte;
      counted += 1;
      if (first[slotOf(gram)] === 1 && counted >= GRAM) return index;
    }
    return bytes.length;
  };

  const find = (bytes: Uint8Array, from: number): number => {
    if (stride < MIN_STRIDE) return scan(bytes, from, bytes.length);
    const { length } = bytes;
    /** No pattern begins between `from` and here. */
    let start = from;
    for (;;) {
      // A pattern that begins at `start` or later, but not after this place, has the next gram among its first ones.
      let index = start + stride - 1;
      let place = -1;
      let gram = 0;
      for (let counted = 0; counted < GRAM; index += 1) {
        if (index >= length) return scan(bytes, start, length);
        const byte = byteOf[bytes[index] ?? 0] ?? 0;
        if (byte < 0) continue;
        if (counted === 0) place = index;
        gram = (gram << 8) | byte;
        counted += 1;
      }
      if (anywhere[slotOf(gram)] === 1) {
        const found = scan(bytes, start, index);
        if (found < length) return found;
      }
      start = place + 1;
    }
  };

  const startOf = (bytes: Uint8Array, from: number, end: number): number => {
    let start = end;
    for (let index = end - 1, left = GRAM - 1; index >= from && left > 0; index -= 1) {
      if ((byteOf[bytes[index] ?? 0] ?? 0) < 0) continue;
      start = index;
      left -= 1;
    }
    return start;
  };

  return { find, startOf };
}

/** The slots of the grams that begin at the first `places` bytes of each pattern. */
function gramsOf(patterns: readonly Uint8Array[], places: number): Uint8Array {
  const slots = new Uint8Array(1 << TABLE_BITS);
  for (const pattern of patterns) {
    for (let place = 0; place < places; place += 1) {
      slots[slotOf(pattern.subarray(place, place + GRAM).reduce((gram, byte) => (gram << 8) | byte, 0))] = 1;
    }
  }
  return slots;
}

function slotOf(gram: number): number {
  return Math.imul(gram, SPREAD) >>> (32 - TABLE_BITS);
}

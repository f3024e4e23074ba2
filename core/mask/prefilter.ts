// Skips the parts of a stream in which no secret begins. Most of a log is ordinary text, so this loop determines the speed
// of the masker. It compares four bytes in a row (a gram) with those of the patterns, and looks at a part of the text only:
// the positions are so close that every start of a pattern contains one of them (Wu and Manber, 1994).

/** The shortest pattern, in bytes. */
export const GRAM = 4;

/**
 * The largest distance between two positions. A larger one puts more grams of the patterns into the table, so more text
 * matches.
 */
const MAX_STRIDE = 16;
/** Below this distance it is faster to read every byte. */
const MIN_STRIDE = 4;

const TABLE_BITS = 17;
/** 2^32 divided by the golden ratio: an odd number without regularity in its bits spreads grams over a table. */
const SPREAD = 0x9e3779b1;

export type Prefilter = {
  /**
   * The index of the byte that completes the first gram of a pattern that begins at `from` or later; the length of `bytes`
   * when there is none. There may be false positives, but no false negatives.
   */
  readonly find: (bytes: Uint8Array, from: number) => number;
  /** The start of the gram that the byte at `end` completes, at least `from`. */
  readonly startOf: (bytes: Uint8Array, from: number, end: number) => number;
};

/** `byteOf`: maps each byte to the byte that is compared; negative if the byte is skipped. */
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
      // For a pattern that begins between `start` and this position, the next gram is one of its first ones.
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

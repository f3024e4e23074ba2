// Finds many byte patterns in one pass (Aho and Corasick, 1975), with the bytes that no pattern uses in one class, so that
// the table stays small.

export type Automaton = {
  /** Byte → class; class 0 is every byte that occurs in no pattern. */
  readonly classOf: Uint8Array;
  readonly classes: number;
  /** `next[state * classes + class]`; state 0 is the root. */
  readonly next: Int32Array;
  /** Length of the text that a state stands for: the longest end of what was read that begins some pattern. */
  readonly depth: Int32Array;
  /** Length of the longest pattern that ends in a state; 0 when none does. */
  readonly found: Int32Array;
};

/** Time and space are proportional to the sum of the patterns' lengths. Empty patterns are ignored. */
export function buildAutomaton(patterns: readonly Uint8Array[]): Automaton {
  const { classOf, classes } = classesOf(patterns);
  const states = 1 + patterns.reduce((sum, pattern) => sum + pattern.length, 0);
  const next = new Int32Array(states * classes).fill(-1);
  const depth = new Int32Array(states);
  const found = new Int32Array(states);
  let last = 0;
  for (const pattern of patterns) {
    let state = 0;
    for (const byte of pattern) {
      const edge = state * classes + at(classOf, byte);
      if (at(next, edge) < 0) {
        last += 1;
        next[edge] = last;
        depth[last] = at(depth, state) + 1;
      }
      state = at(next, edge);
    }
    found[state] = Math.max(at(found, state), pattern.length);
  }
  connect(next, classes, found, last + 1);
  return { classOf, classes, next, depth, found };
}

/** Breadth first: where a state has no edge of its own it goes where its longest proper end would go. */
function connect(next: Int32Array, classes: number, found: Int32Array, states: number): void {
  const fail = new Int32Array(states);
  const queue: number[] = [];
  for (let edge = 0; edge < classes; edge += 1) {
    const to = at(next, edge);
    if (to > 0) queue.push(to);
    else next[edge] = 0;
  }
  for (let index = 0; index < queue.length; index += 1) {
    const state = queue[index] ?? 0;
    const back = at(fail, state);
    found[state] = Math.max(at(found, state), at(found, back));
    for (let edge = 0; edge < classes; edge += 1) {
      const to = at(next, state * classes + edge);
      const otherwise = at(next, back * classes + edge);
      if (to < 0) {
        next[state * classes + edge] = otherwise;
      } else {
        fail[to] = otherwise;
        queue.push(to);
      }
    }
  }
}

function classesOf(patterns: readonly Uint8Array[]): { classOf: Uint8Array; classes: number } {
  const used = new Set<number>();
  for (const pattern of patterns) for (const byte of pattern) used.add(byte);
  // With all 256 bytes in use there is no class for the others, and class 0 is one of them.
  const first = used.size === 256 ? 0 : 1;
  const classOf = new Uint8Array(256);
  [...used].forEach((byte, index) => {
    classOf[byte] = index + first;
  });
  return { classOf, classes: used.size + first };
}

/** An element that is there by construction. */
function at(array: Int32Array | Uint8Array, index: number): number {
  return array[index] ?? 0;
}

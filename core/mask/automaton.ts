// Finds many byte patterns in one pass (Aho and Corasick, 1975). The states are a tree of nodes with links, not a table of
// all states and bytes: the patterns of a long key have 200,000 states, and few bytes of a log are read by the automaton.

export type Automaton = {
  /** The state after the next byte; state 0 is the root. */
  readonly next: (state: number, byte: number) => number;
  /** Length of the text of a state: the longest suffix of the input that is a prefix of some pattern. */
  readonly depth: Int32Array;
  /** Length of the longest pattern that the text of a state ends with; 0 when there is none. */
  readonly found: Int32Array;
  /** By state, the number (from 1) of the head that its text ends with; 0 when there is none. */
  readonly head: Int32Array;
  /** Length of the longest pattern or head. */
  readonly longest: number;
};

/** The children of a state form a list: `child` is the first, `sibling` the next; 0 ends the list. */
type Tree = {
  readonly byte: Uint8Array;
  readonly child: Int32Array;
  readonly sibling: Int32Array;
  /** By state, the state of the longest proper suffix of its text that is a prefix of some pattern. */
  readonly fail: Int32Array;
  /** Children of the root by byte: a table, because the root has many. */
  readonly first: Int32Array;
};

/**
 * Time and space are proportional to the sum of the patterns' lengths. Empty patterns are ignored. `heads` are texts that
 * are reported separately from the patterns; all of them have the same length.
 */
export function buildAutomaton(patterns: readonly Uint8Array[], heads: readonly Uint8Array[] = []): Automaton {
  const all = [...patterns, ...heads];
  const states = 1 + all.reduce((sum, pattern) => sum + pattern.length, 0);
  const ints = (): Int32Array => new Int32Array(states);
  const tree = {
    byte: new Uint8Array(states),
    child: ints(),
    sibling: ints(),
    fail: ints(),
    first: new Int32Array(256),
  };
  const [depth, found, head] = [ints(), ints(), ints()];
  let last = 0;
  for (const [index, pattern] of all.entries()) {
    let state = 0;
    for (const byte of pattern) {
      let to = childOf(tree, state, byte);
      if (to === 0) {
        last += 1;
        to = last;
        depth[to] = at(depth, state) + 1;
        insert(tree, state, to, byte);
      }
      state = to;
    }
    if (index < patterns.length) found[state] = pattern.length;
    else head[state] = index - patterns.length + 1;
  }
  link(tree, found, head);
  const longest = all.reduce((most, pattern) => Math.max(most, pattern.length), 0);
  return { next: (state, byte) => follow(tree, state, byte), depth, found, head, longest };
}

function insert({ byte: bytes, child, sibling, first }: Tree, parent: number, state: number, byte: number): void {
  bytes[state] = byte;
  sibling[state] = at(child, parent);
  child[parent] = state;
  if (parent === 0) first[byte] = state;
}

function childOf({ byte: bytes, child, sibling, first }: Tree, state: number, byte: number): number {
  if (state === 0) return at(first, byte);
  let one = at(child, state);
  while (one !== 0 && bytes[one] !== byte) one = at(sibling, one);
  return one;
}

/** If a state has no child for a byte, the byte is read in the state of its longest proper suffix. */
function follow(tree: Tree, from: number, byte: number): number {
  for (let state = from; ; state = at(tree.fail, state)) {
    const to = childOf(tree, state, byte);
    if (to !== 0 || state === 0) return to;
  }
}

/** Sets the `fail` links, breadth first, because the link of a state depends on those of shorter texts. */
function link(tree: Tree, found: Int32Array, head: Int32Array): void {
  const { byte: bytes, child, sibling, fail } = tree;
  const queue = new Int32Array(found.length);
  let end = 1;
  for (let index = 0; index < end; index += 1) {
    const state = at(queue, index);
    for (let one = at(child, state); one !== 0; one = at(sibling, one)) {
      fail[one] = state === 0 ? 0 : follow(tree, at(fail, state), at(bytes, one));
      found[one] = Math.max(at(found, one), at(found, at(fail, one)));
      head[one] ||= at(head, at(fail, one));
      queue[end++] = one;
    }
  }
}

/** An element that exists by construction. */
function at(array: Int32Array | Uint8Array, index: number): number {
  return array[index] ?? 0;
}

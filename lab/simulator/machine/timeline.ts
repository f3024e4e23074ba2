// Simulated time: a heap of scheduled callbacks. One runs at a time, and all microtasks that follow from it are over before
// the next one runs.

export type Timeline = {
  /** Simulated milliseconds since the start. */
  readonly nowMs: () => number;
  /** Callbacks of the same time run in the order in which they were scheduled. The returned function cancels this one. */
  readonly at: (ms: number, run: () => void) => () => void;
  /** Runs callbacks until there are none, or until `isOver`. */
  readonly run: (isOver: () => boolean) => Promise<void>;
  readonly steps: () => number;
};

type Entry = { readonly ms: number; readonly order: number; run: (() => void) | undefined };

export function createTimeline(): Timeline {
  const heap: Entry[] = [];
  let now = 0;
  let order = 0;
  let steps = 0;
  return {
    nowMs: () => now,
    steps: () => steps,
    at: (ms, run) => {
      const entry: Entry = { ms: Math.max(ms, now), order: order++, run };
      push(heap, entry);
      return () => {
        entry.run = undefined;
      };
    },
    run: (isOver) =>
      new Promise((resolve, reject) => {
        const next = (): boolean => {
          if (isOver()) return false;
          let entry = pop(heap);
          while (entry && !entry.run) entry = pop(heap);
          if (!entry) return false;
          now = entry.ms;
          steps += 1;
          entry.run?.();
          return true;
        };
        inMacrotasks(next, resolve, reject);
      }),
  };
}

/** Callbacks per turn of the event loop: it checks for I/O between turns, which costs time. */
const TURN = 64;

/** Calls `next` until it returns false. The microtasks of one call are over before the next call. */
function inMacrotasks(next: () => boolean, end: () => void, fail: (error: unknown) => void): void {
  let goesOn = true;
  const one = (): void => {
    try {
      if (goesOn) goesOn = next();
    } catch (error) {
      goesOn = false;
      fail(error);
    }
  };
  const last = (): void => {
    one();
    if (goesOn) turn();
    else setImmediate(end);
  };
  const turn = (): void => {
    for (let index = 1; index < TURN; index += 1) setImmediate(one);
    setImmediate(last);
  };
  turn();
}

function before(a: Entry, b: Entry): boolean {
  return a.ms < b.ms || (a.ms === b.ms && a.order < b.order);
}

function push(heap: Entry[], entry: Entry): void {
  let index = heap.length;
  heap.push(entry);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent] as Entry;
    if (!before(entry, above)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = entry;
}

function pop(heap: Entry[]): Entry | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (!first || !last || heap.length === 0) return first;
  let index = 0;
  for (;;) {
    let child = index * 2 + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1] as Entry, heap[child] as Entry)) child += 1;
    const below = heap[child] as Entry;
    if (!before(below, last)) break;
    heap[index] = below;
    index = child;
  }
  heap[index] = last;
  return first;
}

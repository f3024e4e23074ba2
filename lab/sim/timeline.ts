// Simulated time: a heap of what will happen. One thing happens at a time, and everything that follows from it without
// waiting (microtasks) is over before the next.

export type Timeline = {
  /** Simulated milliseconds since the beginning. */
  readonly nowMs: () => number;
  /** Things for the same moment happen in the order in which they were asked for. The answer takes it back. */
  readonly at: (ms: number, run: () => void) => () => void;
  /** Lets the next thing happen; false when there is none. */
  readonly step: () => Promise<boolean>;
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
    step: async () => {
      for (;;) {
        const entry = pop(heap);
        if (!entry) return false;
        if (!entry.run) continue;
        now = entry.ms;
        steps += 1;
        entry.run();
        await new Promise(setImmediate);
        return true;
      }
    },
  };
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

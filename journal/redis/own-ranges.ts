// Which events of the feed this process has written itself, as far as it was told: who asks for those of others need not
// fetch them again.

export type OwnRanges = {
  /** Of the events from `first` to `last` all that there are are ours. */
  readonly add: (first: number, last: number) => void;
  readonly has: (seq: number) => boolean;
  /** The last of our events that follow on `seq` without one of somebody else between; `seq` itself when there is none. */
  readonly lastAfter: (seq: number) => number;
  /** Nobody will ask for events up to this one any more. */
  readonly forget: (seq: number) => void;
};

type Range = { readonly first: number; readonly last: number };

/** Where nobody asks: who asks later reads some of our own, too. */
const MAX_RANGES = 10_000;

export function makeOwnRanges(): OwnRanges {
  /** Ascending, with something between them. */
  let ranges: Range[] = [];

  /** The range that has this event, or the first one behind it. */
  const at = (seq: number): number => {
    let [low, high] = [0, ranges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ranges[middle]?.last ?? 0) < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const has = (seq: number): boolean => (ranges[at(seq)]?.first ?? Number.POSITIVE_INFINITY) <= seq;

  return {
    has,
    add: (first, last) => {
      if (first > last) return;
      const from = at(first - 1);
      let to = at(last + 1);
      if ((ranges[to]?.first ?? Number.POSITIVE_INFINITY) <= last + 1) to += 1;
      const touched = ranges.slice(from, to);
      const merged = {
        first: Math.min(first, touched[0]?.first ?? first),
        last: Math.max(last, touched.at(-1)?.last ?? last),
      };
      ranges.splice(from, touched.length, merged);
      if (ranges.length > MAX_RANGES) ranges = ranges.slice(MAX_RANGES / 2);
    },
    lastAfter: (seq) => (has(seq + 1) ? (ranges[at(seq + 1)]?.last ?? seq) : seq),
    forget: (seq) => {
      const count = at(seq + 1);
      if (count > 0) ranges = ranges.slice(count);
    },
  };
}

// Which events of the feed this process has committed itself, as far as it knows. A reader that wants only the events of
// other processes need not fetch these.

export type OwnRanges = {
  /** Every event from `first` to `last` is ours, or does not exist. */
  readonly add: (first: number, last: number) => void;
  readonly has: (seq: number) => boolean;
  /** The last of our events that follow `seq` with no event of another process between; `seq` itself if there is none. */
  readonly lastAfter: (seq: number) => number;
  /** Events up to this one will not be asked for again. */
  readonly forget: (seq: number) => void;
};

type Range = { readonly first: number; readonly last: number };

/** The limit while there is no reader. A later reader then gets some of our own events, too. */
const MAX_RANGES = 10_000;

export function makeOwnRanges(): OwnRanges {
  /** Ascending, with a gap between any two. */
  let ranges: Range[] = [];

  /** Index of the range with this event, or of the first one after it. */
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
